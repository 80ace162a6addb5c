import ImageDatasets
public import NeuralGraph

/// How a network is trained.
public struct TrainingConfiguration: Sendable, Codable, Hashable {
    /// Passes over the examples, 1 to 1,000,000.
    public var epochs: Int
    /// The minimum number of steps, 0 to 1,000,000: with few examples there are more epochs.
    public var minimumSteps: Int
    /// Examples in one step, 1 to 1,000,000.
    ///
    /// An epoch's last batch may be smaller. A last batch of one example is skipped if the network has batch norm
    /// over single numbers, which cannot normalize it.
    public var batchSize: Int
    /// The optimizer.
    public var optimizer: OptimizerConfiguration
    /// The learning rate before the schedule, above 0.
    public var learningRate: Double
    /// How the learning rate changes over the steps.
    public var schedule: LearningRateSchedule
    /// The probability mass that is spread over all classes, 0 to below 1.
    public var labelSmoothing: Float
    /// A limit to the gradient.
    public var clipping: GradientClipping
    /// Names of parameters, or of nodes for all of their parameters, that are not trained.
    ///
    /// The running statistics of a frozen batch norm still move; see ``freezesBatchNorm``.
    public var frozen: Set<String>
    /// Whether batch norm uses its running statistics, which stay as they are, instead of the batch's.
    ///
    /// Its weights are trained all the same. This is PyTorch's `eval()` on these layers, for data that are not like the
    /// training's, such as forget data alone: in 40 steps the statistics would become those of the data shown.
    public var freezesBatchNorm: Bool
    /// λ of the penalty `λ/2 ‖w - w₀‖²` on the distance from the weights w₀ that the training starts from, 0 or more.
    ///
    /// Reported losses do not include it.
    public var anchorWeight: Double

    /// Creates a configuration.
    public init(
        epochs: Int = 1, minimumSteps: Int = 0, batchSize: Int = 256, optimizer: OptimizerConfiguration = .adam,
        learningRate: Double = 1e-3, schedule: LearningRateSchedule = .constant, labelSmoothing: Float = 0,
        clipping: GradientClipping = .none, frozen: Set<String> = [], freezesBatchNorm: Bool = false,
        anchorWeight: Double = 0
    ) {
        self.epochs = epochs
        self.minimumSteps = minimumSteps
        self.batchSize = batchSize
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.schedule = schedule
        self.labelSmoothing = labelSmoothing
        self.clipping = clipping
        self.frozen = frozen
        self.freezesBatchNorm = freezesBatchNorm
        self.anchorWeight = anchorWeight
    }

    /// The epochs that an epoch's number of steps makes of ``epochs`` and ``minimumSteps``.
    package func epochs(ofSteps stepsPerEpoch: Int) -> Int {
        max(epochs, (minimumSteps + stepsPerEpoch - 1) / max(1, stepsPerEpoch))
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError`` or `OptimizationError`.
    public func validate() throws {
        try Setting.check("epochs", epochs, isIn: 1...1_000_000)
        try Setting.check("minimum steps", minimumSteps, isIn: 0...1_000_000)
        try Setting.check("batch size", batchSize, isIn: 1...1_000_000)
        try Setting.check("learning rate", learningRate, isAbove: 0)
        try Setting.check("anchor weight", anchorWeight, isAtLeast: 0)
        try LabelObjective(smoothing: labelSmoothing).validate(examples: 0, outputs: 0)
        try optimizer.validate()
        try schedule.validate()
        try clipping.validate()
    }
}

extension TrainingConfiguration {
    private enum CodingKeys: CodingKey {
        case epochs, minimumSteps, batchSize, optimizer, learningRate, schedule, labelSmoothing, clipping, frozen,
            freezesBatchNorm, anchorWeight
    }

    /// Writes settings; equal ones give equal text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(minimumSteps, forKey: .minimumSteps)
        try container.encode(batchSize, forKey: .batchSize)
        try container.encode(optimizer, forKey: .optimizer)
        try container.encode(learningRate, forKey: .learningRate)
        try container.encode(schedule, forKey: .schedule)
        try container.encode(labelSmoothing, forKey: .labelSmoothing)
        try container.encode(clipping, forKey: .clipping)
        // A set has another order in every process.
        try container.encode(frozen.sorted(), forKey: .frozen)
        try container.encode(freezesBatchNorm, forKey: .freezesBatchNorm)
        try container.encode(anchorWeight, forKey: .anchorWeight)
    }

    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = TrainingConfiguration()
        epochs = try container.decode(.epochs, or: defaults.epochs)
        minimumSteps = try container.decode(.minimumSteps, or: defaults.minimumSteps)
        batchSize = try container.decode(.batchSize, or: defaults.batchSize)
        optimizer = try container.decode(.optimizer, or: defaults.optimizer)
        learningRate = try container.decode(.learningRate, or: defaults.learningRate)
        schedule = try container.decode(.schedule, or: defaults.schedule)
        labelSmoothing = try container.decode(.labelSmoothing, or: defaults.labelSmoothing)
        clipping = try container.decode(.clipping, or: defaults.clipping)
        frozen = try container.decode(.frozen, or: defaults.frozen)
        freezesBatchNorm = try container.decode(.freezesBatchNorm, or: defaults.freezesBatchNorm)
        anchorWeight = try container.decode(.anchorWeight, or: defaults.anchorWeight)
    }
}
