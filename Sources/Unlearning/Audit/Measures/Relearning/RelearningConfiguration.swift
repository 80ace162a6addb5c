/// The settings by which copies of the models learn the forgotten classes again.
public struct RelearningConfiguration: Sendable, Codable, Hashable {
    /// The forget accuracy at which the classes count as learned again.
    public enum Target: Sendable, Codable, Hashable {
        /// `(1 - tolerance)` times the original's forget accuracy.
        case nearOriginal(tolerance: Double)
        /// A fixed accuracy, 0 to 1.
        case accuracy(Double)
    }

    /// The forget accuracy at which the classes count as learned again.
    public var target: Target
    /// The number of training examples of forgotten classes in a step, 1 to 100,000.
    public var forgottenPerStep: Int
    /// The number of training examples of retained classes in a step, 0 to 100,000.
    public var retainedPerStep: Int
    /// Adam's learning rate, above 0.
    public var learningRate: Double
    /// The maximum number of steps, 1 to 100,000.
    public var stepLimit: Int
    /// The number of steps between two measurements of forget accuracy, 1 or more.
    public var stepsBetweenMeasurements: Int
    /// The maximum number of test examples of forgotten classes to measure accuracy on, 1 or more.
    public var measuredExamples: Int

    /// Creates a configuration.
    public init(
        target: Target = .nearOriginal(tolerance: 0.05), forgottenPerStep: Int = 32, retainedPerStep: Int = 32,
        learningRate: Double = 3e-3, stepLimit: Int = 60, stepsBetweenMeasurements: Int = 2,
        measuredExamples: Int = 500
    ) {
        self.target = target
        self.forgottenPerStep = forgottenPerStep
        self.retainedPerStep = retainedPerStep
        self.learningRate = learningRate
        self.stepLimit = stepLimit
        self.stepsBetweenMeasurements = stepsBetweenMeasurements
        self.measuredExamples = measuredExamples
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        let (name, share) =
            switch target {
            case .nearOriginal(let tolerance): ("relearning tolerance", tolerance)
            case .accuracy(let accuracy): ("relearning accuracy", accuracy)
            }
        guard share > 0, share < 1 else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(share)", remedy: "use a number between 0 and 1")
        }
        try Setting.check("forgotten examples a step", forgottenPerStep, isIn: 1...100_000)
        try Setting.check("retained examples a step", retainedPerStep, isIn: 0...100_000)
        try Setting.check("relearning rate", learningRate, isAbove: 0)
        try Setting.check("relearning step limit", stepLimit, isIn: 1...100_000)
        try Setting.check("steps between measurements", stepsBetweenMeasurements, isIn: 1...100_000)
        try Setting.check("measured examples", measuredExamples, isIn: 1...100_000_000)
    }
}

extension RelearningConfiguration {
    /// Reads settings, with defaults for those that are missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = RelearningConfiguration()
        target = try container.decode(.target, or: defaults.target)
        forgottenPerStep = try container.decode(.forgottenPerStep, or: defaults.forgottenPerStep)
        retainedPerStep = try container.decode(.retainedPerStep, or: defaults.retainedPerStep)
        learningRate = try container.decode(.learningRate, or: defaults.learningRate)
        stepLimit = try container.decode(.stepLimit, or: defaults.stepLimit)
        stepsBetweenMeasurements = try container.decode(
            .stepsBetweenMeasurements, or: defaults.stepsBetweenMeasurements)
        measuredExamples = try container.decode(.measuredExamples, or: defaults.measuredExamples)
    }
}
