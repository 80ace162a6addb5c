import ImageDatasets
import NeuralGraph

/// Computes a model's outputs for many examples, in inference mode.
public struct Predictor: Sendable {
    /// Examples in one forward pass, 1 to 1,000,000.
    public var batchSize: Int

    /// Creates a predictor.
    public init(batchSize: Int = 250) {
        self.batchSize = batchSize
    }

    /// The logits of all examples in order, `[examples, classes]`.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model, or `CancellationError`.
    public func logits(
        of examples: any ExampleSource, by model: Model, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        try await RunContext.run(options, progress: progress) { context in
            try logits(of: examples, by: model, context: context)
        }
    }

    func logits(of examples: any ExampleSource, by model: Model, context: RunContext) throws -> Tensor {
        try outputs(of: examples, by: model, context: context) { step, stepCount, _ in
            try context.finished(step, of: stepCount, in: .evaluation)
        }
    }

    /// The logits, `[examples, classes]`; calls `finished` after every batch with its number, the number of batches and
    /// its size.
    func outputs(
        of examples: any ExampleSource, by model: Model, context: RunContext,
        finished: (Int, Int, Int) throws -> Void
    ) throws -> Tensor {
        try Setting.check("batch size", batchSize, isIn: 1...1_000_000)
        guard examples.exampleShape == model.graph.inputShape else {
            throw UnlearningError.wrongExampleShape(
                data: "input", found: examples.exampleShape, expected: model.graph.inputShape)
        }
        let executor = try context.executor(
            model: model, batchCapacity: max(1, min(batchSize, examples.count)))
        let loader = try BatchLoader(examples, batchSize: batchSize)
        defer { loader.cancel() }
        let classes = model.classCount
        return try Tensor(shape: [examples.count, classes]) { logits in
            var done = 0
            var step = 0
            while let batch = try loader.next() {
                if let source = batch.inputs.baseAddress {
                    executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
                }
                executor.forward(batch: batch.count, mode: .inference)
                if let target = logits.baseAddress, let source = executor.output.baseAddress {
                    (target + done * classes).update(from: source, count: batch.count * classes)
                }
                done += batch.count
                step += 1
                try finished(step, loader.batchCount, batch.count)
            }
        }
    }
}
