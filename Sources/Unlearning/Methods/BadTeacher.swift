import ImageDatasets
import NeuralGraph

/// Two teachers: on the retain data the network keeps to the original, on the forget data it follows a network with random
/// weights. The loss is `KL(teacher || f)` with the teacher of each example's kind.
///
/// Source: Chundawat et al., "Can Bad Teaching Induce Forgetting?" (AAAI 2023, arXiv 2205.08096), equation 5;
/// hyperparameters as published: one epoch of Adam at 1e-4, temperature 1.
public struct BadTeacher: UnlearningMethod, Hashable {
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

    public var name: String { "bad-teacher" }
    public var requirements: Set<Requirement> { [.retainData, .forgetData] }
    public var supportsSamples: Bool { true }

    public func validate() throws {
        try training.validate()
        try Setting.check("temperature", Double(temperature), isAbove: 0)
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (Double(request.retainedCount), Double(request.forgottenCount))
        return [forgotten, retained, training.cost(examples: retained + forgotten)]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let (forget, retain) = (try request.forgotten(), try request.retained())
        let random = Model(graph: request.model.graph, seed: run.seed("\(name).weights"))
        let bad = try run.answers(of: random, to: forget).masking(request.earlierClasses)
        let good = try run.answers(of: request.model, to: retain).masking(request.earlierClasses)
        let table = try Tensor(
            bad.elements + good.elements, shape: [forget.count + retain.count, request.model.classCount])
        return try run.train(
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
