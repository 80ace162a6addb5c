public import ImageDatasets
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
        return try context.part(
            phase.rawValue, encode: \.checkpointContent,
            decode: { try TrainingOutcome($0, like: model, steps: stepCount) }
        ) { try train(model, context: context, $0) }
    }

    private var stepCount: Int { passes.reduce(0) { $0 + $1.batches.stepCount } }

    private func train(_ model: Model, context: RunContext, _ progress: PartProgress) throws -> TrainingOutcome {
        let state = try TrainState(
            model: model, batchSize: passes.map(\.batches.batchSize).max() ?? 1, optimizer: configuration.optimizer,
            clipping: configuration.clipping, frozen: configuration.frozen,
            freezesBatchNorm: configuration.freezesBatchNorm, anchorWeight: configuration.anchorWeight, mask: mask,
            phase: phase, context: context)
        let stepCount = stepCount
        let dropoutSeed = context.seed("\(stream).dropout")
        var losses = restore(state, progress)
        var stepsAhead = losses.count
        for pass in passes {
            let done = min(stepsAhead, pass.batches.stepCount)
            stepsAhead -= done
            guard done < pass.batches.stepCount else { continue }
            try pass.batches.run(pass.number, from: done, context: context) { batch in
                let step = losses.count
                let rate = configuration.schedule.rate(base: configuration.learningRate, step: step, of: stepCount)
                let value = try state.step(
                    batch, objective: pass.objective, learningRate: rate * pass.rateFactor,
                    seed: dropoutSeed &+ UInt64(step))
                losses.append(value.loss)
                try context.stepDone(progress) {
                    var content = CheckpointContent(doubles: ["losses": losses])
                    try state.add(to: &content)
                    return content
                }
                try context.finished(
                    step + 1, of: stepCount, in: phase, loss: value.loss,
                    correct: reportsAccuracy ? value.correct : nil, examples: batch.count)
            }
        }
        return TrainingOutcome(model: try state.finishedModel(), losses: losses)
    }

    /// Goes on from an earlier process's state, if there is one.
    /// - Returns: the losses of the steps that were taken.
    private func restore(_ state: TrainState, _ progress: PartProgress) -> [Double] {
        progress.resume { content in
            let losses = try content.doubles("losses")
            guard losses.count <= stepCount else { throw CheckpointContent.Mismatch(name: "losses") }
            try state.restore(content, steps: losses.count)
            return losses
        } ?? []
    }
}

extension TrainingOutcome {
    /// The outcome as a checkpoint keeps it.
    fileprivate var checkpointContent: CheckpointContent {
        var content = CheckpointContent(doubles: ["losses": losses])
        content.add(model)
        return content
    }

    /// The outcome of a training that began with a model.
    fileprivate init(_ content: CheckpointContent, like model: Model, steps: Int) throws {
        self.init(model: try content.model(like: model), losses: try content.doubles("losses", count: steps))
    }
}

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
