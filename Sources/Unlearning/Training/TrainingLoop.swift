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
    /// What is made small; nil is cross-entropy with the configuration's label smoothing.
    var objective: (any BatchObjective)?
    /// Factors of the gradients by parameter; nil takes gradients as they are.
    var mask: [String: Tensor]?

    /// Trains a copy of `model`.
    func run(_ model: Model, context: RunContext) throws -> TrainingOutcome {
        try configuration.validate()
        try model.checkNumbers()
        try model.check(examples, named: examplesName)
        try model.checkTrainable(frozen: configuration.frozen)
        let pass = try EpochBatches(
            examples, named: examplesName, batchSize: configuration.batchSize, graph: model.graph, stream: stream)
        let epochs = configuration.epochs(ofSteps: pass.stepCount)
        let stepCount = pass.stepCount * epochs
        let session = try TrainState(
            model: model, batchSize: pass.batchSize,
            objective: objective
                ?? LabelObjective(
                    smoothing: configuration.labelSmoothing, excluding: model.metadata.forgottenClasses),
            optimizer: configuration.optimizer, clipping: configuration.clipping, frozen: configuration.frozen,
            mask: mask, phase: phase, context: context)
        var losses: [Double] = []
        let dropoutSeed = context.seed("\(stream).dropout")
        for epoch in 0..<epochs {
            try pass.run(epoch, context: context) { batch in
                let step = losses.count
                let rate = configuration.schedule.rate(base: configuration.learningRate, step: step, of: stepCount)
                let value = try session.step(batch, learningRate: rate, seed: dropoutSeed &+ UInt64(step))
                losses.append(value.loss)
                try context.finished(
                    step + 1, of: stepCount, in: phase, loss: value.loss, correct: value.correct,
                    examples: batch.count)
            }
        }
        return TrainingOutcome(model: try session.finishedModel(), losses: losses)
    }
}
