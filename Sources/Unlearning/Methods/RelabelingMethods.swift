import ImageDatasets
package import NeuralGraph

/// Training on the retain data and on the forget data under random labels, which may be the correct ones.
///
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), section 6,
/// baseline "random labels". Rate and length are this package's: Adam at 1e-3 for two epochs.
public struct RandomLabels: RelabelingMethod, Hashable {
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

    package func relabeled(
        _ request: UnlearningRequest, _ session: UnlearningSession
    ) throws -> RelabeledExamples {
        try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: false, excluding: request.earlierClasses,
            seed: session.seed("\(name).labels"))
    }
}

/// Training on the retain data and the forget data, the latter under random *incorrect* labels.
///
/// Source: Graves, Nagisetty and Ganesh, "Amnesiac Machine Learning" (AAAI 2021, arXiv 2010.10981), section 4, the variant
/// "unlearning" that keeps no record of training; three epochs at 1e-4 as in the comparison of Chundawat et al.
/// (arXiv 2205.08096).
public struct AmnesiacRelabeling: RelabelingMethod, Hashable {
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 3, learningRate: 1e-4)) {
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "amnesiac", summary: "Trains on retain and forget data, the latter under random incorrect labels",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func relabeled(
        _ request: UnlearningRequest, _ session: UnlearningSession
    ) throws -> RelabeledExamples {
        try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: true, excluding: request.forgottenClasses,
            seed: session.seed("\(name).labels"))
    }
}

/// A method that trains on the retain data, and on the forget data under other labels, in one run.
package protocol RelabelingMethod: TrainedMethod {
    /// The forget data under the labels that are learned instead.
    func relabeled(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> RelabeledExamples
}

extension RelabelingMethod {
    package func check() throws { try training.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount + request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try session.train(
            request.model, forgetting: relabeled(request, session), retaining: request.retained(), training,
            stream: name)
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
