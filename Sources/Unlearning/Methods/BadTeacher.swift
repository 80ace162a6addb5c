import ImageDatasets
import NeuralGraph

/// Distillation from two teachers: the original on the retain data, a network with random weights on the forget data.
///
/// The loss is `KL(teacher || f)` with the teacher of each example's kind.
///
/// Source: Chundawat et al., "Can Bad Teaching Induce Forgetting?" (AAAI 2023, arXiv 2205.08096), equation 5;
/// hyperparameters as published: one epoch of Adam at 1e-4, temperature 1.
public struct BadTeacher: BuiltInMethod, Hashable {
    /// What all logits are divided by, above 0.
    public var temperature: Float
    /// How it is trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(
        temperature: Float = 1, training: TrainingConfiguration = TrainingConfiguration(epochs: 1, learningRate: 1e-4)
    ) {
        self.temperature = temperature
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits("bad-teacher", requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("temperature", Double(temperature), isAbove: 0)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [forgotten, retained, training.cost(examples: retained + forgotten)]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let random = Model(graph: request.model.graph, seed: session.seed("\(name).weights"))
        let bad = try session.outputs(of: random, on: forget).masking(request.earlierClasses)
        let good = try session.outputs(of: request.model, on: retain).masking(request.earlierClasses)
        let table = try Tensor(
            bad.elements + good.elements, shape: [forget.count + retain.count, request.model.classCount])
        return try session.train(
            request.model, forgetting: forget, retaining: retain, training, stream: name,
            objective: TeacherObjective(
                loss: DistillationLoss(temperature: temperature), table: table, kind: .logits))
    }
}

extension BadTeacher {
    public var summary: String {
        "Keeps to the original on retain data and follows a random network on forget data"
    }
}
