public import ImageDatasets
public import NeuralGraph

/// Computes a model's outputs for many examples, in inference mode.
public struct Predictor: Sendable {
    /// Examples in one forward pass, 1 to 1,000,000.
    public var batchSize: Int

    /// Creates a predictor.
    public init(batchSize: Int = 250) {
        self.batchSize = batchSize
    }

    /// The logits of all examples in order, `[examples, classes]`.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model, or if one of its numbers, of an example's or of an
    ///   output's is infinite or undefined; `CancellationError`.
    public func logits(
        of data: any LabeledData, by model: Model, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> Tensor {
        let examples = try data.examples(for: model, named: "input")
        return try await RunContext.run(options, progress: progress) { context in
            try context.checkAgreement(on: model, examples, work: "predict")
            return try logits(of: examples, by: model, context: context)
        }
    }

    func logits(of examples: any ExampleSource, by model: Model, context: RunContext) throws -> Tensor {
        try context.outputsPart(examples: examples.count, classes: model.classCount) {
            try outputs(of: examples, by: model, context: context) { step, stepCount, _ in
                try context.finished(step, of: stepCount, in: .evaluation)
            }.logits
        }
    }

    /// The logits, `[examples, classes]`, and the outputs of some inner nodes in the same pass.
    /// - Parameters:
    ///   - name: what messages call the examples.
    ///   - nodes: nodes of the model; what they compute is averaged over positions, to `[examples, channels]`.
    ///   - finished: called after every batch with its number, the number of batches and its size.
    func outputs(
        of examples: any ExampleSource, named name: String = "input", by model: Model, keeping nodes: [String] = [],
        context: RunContext, finished: (Int, Int, Int) throws -> Void
    ) throws -> (logits: Tensor, features: [StageFeatures]) {
        try Setting.check("batch size", batchSize, isIn: 1...1_000_000)
        try model.checkNumbers()
        guard examples.exampleShape == model.graph.inputShape else {
            throw UnlearningError.wrongExampleShape(
                data: name, found: examples.exampleShape, expected: model.graph.inputShape)
        }
        let executor = try context.executor(
            model: model, batchCapacity: max(1, min(batchSize, examples.count)), modes: [.inference],
            keeping: Set(nodes))
        let loader = try BatchLoader(
            examples, batchSize: batchSize, part: context.ownPart,
            workers: context.options.threadCount)
        defer { loader.cancel() }
        let classes = model.classCount
        var features = try nodes.map { node in
            PooledFeatures(node: node, shape: try model.graph.shape(ofNode: node), examples: examples.count)
        }
        let logits = try Tensor(shape: [examples.count, classes]) { logits in
            var step = 0
            while let batch = try loader.next() {
                if let index = batch.firstNonFiniteExample {
                    throw UnlearningError.exampleNotFinite(data: name, index: index)
                }
                if let source = batch.inputs.baseAddress {
                    executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
                }
                try executor.forward(batch: batch.count, mode: .inference)
                let values = executor.output[..<(batch.count * classes)]
                if let position = values.firstIndex(where: { !$0.isFinite }) {
                    throw UnlearningError.outputNotFinite(
                        data: name, index: batch.indices[position / classes], value: values[position])
                }
                for value in values { logits.append(value) }
                for index in features.indices {
                    try features[index].add(executor.value(of: features[index].node), examples: batch.count)
                }
                step += 1
                try finished(step, loader.batchCount, batch.count)
            }
        }
        return (logits, try features.map { try $0.finished() })
    }
}
