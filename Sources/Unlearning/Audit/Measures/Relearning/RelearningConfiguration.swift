/// How the forgotten classes are learned again, on a copy of a model.
public struct RelearningConfiguration: Sendable, Codable, Hashable {
    /// When the classes count as learned again.
    public enum Target: Sendable, Codable, Hashable {
        /// When forget accuracy is at least `(1 - tolerance)` times the original's.
        case nearOriginal(tolerance: Double)
        /// When forget accuracy is at least this, 0 to 1.
        case accuracy(Double)
    }

    /// When the classes count as learned again.
    public var target: Target
    /// Training examples of the forgotten classes in one step, 1 to 100,000.
    public var forgottenPerStep: Int
    /// Training examples of the other classes in one step, 0 to 100,000.
    public var retainedPerStep: Int
    /// Adam's learning rate, above 0.
    public var learningRate: Double
    /// The step at which the attempt is given up, 1 to 100,000.
    public var stepLimit: Int
    /// Steps between two measurements of forget accuracy, 1 or more.
    public var stepsBetweenMeasurements: Int
    /// Test examples of the forgotten classes that accuracy is measured on at most, 1 or more.
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
    public func validate() throws {
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
    /// Reads settings; those that the version that wrote them did not know have their defaults.
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
