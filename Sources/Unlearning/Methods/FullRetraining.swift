package import NeuralGraph

/// Trains again without what is to be forgotten, from other first weights.
///
/// Forgets exactly if the retain data are all that the original was trained on except what is to be forgotten. Costs a
/// full training. ``Retraining`` trains reference models for audits.
public struct FullRetraining: BuiltInMethod, Hashable {
    /// Creates the method.
    public init() {}

    package var traits: MethodTraits {
        MethodTraits(
            "retrain", summary: "Trains a new network without the classes: exact, and as costly as training",
            requirements: [.allRetainData, .originalTraining], supportsSamples: true)
    }

    package func costs(of request: UnlearningRequest) -> [Double] {
        [request.training?.cost(examples: Double(request.retainedCount)) ?? 0]
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        if let ensemble = ShardEnsemble(of: request.model) {
            let training = ShardedTraining(
                ensemble: ensemble, configuration: try request.originalTraining(), seed: session.options.seed)
            let (trained, shards) = try training.train(
                like: request.model, on: request.retained(), context: session.context
            ) { copy, loop, _ in try session.train(copy, loop) }
            var model = trained
            var record = TrainingRecord(training.configuration, examples: request.retainedCount)
            record.shards = shards
            model.trainingRecord = record
            return model
        }
        let untrained = Retraining.untrained(like: request.model, seed: session.seed("retraining.weights"))
        return try session.train(
            untrained,
            TrainingLoop(
                examples: request.retained(), examplesName: "retain", configuration: request.originalTraining(),
                phase: .training, stream: "retraining"))
    }
}
