package import Foundation
package import ImageDatasets
package import NeuralGraph

/// Trains the models of a distributional comparison: networks that forget, and networks trained without what was to be forgotten.
///
/// Every model has a seed of its own, so that no unlearned model shares its first weights with a retrained one.
package struct ModelPopulation: Sendable {
    /// The kinds of models that are trained.
    package enum Kind: String, Sendable {
        /// Trained on all images.
        case original
        /// Trained without what is to be forgotten.
        case retrained
    }

    /// Gives architecture, metadata and, if ``training`` is nil, the training; its weights are not used.
    package let model: Model
    /// The classes to forget; empty if samples are.
    package let classes: Set<Int>
    /// The samples to forget, by their positions among the images; nil if classes are.
    package let samples: [Int]?
    /// The images to train on, of all classes.
    package let images: any ImageDataset
    /// The training of originals and retrained models.
    package let training: TrainingConfiguration
    /// How training images are changed at random.
    package let augmentation: Augmentation?
    /// The method by which originals forget, without a guard.
    package let method: any UnlearningMethod
    /// The number of images of each class that the method sees.
    package let samplesPerClass: Int
    /// The number of models of either kind.
    package let count: Int
    /// Threads, algorithms, the first seed, and the checkpoint.
    package let options: RunOptions
    private let store: ComparisonStore?

    /// Describes models.
    /// - Parameters:
    ///   - samples: the samples to forget; nil if classes are.
    ///   - folder: a folder for trained models, which later comparisons with the same training take them from; nil keeps
    ///     none.
    /// - Throws: ``UnlearningError`` if settings are wrong or the checkpoint is of other models, ``ComparisonError`` if the
    ///   folder has models of other settings.
    package init(
        like model: Model, forgetting classes: Set<Int>, samples: [Int]?, images: any ImageDataset,
        training: TrainingConfiguration, augmentation: Augmentation?, method: any UnlearningMethod,
        samplesPerClass: Int, count: Int, keepingIn folder: URL?, options: RunOptions
    ) throws {
        if samples == nil { try model.checkForgettable(classes) }
        try training.validate()
        try method.validate()
        (self.model, self.classes, self.samples, self.images) = (model, classes, samples, images)
        (self.training, self.augmentation, self.method) = (training, augmentation, method.withoutGuard)
        (self.samplesPerClass, self.count, self.options) = (samplesPerClass, count, options)
        let key = Key(
            algorithms: "\(options.algorithms)", augmentation: augmentation.map { "\($0)" } ?? "none",
            classes: classes.sorted(), images: "\(images.name), \(images.count)",
            network: model.graph.nodes.map { "\($0.name) \($0.operation.kind) \($0.shape)" }, samples: samples,
            schemaVersion: ComparisonStore.schemaVersion, training: training)
        store = try folder.map { try ComparisonStore($0, key: MethodComparison.json(key)) }
        try checkRun()
    }

    /// Refuses a checkpoint of other models, which would be removed with this run's.
    private func checkRun() throws {
        guard let checkpoint = options.checkpoint else { return }
        try CheckpointRun(checkpoint.scoped("population")).begin {
            RunIdentity(
                "compare-distributions", options: options,
                [
                    ("number of models", "\(count)"), ("method", method.name),
                    ("method's settings", try MethodComparison.json(method)),
                    ("classes to forget", "\(classes.sorted())"), ("number of samples", "\(samples?.count ?? 0)"),
                    ("images per class", "\(samplesPerClass)"),
                    ("training settings", try MethodComparison.json(training)),
                ])
        }
    }

    /// All that trained models depend on besides their seeds.
    private struct Key: Encodable {
        let algorithms: String
        let augmentation: String
        let classes: [Int]
        let images: String
        let network: [String]
        let samples: [Int]?
        let schemaVersion: Int
        let training: TrainingConfiguration
    }

    private func seed(_ kind: Kind, _ index: Int) -> UInt64 {
        options.seed &+ UInt64(kind == .original ? index : count + index)
    }

    /// Options for one model, whose part of a checkpoint has a name of its own since a kept model is not trained again.
    private func options(_ name: String, seed: UInt64) -> RunOptions {
        var options = options
        options.seed = seed
        options.checkpoint = options.checkpoint?.scoped("seed-\(seed)-\(name)")
        return options
    }

    /// Trains a network, or takes it from the folder.
    /// - Parameters:
    ///   - index: the model's number, from 0.
    ///   - progress: called after every step.
    /// - Throws: ``UnlearningError``, `DatasetError` or `CancellationError`.
    package func trained(_ kind: Kind, _ index: Int, progress: ProgressHandler? = nil) async throws -> Model {
        let seed = seed(kind, index)
        if let kept = store?.model(kind.rawValue, seed: seed, like: model) { return kept }
        let options = options(kind.rawValue, seed: seed)
        let trained = try await Retraining(training: training, augmentation: augmentation, options: options).train(
            Retraining.untrained(like: model, seed: seed), classes: kind == .retrained ? classes : [],
            images: kind == .retrained ? others : images, seed: seed, progress: progress
        ).model
        if let store {
            try store.keep(trained, kind.rawValue, seed: seed)
            options.checkpoint?.removeScope()
        }
        return trained
    }

    /// Makes an original forget, with images that are drawn by its own seed.
    /// - Parameters:
    ///   - original: the model of ``trained(_:_:progress:)`` with the same number.
    ///   - index: the model's number, from 0.
    ///   - progress: called after every step.
    /// - Throws: ``UnlearningError``, `DatasetError` or `CancellationError`.
    package func unlearned(
        _ original: Model, _ index: Int, progress: ProgressHandler? = nil
    ) async throws -> Model {
        let options = options("unlearned", seed: seed(.original, index))
        let data =
            if let samples {
                try MethodImages(
                    for: method, from: images, forgettingSamples: samples, samplesPerClass: samplesPerClass,
                    seed: options.seed)
            } else {
                try MethodImages(
                    for: method, from: images, forgetting: classes, samplesPerClass: samplesPerClass,
                    seed: options.seed)
            }
        let unlearner = Unlearner(
            model: original, retaining: data.retain, forgetting: data.forget, method: method, training: training,
            options: options
        ).unguarded
        if samples != nil, let forget = data.forget {
            return try await unlearner.forget(samples: forget, progress: progress).model
        }
        return try await unlearner.forget(classes: classes, progress: progress).model
    }

    /// The images without the samples to forget.
    private var others: any ImageDataset {
        get throws {
            guard let samples else { return images }
            let gone = Set(samples)
            return try ImageSubset(images, indices: (0..<images.count).filter { !gone.contains($0) })
        }
    }
}
