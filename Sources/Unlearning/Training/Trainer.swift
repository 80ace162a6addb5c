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
    ///
    /// A network of shards, as `Architectures.named` makes it of the option `shards`, is trained shard by shard if it has the
    /// first weights of the seed, and as a whole otherwise.
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
        let record = TrainingRecord(
            configuration, examples: examples.count, augmentation: (examples as? PreparedImages)?.augmentation)
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
            var record = record
            let outcome: TrainingOutcome
            if let sharded = ShardedTraining(
                untrained: model, configuration: run.configuration, seed: options.seed)
            {
                (outcome, record.shards) = try Self.train(model, in: sharded, on: examples, context: context)
            } else {
                outcome = try run.run(model, context: context)
            }
            var trained = outcome.model
            trained.metadata.learningRate = run.configuration.learningRate
            trained.trainingRecord = record
            return TrainingOutcome(model: trained, losses: outcome.losses)
        }
    }

    private static func train(
        _ model: Model, in shards: ShardedTraining, on examples: any ExampleSource, context: RunContext
    ) throws -> (TrainingOutcome, ShardRecord) {
        var losses: [Double] = []
        let (trained, record) = try shards.train(like: model, on: examples, context: context) { copy, loop, ahead in
            let outcome = try context.phase(workAhead: ahead) { try loop.run(copy, context: context) }.0
            losses += outcome.losses
            return outcome.model
        }
        return (TrainingOutcome(model: trained, losses: losses), record)
    }
}

extension Model {
    /// The largest height and width of a new network's inputs.
    package static let largestImageSize = 65_536
    /// The most channels of a new network's inputs.
    package static let mostChannels = 1024

    /// A new network for a data set: one output for each of its classes, and its class names and normalization.
    /// - Parameters:
    ///   - architecture: the network.
    ///   - dataset: the images that it will be trained on.
    ///   - imageSize: height and width of the inputs, at least the images'.
    ///   - channels: the inputs' channels: those of the images, or any number if they have one.
    ///   - seed: the seed of the first weights.
    /// - Throws: ``UnlearningError`` if size or channels are out of range, `ShapeError` if the inputs are too small for
    ///   the network, and `DatasetError` if they do not fit the images.
    public init(
        untrained architecture: any Architecture, for dataset: any ImageDataset, imageSize: Int = 32,
        channels: Int = 3, seed: UInt64 = 0
    ) throws {
        try Setting.check("image size", imageSize, isIn: 1...Self.largestImageSize)
        try Setting.check("channels", channels, isIn: 1...Self.mostChannels)
        let shape: TensorShape = [imageSize, imageSize, channels]
        try ImagePreparation(targetShape: shape, normalization: dataset.normalization)
            .check(imageShape: dataset.imageShape, of: dataset.name)
        self.init(
            graph: try architecture.graph(inputShape: shape, classes: dataset.classNames.count),
            metadata: ModelMetadata(
                architecture: architecture.identifier, classNames: dataset.classNames,
                normalization: dataset.normalization, resizing: dataset.resizing),
            seed: seed)
    }
}
