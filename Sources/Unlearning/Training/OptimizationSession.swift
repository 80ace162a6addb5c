import ImageDatasets
import NeuralGraph

/// A model in training: its plan, its loss and its optimizer. One step is forward, loss, backward, clip, update.
final class OptimizationSession {
    let executor: Executor
    private let loss: any Loss
    private let optimizer: any Optimizer
    private let clipping: GradientClipping
    private let phase: RunPhase
    private var steps = 0

    init(
        model: Model, batchSize: Int, loss: any Loss, optimizer: OptimizerConfiguration,
        clipping: GradientClipping = .none, frozen: Set<String> = [], phase: RunPhase, context: RunContext
    ) throws {
        try clipping.validate()
        executor = try context.executor(
            model: model, batchCapacity: batchSize,
            computing: GradientRequest(input: false, parameters: true, frozen: frozen))
        self.loss = loss
        self.optimizer = try optimizer.makeOptimizer(parameterCount: executor.trainableCount)
        self.clipping = clipping
        self.phase = phase
    }

    /// Takes one step on a batch whose labels are the model's classes.
    /// - Throws: ``UnlearningError/diverged(phase:step:what:)`` if the loss is not finite.
    func step(_ batch: Batch, learningRate: Double, seed: UInt64) throws -> LossValue {
        steps += 1
        let threads = executor.threads
        guard let inputs = batch.inputs.baseAddress, let labels = batch.labels.baseAddress,
            let target = executor.input.baseAddress, let logits = executor.output.baseAddress,
            let gradient = executor.outputGradient.baseAddress,
            let parameters = executor.parameters.baseAddress,
            let gradients = executor.gradients.baseAddress
        else { return LossValue(loss: 0, correct: 0) }
        target.update(from: inputs, count: batch.inputs.count)
        executor.forward(batch: batch.count, mode: .training, seed: seed)
        let value = loss.evaluate(
            logits: logits, count: batch.count, classes: executor.graph.outputShape.count,
            targets: .labels(labels),
            gradient: gradient)
        guard value.loss.isFinite else {
            throw UnlearningError.diverged(phase: phase, step: steps, what: "the loss")
        }
        executor.backward()
        _ = clipping.apply(to: gradients, count: executor.trainableCount, threads: threads)
        optimizer.step(
            parameters: parameters, gradients: gradients, count: executor.trainableCount,
            learningRate: Float(learningRate), threads: threads)
        return value
    }

    /// The model as trained so far.
    /// - Throws: ``UnlearningError/diverged(phase:step:what:)`` if a number in it is not finite.
    func finishedModel() throws -> Model {
        let model = try executor.model()
        if let tensor = model.firstNonFiniteTensor {
            throw UnlearningError.diverged(phase: phase, step: steps, what: "tensor '\(tensor)'")
        }
        return model
    }
}
