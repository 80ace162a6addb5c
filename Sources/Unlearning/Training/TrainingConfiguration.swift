import ImageDatasets
import NeuralGraph

/// How a network is trained for some epochs.
public struct TrainingConfiguration: Sendable, Codable, Hashable {
    /// Passes over the examples, 1 to 1,000,000.
    public var epochs: Int
    /// Steps at least, 0 to 1,000,000: with few examples there are more epochs, so that there are as many steps.
    public var minimumSteps: Int
    /// Examples in one step, 1 to 1,000,000. An epoch's last batch may be smaller; a single example is left out if the
    /// network has batch norm over single numbers, which cannot normalize it.
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
    /// Names of parameters, or of nodes for all of theirs, that stay as they are. The running statistics of a frozen
    /// batch norm still move.
    public var frozen: Set<String>

    /// Creates a configuration.
    public init(
        epochs: Int = 1, minimumSteps: Int = 0, batchSize: Int = 256, optimizer: OptimizerConfiguration = .adam,
        learningRate: Double = 1e-3, schedule: LearningRateSchedule = .constant, labelSmoothing: Float = 0,
        clipping: GradientClipping = .none, frozen: Set<String> = []
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
    }

    /// The epochs that an epoch's number of steps makes of ``epochs`` and ``minimumSteps``.
    func epochs(ofSteps stepsPerEpoch: Int) -> Int {
        max(epochs, (minimumSteps + stepsPerEpoch - 1) / max(1, stepsPerEpoch))
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)`` or `OptimizationError`.
    public func validate() throws {
        try Setting.check("epochs", epochs, isIn: 1...1_000_000)
        try Setting.check("minimum steps", minimumSteps, isIn: 0...1_000_000)
        try Setting.check("batch size", batchSize, isIn: 1...1_000_000)
        try Setting.check("learning rate", learningRate, isAbove: 0)
        guard labelSmoothing >= 0, labelSmoothing < 1 else {
            throw UnlearningError.invalidSetting(
                name: "label smoothing", value: "\(labelSmoothing)", remedy: "use 0 or more and less than 1")
        }
        try optimizer.validate()
        try schedule.validate()
        try clipping.validate()
    }
}

/// Checks of single numbers, worded alike.
enum Setting {
    static func check(_ name: String, _ value: Int, isIn range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(value)",
                remedy: "use a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    static func check(_ name: String, _ value: Double, isAbove bound: Double) throws {
        guard value > bound, value.isFinite else {
            throw UnlearningError.invalidSetting(
                name: name, value: "\(value)", remedy: "use a finite number above \(bound.formattedShortly)")
        }
    }
}

/// A trained model and how it got there.
public struct TrainingOutcome: Sendable {
    /// The trained model.
    public let model: Model
    /// The loss of every step's batch, before its update.
    public let losses: [Double]
}

/// Trains networks, for a classifier to start with and for the comparison with retraining.
public struct Trainer: Sendable {
    /// How to train.
    public var configuration: TrainingConfiguration

    /// Creates a trainer.
    public init(configuration: TrainingConfiguration = TrainingConfiguration(epochs: 3)) {
        self.configuration = configuration
    }

    /// Trains a copy of a model.
    /// - Parameters:
    ///   - model: where to start.
    ///   - data: images or examples, labeled with the model's classes.
    ///   - options: seed and threads.
    ///   - progress: called after every step.
    /// - Returns: the trained model, whose metadata says the learning rate, and the losses.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func train(
        _ model: Model, on data: any LabeledData, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> TrainingOutcome {
        let run = TrainingLoop(
            examples: try data.examples(for: model, named: "training"), examplesName: "training",
            configuration: configuration, phase: .training,
            stream: "training")
        return try await RunContext.run(options, progress: progress) { context in
            let outcome = try run.run(model, context: context)
            var trained = outcome.model
            trained.metadata.learningRate = run.configuration.learningRate
            return TrainingOutcome(model: trained, losses: outcome.losses)
        }
    }
}

extension TrainingConfiguration {
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
    }
}
