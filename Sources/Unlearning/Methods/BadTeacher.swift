package import ImageDatasets
package import NeuralGraph

/// Distillation from two teachers: the original on the retain data, a network with random weights on the forget data.
///
/// The loss is `KL(teacher || f)` with the teacher of each example's kind, divided by the number of classes as in the
/// authors' code, which hardly matters to Adam.
///
/// Source: Chundawat et al., "Can Bad Teaching Induce Forgetting?" (AAAI 2023, arXiv 2205.08096), equation 5;
/// hyperparameters as published: 30 % of the retain data, one epoch of Adam at 1e-4 over both kinds mixed, batches of
/// 256, temperature 1.
public struct BadTeacher: TrainedMethod, Hashable {
    /// What all logits are divided by, above 0.
    package var temperature: Float
    /// The share of the retain data that is used, drawn at random, above 0 and at most 1.
    package var retainShare: Double
    /// How it is trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        temperature: Float = 1, retainShare: Double = 0.3,
        training: TrainingConfiguration = TrainingConfiguration(epochs: 1, learningRate: 1e-4)
    ) {
        self.temperature = temperature
        self.retainShare = retainShare
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            "bad-teacher", summary: "Keeps to the original on retain data and follows a random network on forget data",
            requirements: [.retainData, .forgetData], supportsSamples: true)
    }

    package func check() throws {
        try training.validate()
        try Setting.check("temperature", Double(temperature), isAbove: 0)
        guard retainShare > 0, retainShare <= 1 else {
            throw UnlearningError.invalidSetting(
                name: "retain share", value: "\(retainShare)", remedy: "use a number above 0 and at most 1")
        }
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let (retained, forgotten) = (retainShare * Double(request.retainedCount), Double(request.forgottenCount))
        return [forgotten, retained, training.cost(examples: retained + forgotten)]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let random = Model(graph: request.model.graph, seed: session.seed("\(name).weights"))
        let all = try request.retained()
        var order = Array(0..<all.count)
        var draws = SeededRandom(seed: session.seed("\(name).retain"), stream: "retain")
        let count = max(1, Int(retainShare * Double(all.count)))
        draws.draw(count, toFrontOf: &order)
        return try distill(
            request, from: random, retaining: ExampleSubset(all, indices: order.prefix(count).sorted()), session)
    }

    /// Trains the original towards itself on the retain data and towards another network on the forget data.
    package func distill(
        _ request: UnlearningRequest, from bad: Model, retaining retain: any ExampleSource, _ session: UnlearningSession
    ) throws -> Model {
        let (forget, K) = (try request.forgotten(), request.model.classCount)
        let badOutputs = try session.outputs(of: bad, on: forget).masking(request.earlierClasses)
        let goodOutputs = try session.outputs(of: request.model, on: retain).masking(request.earlierClasses)
        let table = try Tensor(
            badOutputs.elements + goodOutputs.elements, shape: [forget.count + retain.count, K])
        // The distillation loss has the factor T², which the published one lacks.
        let weight = 1 / (Double(K) * Double(temperature) * Double(temperature))
        return try session.train(
            request.model, forgetting: forget, retaining: retain, training, stream: name,
            objective: WeightedObjective(
                (
                    weight,
                    TeacherObjective(loss: DistillationLoss(temperature: temperature), table: table, kind: .logits)
                ))
        )
    }
}
