import ImageDatasets
import NeuralGraph

/// A model in training: its plan, objective and optimizer.
///
/// One step is forward, loss, backward, clip, update.
final class TrainState {
    let executor: Executor
    private let objective: any BatchObjective
    private let optimizer: any Optimizer
    private let clipping: GradientClipping
    private let mask: [Float]?
    private let anchorWeight: Float
    /// The trainable numbers that the training starts from; empty unless a mask or an anchor needs them.
    private let start: [Float]
    /// The model that is trained, whose graph the finished model has.
    private let original: Model
    private let phase: RunPhase
    private var steps = 0

    /// - Parameters:
    ///   - objective: what a step makes small, unless it is given another one.
    ///   - freezesBatchNorm: see ``TrainingConfiguration/freezesBatchNorm``.
    ///   - anchorWeight: see ``TrainingConfiguration/anchorWeight``.
    ///   - mask: factors of the gradients by parameter; nil takes gradients as they are. What has the factor 0 stays
    ///     equal to the bit, whatever the optimizer's weight decay and momentum would do to it.
    init(
        model: Model, batchSize: Int, objective: any BatchObjective = LabelObjective(),
        optimizer: OptimizerConfiguration, clipping: GradientClipping = .none, frozen: Set<String> = [],
        freezesBatchNorm: Bool = false, anchorWeight: Double = 0, mask: [String: Tensor]? = nil, phase: RunPhase,
        context: RunContext
    ) throws {
        try clipping.validate()
        let executor = try context.executor(
            model: freezesBatchNorm ? model.withFrozenBatchNorm : model, batchCapacity: batchSize,
            computing: GradientRequest(input: false, parameters: true, frozen: frozen))
        self.executor = executor
        self.objective = objective
        self.optimizer = try optimizer.makeOptimizer(parameterCount: executor.trainableCount)
        self.clipping = clipping
        self.mask = try mask.map { try executor.trainableNumbers(of: model.replacing($0), then: model) }
        self.anchorWeight = Float(anchorWeight)
        start =
            mask != nil || anchorWeight > 0 ? Array(executor.parameters.prefix(executor.trainableCount)) : []
        original = model
        self.phase = phase
    }

    /// Takes one step on a batch whose labels are the model's classes.
    /// - Parameter objective: what this step makes small; nil for the session's own.
    /// - Throws: ``UnlearningError`` if the loss is not finite.
    func step(
        _ batch: Batch, objective: (any BatchObjective)? = nil, learningRate: Double, seed: UInt64
    ) throws -> LossValue {
        steps += 1
        let threads = executor.threads
        guard let inputs = batch.inputs.baseAddress, let labels = batch.labels.baseAddress,
            let indices = batch.indices.baseAddress, let target = executor.input.baseAddress,
            let logits = executor.output.baseAddress,
            let gradient = executor.outputGradient.baseAddress,
            let weights = executor.parameters.baseAddress,
            let gradients = executor.gradients.baseAddress
        else { return LossValue(loss: 0, correct: 0) }
        target.update(from: inputs, count: batch.inputs.count)
        try executor.forward(batch: batch.count, mode: .training, seed: seed)
        let value = (objective ?? self.objective).evaluate(
            BatchOutputs(
                count: batch.count, classes: executor.graph.outputShape.count, logits: logits, labels: labels,
                indices: indices), gradient: gradient)
        guard value.loss.isFinite else {
            throw UnlearningError.diverged(phase: phase, step: steps, what: "the loss")
        }
        try executor.backward()
        if anchorWeight > 0 {
            threads.forEachChunk(of: start.count, floatsEach: 3) { part in
                for index in part { gradients[index] += anchorWeight * (weights[index] - start[index]) }
            }
        }
        if let mask {
            threads.forEachChunk(of: mask.count, floatsEach: 2) { part in
                for index in part { gradients[index] *= mask[index] }
            }
        }
        _ = clipping.apply(to: gradients, count: executor.trainableCount, threads: threads)
        var parameters = executor.trainableParameters.mutableSpan
        try optimizer.step(
            parameters: &parameters, gradients: executor.gradients.span, learningRate: Float(learningRate),
            threads: threads)
        if let mask {
            threads.forEachChunk(of: mask.count, floatsEach: 2) { part in
                for index in part where mask[index] == 0 { weights[index] = start[index] }
            }
        }
        return value
    }

    /// Adds what the next step depends on to a checkpoint.
    func add(to content: inout CheckpointContent) throws {
        content.add(try executor.model())
        guard let optimizer = optimizer as? any ResumableOptimizer else { return }
        content.add(optimizer.snapshot)
    }

    /// Goes on from a checkpoint.
    /// - Parameter steps: the steps that were taken.
    func restore(_ content: CheckpointContent, steps: Int) throws {
        let model = try content.model(like: executor.model())
        try content.restore(optimizer)
        executor.load(model)
        self.steps = steps
    }

    /// The model as trained so far.
    /// - Throws: ``UnlearningError`` if a number in it is not finite.
    func finishedModel() throws -> Model {
        let model = try original.replacing(executor.model().stateDictionary)
        if let tensor = model.firstNonFiniteTensor {
            throw UnlearningError.diverged(phase: phase, step: steps, what: "tensor '\(tensor)'")
        }
        return model
    }
}

extension Executor {
    /// A model's trainable numbers in the engine's order; the executor then holds another model's.
    func trainableNumbers(of model: Model, then next: Model) -> [Float] {
        load(model)
        defer { load(next) }
        return Array(parameters.prefix(trainableCount))
    }
}
