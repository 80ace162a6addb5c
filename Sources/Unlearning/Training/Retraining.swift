public import ImageDatasets
public import NeuralGraph

/// Trains networks again without the classes to forget: what every other method is measured against.
///
/// An ``Audit`` compares with such models. The method ``FullRetraining`` forgets this way.
public struct Retraining: Sendable {
    /// How the networks are trained; nil for as the original was, which files of this package remember.
    package var training: TrainingConfiguration?
    /// How training images are changed at random; nil for as the original's were.
    package var augmentation: Augmentation?
    /// The seeds: one network is trained from each.
    ///
    /// Two or more show how far retrained networks are from each other.
    package var seeds: [UInt64]
    /// Threads and algorithms; the seed is not used.
    package var options: RunOptions

    /// Creates a retraining.
    public init(
        training: TrainingConfiguration? = nil, augmentation: Augmentation? = nil,
        seeds: [UInt64] = [0], options: RunOptions = RunOptions()
    ) {
        self.training = training
        self.augmentation = augmentation
        self.seeds = seeds
        self.options = options
    }

    /// Trains networks of the original's architecture, with an output for every class, on the images of the other classes.
    ///
    /// Each starts from weights of its own seed. From eight threads on, several are trained at a time, with memory for each.
    /// - Parameters:
    ///   - original: gives architecture and metadata; its weights are not used.
    ///   - classes: the classes to leave out.
    ///   - images: what the original was trained on.
    ///   - progress: called after every step, of the first of several that are trained at a time.
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
        guard let processes = options.severalProcesses else {
            var models: [Model] = []
            for start in stride(from: 0, to: seeds.count, by: modelsAtOnce) {
                models += try await together(
                    Array(seeds[start..<min(start + modelsAtOnce, seeds.count)]), like: original, classes: classes,
                    images: images, progress: progress)
            }
            return models
        }
        return try await SharedTasks(seeds.count, on: processes).run(
            options, encode: { try $0.fileContent() }, decode: { try Model(fileContent: $0, like: original) }
        ) { task, options in
            var retraining = self
            retraining.options = options
            return try await retraining.model(
                like: original, classes: classes, images: images, seed: seeds[task], progress: progress)
        }
    }

    /// The fewest threads of each of several trainings at a time. With fewer a training is slower than the others gain.
    private static let leastThreads = 4

    /// How many models one process trains at a time: two or more from eight threads on, which divide among them, since one
    /// training keeps so many busy less well. The bits of a model do not depend on it.
    package var modelsAtOnce: Int {
        // Models that go on from one checkpoint do so one by one.
        guard options.severalProcesses == nil, options.checkpoint == nil else { return 1 }
        return max(1, min(seeds.count, threadCount / Self.leastThreads))
    }

    private var threadCount: Int { options.threadCount ?? ThreadTeam.processorCount }

    private func together(
        _ seeds: [UInt64], like original: Model, classes: Set<Int>, images: any ImageDataset, progress: ProgressHandler?
    ) async throws -> [Model] {
        var one = self
        if seeds.count > 1 { one.options.threadCount = threadCount / seeds.count }
        return try await withThrowingTaskGroup(of: (Int, Model).self) { [one] group in
            for (place, seed) in seeds.enumerated() {
                // All are equally long: the first one's progress is that of the others.
                let progress = place == 0 ? progress : nil
                group.addTask {
                    let model = try await one.model(
                        like: original, classes: classes, images: images, seed: seed, progress: progress)
                    return (place, model)
                }
            }
            var models: [Int: Model] = [:]
            for try await (place, model) in group { models[place] = model }
            return seeds.indices.compactMap { models[$0] }
        }
    }

    private func model(
        like original: Model, classes: Set<Int>, images: any ImageDataset, seed: UInt64, progress: ProgressHandler?
    ) async throws -> Model {
        let untrained = Self.untrained(like: original, seed: seed)
        return try await train(untrained, classes: classes, images: images, seed: seed, progress: progress).model
    }

    /// A network of a model's architecture and metadata with first weights of a seed.
    static func untrained(like model: Model, seed: UInt64) -> Model {
        Model(graph: model.graph, metadata: model.metadata, seed: seed)
    }

    /// Trains a network, from the weights that it has, on the images of all classes but some.
    /// - Parameters:
    ///   - classes: the classes to leave out; none trains on all images.
    ///   - seed: of the order of the images, augmentation and dropout.
    func train(
        _ network: Model, classes: Set<Int>, images: any ImageDataset, seed: UInt64, progress: ProgressHandler?
    ) async throws -> TrainingOutcome {
        let images: any ImageDataset = classes.isEmpty ? images : try images.excluding(classes: classes)
        var options = options
        options.seed = seed
        let usual = network.usualTraining
        return try await Trainer(configuration: training ?? usual.configuration).train(
            network, on: network.prepare(images, augmentation: augmentation ?? usual.augmentation), options: options,
            progress: progress)
    }
}
