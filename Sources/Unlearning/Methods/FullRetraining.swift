package import NeuralGraph

/// Trains again without what is to be forgotten, from other first weights.
///
/// Forgets exactly if the retain data are all that the original was trained on except what is to be forgotten. Costs a
/// full training. Where the original's file says how its images were changed at random, these are changed in the same way.
/// ``Retraining`` trains reference models for audits.
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
        let configuration = try request.originalTraining()
        var retain = try request.retained()
        // Data of the caller's that change by themselves do so where the file says nothing.
        if let augmentation = request.model.trainingRecord?.augmentation {
            retain = try retain.augmented(by: augmentation)
        }
        var record = TrainingRecord(configuration, examples: retain.count, augmentation: retain.augmentation)
        var model: Model
        if let ensemble = ShardEnsemble(of: request.model) {
            let training = ShardedTraining(
                ensemble: ensemble, configuration: configuration, seed: session.options.seed)
            let trained = try training.train(like: request.model, on: retain, context: session.context) {
                copy, loop, _ in try session.train(copy, loop)
            }
            model = trained.model
            record.shards = trained.record
        } else {
            model = try session.train(
                Retraining.untrained(like: request.model, seed: session.seed("retraining.weights")),
                TrainingLoop(
                    examples: retain, examplesName: "retain", configuration: configuration, phase: .training,
                    stream: "retraining"))
        }
        model.trainingRecord = record
        return model
    }
}
