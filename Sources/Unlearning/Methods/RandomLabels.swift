import ImageDatasets
import NeuralGraph

/// Training on the retain data and the forget data, the latter under labels drawn anew from all classes, the right one
/// among them.
///
/// Source: Golatkar, Achille and Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020, arXiv 1911.04933), section 6,
/// baseline "random labels". Rate and length are this package's: Adam at 1e-3 for two epochs.
public struct RandomLabels: UnlearningMethod, Hashable {
    /// How it is trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 2, learningRate: 1e-3)) {
        self.training = training
    }

    public var name: String { "random-labels" }
    public var requirements: Set<Requirement> { [.retainData, .forgetData] }
    public var supportsSamples: Bool { true }

    public func validate() throws { try training.validate() }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount + request.forgottenCount))]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let forget = try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: false, excluding: request.earlierClasses,
            seed: run.seed("\(name).labels"))
        return try run.train(
            request.model, forgetting: forget, retaining: request.retained(), training, stream: name)
    }
}

extension RandomLabels {
    public var summary: String {
        "Trains on retain and forget data, the latter under random labels"
    }
}
