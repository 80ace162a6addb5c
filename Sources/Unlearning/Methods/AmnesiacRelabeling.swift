import ImageDatasets
package import NeuralGraph

/// Training on the retain data and the forget data, the latter under random *incorrect* labels.
///
/// Source: Graves, Nagisetty and Ganesh, "Amnesiac Machine Learning" (AAAI 2021, arXiv 2010.10981), section 4, the variant
/// "unlearning" that keeps no record of training; three epochs at 1e-4 as in the comparison of Chundawat et al.
/// (arXiv 2205.08096).
public struct AmnesiacRelabeling: TrainedMethod, Hashable {
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

    package func check() throws { try training.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [training.cost(examples: Double(request.retainedCount + request.forgottenCount))]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let forget = try request.forgotten().relabeled(
            classCount: request.model.classCount, incorrectly: true, excluding: request.forgottenClasses,
            seed: session.seed("\(name).labels"))
        return try session.train(
            request.model, forgetting: forget, retaining: request.retained(), training, stream: name)
    }
}
