public import ImageDatasets
public import NeuralGraph

/// A trained model with its losses.
public struct TrainingOutcome: Sendable {
    /// The trained model.
    public let model: Model
    /// The loss of every step's batch, before its update.
    public let losses: [Double]

    /// Creates an outcome.
    public init(model: Model, losses: [Double] = []) {
        self.model = model
        self.losses = losses
    }
}

/// Trains networks.
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
    /// - Returns: the trained model, whose metadata says how it was trained, and the losses.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func train(
        _ model: Model, on data: any LabeledData, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> TrainingOutcome {
        let examples = try data.examples(for: model, named: "training")
        let record = TrainingRecord(configuration, augmentation: (examples as? PreparedImages)?.augmentation)
        let run = TrainingLoop(
            examples: examples, examplesName: "training",
            configuration: configuration, phase: .training,
            stream: "training")
        return try await RunContext.run(options, progress: progress) { context in
            try context.begin("train") {
                [
                    ("network and its first weights", Fingerprint.text(of: model)),
                    ("training data", try Fingerprint.text(of: run.examples, context: context)),
                    ("training settings", try MethodComparison.json(run.configuration)),
                ]
            }
            let outcome = try run.run(model, context: context)
            var trained = outcome.model
            trained.metadata.learningRate = run.configuration.learningRate
            trained.trainingRecord = record
            return TrainingOutcome(model: trained, losses: outcome.losses)
        }
    }
}
