public import NeuralGraph

/// Trains the last stages on the retain data, from new weights (EU-k) or from the old ones (CF-k).
///
/// Everything before stays equal to the bit. The frozen part runs over the data once, in inference mode, so that an
/// epoch costs the last stages alone; augmentation is therefore left out.
///
/// What the frozen part knows of the forgotten classes stays. Source: Goel et al., "Towards Adversarial Evaluations
/// for Inexact Machine Unlearning" (arXiv 2201.06640), section 4: exact unlearning (EU-k) and catastrophic forgetting
/// (CF-k) of the last k layers, trained as the original was, there for 62 epochs at most; in the authors' code the frozen
/// layers' batch statistics move with the data. Defaults of this package: one stage and the last layer, five epochs of
/// Adam at 1e-3 in one cycle, and frozen statistics.
public struct LastStages: TrainedMethod, Hashable {
    /// How many stages before the last layer are trained with it, 0 or more; see `Graph.stages(limit:)`.
    package var stages: Int
    /// Whether they start from new weights.
    package var resets: Bool
    /// How they are trained.
    package var training: TrainingConfiguration

    /// Creates the method.
    public init(
        resetting resets: Bool, stages: Int = 1,
        training: TrainingConfiguration = TrainingConfiguration(epochs: 5, learningRate: 1e-3, schedule: .oneCycle)
    ) {
        self.resets = resets
        self.stages = stages
        self.training = training
    }

    package var traits: MethodTraits {
        MethodTraits(
            resets ? "eu-k" : "cf-k",
            summary: resets
                ? "Reinitializes the last stages and trains them on retain data; the rest stays (EU-k)"
                : "Continues training the last stages on retain data; the rest stays (CF-k)",
            requirements: [.retainData], supportsSamples: true)
    }

    package func check() throws {
        try Setting.check("stages", stages, isIn: 0...10_000)
        try training.validate()
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        // The last stages are about a third of a network's work.
        [Double(request.retainedCount), training.cost(examples: Double(request.retainedCount)) / 3]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        try makeModel(request, session) { last in
            guard resets else { return last }
            return Model(graph: last.graph, metadata: last.metadata, seed: session.seed("\(name).weights"))
        }
    }

    /// Makes the new model.
    /// - Parameter start: gives the weights that training starts from, of the original's last stages.
    package func makeModel(
        _ request: UnlearningRequest, _ session: UnlearningSession, startingFrom start: (_ last: Model) throws -> Model
    ) throws -> Model {
        let (frozen, last) = try request.model.cut(at: Self.cut(request.model.graph, keeping: stages))
        let features = try session.features(of: request.retained(), by: frozen)
        let trained = try session.train(
            start(last),
            TrainingLoop(
                examples: features, examplesName: "retain", configuration: training, phase: .repair, stream: name))
        return try request.model.replacing(trained.stateDictionary)
    }

    /// The node after which the last stages begin: the latest with the given number of stages with weights before the
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

extension Graph {
    /// The nodes after which a network can be cut into blocks with weights, in order; the last layer is in no block.
    var weightedBlocks: [String] {
        var blocks: [String] = []
        var weights = 0
        for name in stages(limit: 10_000) {
            guard let part = try? cut(at: name).head else { continue }
            let found = part.nodes.count { $0.parameters.contains { $0.shape.rank > 1 } }
            // The latest of those with the same weights: what comes between needs not be computed twice.
            if found == weights, !blocks.isEmpty { blocks.removeLast() } else if found == 0 { continue }
            weights = found
            blocks.append(name)
        }
        return blocks
    }
}
