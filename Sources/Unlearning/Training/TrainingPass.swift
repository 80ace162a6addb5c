import ImageDatasets
import NeuralGraph

/// One pass over examples of a training that alternates between several: its examples, batch size and objective.
public struct TrainingPass: Sendable {
    let examples: any ExampleSource
    let name: String
    let batchSize: Int
    let objective: any BatchObjective
    /// What the schedule's rate is multiplied by during this pass.
    var rateFactor = 1.0

    /// Creates a pass.
    /// - Parameters:
    ///   - examples: labeled with the model's classes, in the shape of its input.
    ///   - name: what messages call the examples, such as `forget`. Passes of one name are shuffled one after the
    ///     other from one stream of random numbers.
    ///   - batchSize: examples in one step, at least 1.
    ///   - objective: what the steps of this pass minimize.
    public init(
        over examples: any ExampleSource, named name: String, batchSize: Int,
        minimizing objective: Objective = .labels()
    ) {
        self.examples = examples
        self.name = name
        self.batchSize = batchSize
        self.objective = objective.base
    }
}

/// A pass with its number among those over the same examples.
struct PassInOrder {
    let batches: EpochBatches
    let number: Int
    let objective: any BatchObjective
    var rateFactor = 1.0
}

/// Passes in their order, with one optimizer and one learning rate schedule over all their steps.
struct PassSequence {
    let passes: [PassInOrder]
    let configuration: TrainingConfiguration
    let phase: RunPhase
    /// Names the random streams.
    let stream: String
    var mask: [String: Tensor]?
    /// Whether progress reports accuracy, which says little where objectives take turns.
    var reportsAccuracy = false

    /// Trains a copy of a model.
    func run(_ model: Model, context: RunContext) throws -> TrainingOutcome {
        try model.checkTrainable(frozen: configuration.frozen)
        for pass in passes {
            try pass.objective.validate(
                examples: pass.batches.examples.count, outputs: model.graph.outputShape.count)
        }
        let state = try TrainState(
            model: model, batchSize: passes.map(\.batches.batchSize).max() ?? 1, optimizer: configuration.optimizer,
            clipping: configuration.clipping, frozen: configuration.frozen,
            freezesBatchNorm: configuration.freezesBatchNorm, anchorWeight: configuration.anchorWeight, mask: mask,
            phase: phase, context: context)
        let stepCount = passes.reduce(0) { $0 + $1.batches.stepCount }
        let dropoutSeed = context.seed("\(stream).dropout")
        var losses: [Double] = []
        for pass in passes {
            try pass.batches.run(pass.number, context: context) { batch in
                let step = losses.count
                let rate = configuration.schedule.rate(base: configuration.learningRate, step: step, of: stepCount)
                let value = try state.step(
                    batch, objective: pass.objective, learningRate: rate * pass.rateFactor,
                    seed: dropoutSeed &+ UInt64(step))
                losses.append(value.loss)
                try context.finished(
                    step + 1, of: stepCount, in: phase, loss: value.loss,
                    correct: reportsAccuracy ? value.correct : nil, examples: batch.count)
            }
        }
        return TrainingOutcome(model: try state.finishedModel(), losses: losses)
    }
}
