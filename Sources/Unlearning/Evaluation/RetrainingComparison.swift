package import ImageDatasets
package import NeuralGraph

/// Forgetting compared with retraining: a network is trained, made to forget, and trained again without the classes.
///
/// All of them are measured on the same images. Nothing watches the methods: what is compared are their settings as they are.
package struct RetrainingComparison: Sendable {
    /// What one of the networks is.
    package enum Stage: String, Sendable, Codable, CaseIterable {
        /// Trained on all classes.
        case original
        /// Made to forget.
        case unlearned
        /// Made to forget by another method, for comparison.
        case other
        /// Trained on the retained classes alone, from the same first weights.
        case retrained
    }

    /// A network with its cost and accuracy.
    package struct Entry: Sendable {
        /// What it is.
        package let stage: Stage
        /// The network.
        package let model: Model
        /// Its accuracy on the test images.
        package let accuracy: Accuracy
        /// The time that making it took, without measuring.
        package let time: Duration
        /// The optimizer steps that making it took.
        package let steps: Int
        /// How many times faster than retraining; nil for the original.
        package let speedUp: Double?
        /// How it was made to forget; nil for the others.
        package let forgetting: UnlearningOutcome?

        /// What tables call it: the stage, or the other method.
        package var title: String {
            if stage == .other, let forgetting { forgetting.method.name } else { stage.rawValue }
        }
    }

    /// Takes progress reports of the stages.
    package typealias Handler = @Sendable (Stage, RunProgress) -> Void

    /// How the original and the retrained network are trained.
    package var training: TrainingConfiguration
    /// How training images are changed at random.
    package var augmentation: Augmentation?
    /// How classes are forgotten.
    package var unlearning: any UnlearningMethod
    /// Other methods that the original is made to forget by, for comparison.
    package var others: [any UnlearningMethod]
    /// Retain images of each class that forgetting sees.
    package var samplesPerClass: Int
    /// Seed and threads.
    package var options: RunOptions

    /// Creates a comparison.
    package init(
        training: TrainingConfiguration = TrainingConfiguration(epochs: 3), augmentation: Augmentation? = nil,
        unlearning: any UnlearningMethod = .default, others: [any UnlearningMethod] = [], samplesPerClass: Int = 1000,
        options: RunOptions = RunOptions()
    ) {
        self.training = training
        self.augmentation = augmentation
        self.unlearning = unlearning
        self.others = others
        self.samplesPerClass = samplesPerClass
        self.options = options
    }

    /// Trains, forgets, retrains and measures.
    /// - Parameters:
    ///   - model: the untrained network.
    ///   - classes: the classes to forget; none where samples are.
    ///   - samples: the positions of samples to forget among the images; nil where classes are.
    ///   - images: the images to train on; forgetting sees some of the retained classes.
    ///   - test: the images to measure on.
    ///   - progress: called after every step.
    /// - Returns: the networks in the order of ``Stage``.
    /// - Throws: ``UnlearningError``, `DatasetError` or `CancellationError`.
    package func run(
        _ model: Model, classes: some Sequence<Int>, samples: [Int]? = nil, images: any ImageDataset,
        test: any ImageDataset, progress: Handler? = nil
    ) async throws -> [Entry] {
        let classes = Set(classes)
        try training.validate()
        for method in [unlearning] + self.others { try method.validate() }
        if samples == nil { try model.checkForgettable(classes) }
        let gone = Set(samples ?? [])
        let others: any ImageDataset =
            if gone.isEmpty { images } else {
                try ImageSubset(images, indices: (0..<images.count).filter { !gone.contains($0) })
            }
        let measured = try model.prepare(test)
        func handler(_ stage: Stage) -> ProgressHandler? {
            guard let progress else { return nil }
            return { progress(stage, $0) }
        }
        func accuracy(_ model: Model, _ stage: Stage) async throws -> Accuracy {
            try await Evaluator().accuracy(
                of: model, on: measured, forgottenClasses: classes, options: options, progress: handler(stage)
            )
        }

        let original = try await trained(model, without: [], images, progress: handler(.original))
        let originalAccuracy = try await accuracy(original.model, .original)
        func forgotten(by method: any UnlearningMethod, _ stage: Stage) async throws -> UnlearningOutcome {
            let data = try data(for: method, classes, samples, from: images)
            let unlearner = Unlearner(
                model: original.model, retaining: data.retain, forgetting: data.forget, validation: measured,
                method: method, training: training, options: options
            ).unguarded
            if samples != nil, let forget = data.forget {
                return try await unlearner.forget(samples: forget, progress: handler(stage))
            }
            return try await unlearner.forget(classes: classes, progress: handler(stage))
        }
        let unlearned = try await forgotten(by: unlearning, .unlearned)
        var compared = [(Stage.unlearned, unlearned)]
        for method in self.others { compared.append((.other, try await forgotten(by: method, .other))) }
        let retrained = try await trained(model, without: classes, others, progress: handler(.retrained))
        let retrainedAccuracy = try await accuracy(retrained.model, .retrained)
        let first = Entry(
            stage: .original, model: original.model, accuracy: originalAccuracy, time: original.time,
            steps: original.steps, speedUp: nil, forgetting: nil)
        let last = Entry(
            stage: .retrained, model: retrained.model, accuracy: retrainedAccuracy, time: retrained.time,
            steps: retrained.steps, speedUp: 1, forgetting: nil)
        return [first]
            + compared.compactMap { stage, outcome in
                outcome.accuracyAfter.map {
                    Entry(
                        stage: stage, model: outcome.model, accuracy: $0, time: outcome.totalTime, steps: outcome.steps,
                        speedUp: retrained.time / outcome.totalTime, forgetting: outcome)
                }
            } + [last]
    }

    /// The images that a method sees.
    package func data(
        for method: any UnlearningMethod, _ classes: Set<Int>, _ samples: [Int]?, from images: any ImageDataset
    ) throws(DatasetError) -> MethodImages {
        if let samples {
            return try MethodImages(
                for: method, from: images, forgettingSamples: samples, samplesPerClass: samplesPerClass,
                seed: options.seed)
        }
        return try MethodImages(
            for: method, from: images, forgetting: classes, samplesPerClass: samplesPerClass, seed: options.seed)
    }

    private func trained(
        _ model: Model, without classes: Set<Int>, _ images: any ImageDataset, progress: ProgressHandler?
    ) async throws -> (model: Model, time: Duration, steps: Int) {
        let start = ContinuousClock.now
        let restoredBefore = options.checkpoint?.restoredTime ?? .zero
        let outcome = try await Retraining(training: training, augmentation: augmentation, options: options)
            .train(model, classes: classes, images: images, seed: options.seed, progress: progress)
        let restored = (options.checkpoint?.restoredTime ?? .zero) - restoredBefore
        return (outcome.model, ContinuousClock.now - start + restored, outcome.losses.count)
    }
}
