import ImageDatasets
import NeuralGraph

/// Trains models without the forgotten classes for an audit to compare with: the yardstick where there is none yet.
public struct Retraining: Sendable {
    /// How the models are trained: as the original was.
    public var training: TrainingConfiguration
    /// How training images are changed at random.
    public var augmentation: Augmentation?
    /// One model is trained from each seed; two or more show how far retraining is from itself.
    public var seeds: [UInt64]
    /// Threads and algorithms; its seed is not used.
    public var options: RunOptions

    /// Creates a retraining.
    public init(
        training: TrainingConfiguration = TrainingConfiguration(epochs: 3), augmentation: Augmentation? = nil,
        seeds: [UInt64] = [0], options: RunOptions = RunOptions()
    ) {
        self.training = training
        self.augmentation = augmentation
        self.seeds = seeds
        self.options = options
    }

    /// Trains models of the original's architecture, with an output for every class, on the images of the others.
    /// - Parameters:
    ///   - original: gives architecture and metadata; its weights are not looked at.
    ///   - classes: the classes to leave out.
    ///   - images: what the original was trained on.
    ///   - progress: called after every step.
    /// - Returns: a model for each seed.
    /// - Throws: ``UnlearningError``, `DatasetError` or `CancellationError`.
    public func models(
        like original: Model, classes: some Sequence<Int>, images: any ImageDataset,
        progress: ProgressHandler? = nil
    ) async throws -> [Model] {
        let classes = Set(classes)
        guard !seeds.isEmpty else {
            throw UnlearningError.invalidSetting(name: "seeds", value: "empty", remedy: "give one or more")
        }
        try original.checkForgettable(classes)
        let retained = try original.prepare(images.excluding(classes: classes), augmentation: augmentation)
        var models: [Model] = []
        for seed in seeds {
            var options = options
            options.seed = seed
            let untrained = Model(graph: original.graph, metadata: original.metadata, seed: seed)
            let outcome = try await Trainer(configuration: training)
                .train(untrained, on: retained, options: options, progress: progress)
            models.append(outcome.model)
        }
        return models
    }
}
