import ImageDatasets
import NeuralGraph

/// Epochs over examples with one optimizer: what training, impairing and repairing have in common.
struct TrainingLoop {
    var examples: any ExampleSource
    /// What messages call the examples.
    var examplesName: String
    var configuration: TrainingConfiguration
    var phase: RunPhase
    /// Names the random streams, so that two phases of one run draw independent numbers.
    var stream: String
    /// What is minimized; nil is cross-entropy with the configuration's label smoothing.
    var objective: (any BatchObjective)?
    /// Factors of the gradients by parameter; nil takes gradients as they are.
    var mask: [String: Tensor]?

    /// Trains a copy of a model.
    func run(_ model: Model, context: RunContext) throws -> TrainingOutcome {
        try configuration.validate()
        try model.checkNumbers()
        try model.check(examples, named: examplesName)
        let objective =
            objective
            ?? LabelObjective(smoothing: configuration.labelSmoothing, excluding: model.metadata.forgottenClasses)
        let batches = try EpochBatches(
            examples, named: examplesName, batchSize: configuration.batchSize, graph: model.graph, stream: stream)
        let epochs = (0..<configuration.epochs(ofSteps: batches.stepCount)).map {
            PassInOrder(batches: batches, number: $0, objective: objective)
        }
        return try PassSequence(
            passes: epochs, configuration: configuration, phase: phase, stream: stream, mask: mask,
            reportsAccuracy: true
        ).run(model, context: context)
    }
}
