import ImageDatasets
package import NeuralGraph

/// Training on the retain data and on the forget data under random labels, which may be the correct ones.
///
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), section 6,
/// baseline "random labels". Rate and length are this package's: Adam at 1e-3 for two epochs.
public struct RandomLabels: TrainedMethod, Hashable {
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 2, learningRate: 1e-3)) {
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "random-labels", summary: "Trains on retain and forget data, the latter under random labels",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws { try training.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount + request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let forget = try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: false, excluding: request.earlierClasses,
            seed: session.seed("\(name).labels"))
        return try session.train(
            request.model, forgetting: forget, retaining: request.retained(), training, stream: name)
    }
}

/// Examples under other labels.
package struct RelabeledExamples: ExampleSource {
    let source: any ExampleSource
    /// One class an example.
    let classes: [Int]

    package init(source: any ExampleSource, classes: [Int]) {
        self.source = source
        self.classes = classes
    }

    package var count: Int { source.count }
    package var exampleShape: TensorShape { source.exampleShape }
    package var isDecodedOnRead: Bool { source.isDecodedOnRead }

    package func label(at index: Int) -> Int { classes[index] }

    package func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>) throws {
        try source.write(index, augmentationSeed: augmentationSeed, into: &target)
    }
}

extension ExampleSource {
    /// The examples under labels drawn evenly from all classes that are not excluded, or from those of them that are wrong
    /// for the example.
    package func relabeled(
        classCount: Int, incorrectly: Bool, excluding excluded: Set<Int> = [], seed: UInt64
    ) -> RelabeledExamples {
        var random = SeededRandom(seed: seed, stream: "labels")
        let labels = (0..<count).map { index in
            let own = label(at: index)
            let choices = (0..<classCount).filter { !(incorrectly && $0 == own) && !excluded.contains($0) }
            // One class alone leaves nothing to choose from.
            return choices.isEmpty ? own : choices[random.integer(below: choices.count)]
        }
        return RelabeledExamples(source: self, classes: labels)
    }
}
