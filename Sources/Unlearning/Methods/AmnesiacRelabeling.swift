import ImageDatasets
import NeuralGraph

/// Training on the retain data and the forget data, the latter under random *incorrect* labels.
///
/// Source: Graves, Nagisetty and Ganesh, "Amnesiac Machine Learning" (AAAI 2021, arXiv 2010.10981), section 4, the variant
/// "unlearning" that keeps no record of training; three epochs at 1e-4 as in the comparison of Chundawat et al.
/// (arXiv 2205.08096).
public struct AmnesiacRelabeling: UnlearningMethod, Hashable {
    /// How it is trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(training: TrainingConfiguration = TrainingConfiguration(epochs: 3, learningRate: 1e-4)) {
        self.training = training
    }

    public var name: String { "amnesiac" }
    public var requirements: Set<Requirement> { [.retainData, .forgetData] }
    public var supportsSamples: Bool { true }

    public func validate() throws { try training.validate() }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount + request.forgottenCount))]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let forget = try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: true, excluding: request.forgottenClasses,
            seed: run.seed("\(name).labels"))
        return try run.train(
            request.model, forgetting: forget, retaining: request.retained(), training, stream: name)
    }
}

extension AmnesiacRelabeling {
    public var summary: String {
        "Trains on retain and forget data, the latter under random incorrect labels"
    }
}
