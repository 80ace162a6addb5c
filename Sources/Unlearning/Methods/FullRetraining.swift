import NeuralGraph

/// Training anew without what is to be forgotten, from other first weights: what every other method is measured against.
///
/// It forgets exactly, if the retain data are all that the original was trained on but what is to be forgotten; it costs a
/// training.
public struct FullRetraining: UnlearningMethod, Hashable {
    /// Creates the method.
    public init() {}

    public var name: String { "retrain" }
    public var requirements: Set<Requirement> { [.allRetainData, .originalTraining] }
    public var supportsSamples: Bool { true }

    public func phaseCosts(of request: UnlearningRequest) -> [Double] {
        [request.training?.cost(examples: Double(request.retainedCount)) ?? 0]
    }

    public func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let untrained = Model(
            graph: request.model.graph, metadata: request.model.metadata, seed: run.seed("retraining.weights"))
        return try run.train(
            untrained,
            TrainingLoop(
                examples: request.retained(), examplesName: "retain", configuration: request.originalTraining(),
                phase: .training, stream: "retraining"))
    }
}

extension FullRetraining {
    public var summary: String {
        "Trains a new network without the classes: exact, and as costly as training"
    }
}
