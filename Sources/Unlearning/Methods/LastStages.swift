import NeuralGraph

/// The last stages of the network are trained on the retain data, and everything before them stays to the bit: reset first
/// (EU-k), or from where they are (CF-k). The frozen part runs once over the data, in inference mode, so that an epoch
/// costs the last stages alone; augmentation is therefore left out.
///
/// What the frozen part knows of the forgotten, it keeps. Source: Goel et al., "Towards Adversarial Evaluations for Inexact
/// Machine Unlearning" (arXiv 2201.06640), section 4: exact unlearning (EU-k) and catastrophic forgetting (CF-k) of the last
/// k layers, trained as the original was. By default one stage and the last layer, five epochs of Adam at 1e-3 in one cycle.
public struct LastStages: UnlearningMethod, Hashable {
    /// How many stages before the last layer are trained with it, 0 or more; see `Graph.stages(limit:)`.
    public var stages: Int
    /// Whether they start from new weights.
    public var resets: Bool
    /// How they are trained.
    public var training: TrainingConfiguration

    /// Creates the method.
    public init(
        resetting resets: Bool, stages: Int = 1,
        training: TrainingConfiguration = TrainingConfiguration(epochs: 5, learningRate: 1e-3, schedule: .oneCycle)
    ) {
        self.resets = resets
        self.stages = stages
        self.training = training
    }

    public var name: String { resets ? "eu-k" : "cf-k" }
    public var requirements: Set<Requirement> { [.retainData] }
    public var supportsSamples: Bool { true }

    public func validate() throws {
        try Setting.check("stages", stages, isIn: 0...10_000)
        try training.validate()
    }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        // The last stages are about a third of a network's work.
        [Double(request.retainedCount), training.cost(examples: Double(request.retainedCount)) / 3]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let (frozen, last) = try request.model.cut(at: Self.cut(request.model.graph, keeping: stages))
        let features = try run.features(of: request.retained(), by: frozen)
        let start = resets ? Model(graph: last.graph, metadata: last.metadata, seed: run.seed("\(name).weights")) : last
        let trained = try run.train(
            start,
            TrainingLoop(
                examples: features, examplesName: "retain", configuration: training, phase: .repair, stream: name))
        return try request.model.replacing(trained.stateDictionary)
    }

    /// The node after which the last stages begin: the latest one that has so many stages with weights between it and the
    /// last layer.
    static func cut(_ graph: Graph, keeping stages: Int) throws -> String {
        var counts: [Int] = []
        for name in graph.stages(limit: 10_000).reversed() {
            let weights = try graph.cut(at: name).tail.nodes.count { $0.parameters.contains { $0.shape.rank > 1 } }
            guard weights > 0, weights != counts.last else { continue }
            counts.append(weights)
            if counts.count == stages + 1 { return name }
        }
        throw UnlearningError.invalidSetting(
            name: "stages", value: "\(stages)",
            remedy: counts.isEmpty
                ? "the network cannot be cut before its last layer; take another method"
                : "the network can be cut before its last \(counts.count - 1) stages at most")
    }
}

extension LastStages {
    public var summary: String {
        resets
            ? "Reinitializes the last stages and trains them on retain data; the rest stays (EU-k)"
            : "Continues training the last stages on retain data; the rest stays (CF-k)"
    }
}
