import ImageDatasets
import NeuralGraph

/// Reads the inputs of a model's layers, for examples in inference mode.
struct LayerInputs {
    let layers: [LayerPatches]
    /// What messages call the examples.
    let name: String

    private static let batchSize = 32

    /// Runs the examples through the model, and hands over what each layer reads.
    /// - Parameter visit: takes the layer's position, the example's position and class, and the layer's input,
    ///   ``LayerPatches/inputCount`` floats.
    /// - Throws: ``UnlearningError`` if an example has an infinite or undefined number or memory is short, what `visit`
    ///   throws, and `CancellationError`.
    func read(
        _ examples: any ExampleSource, by model: Model, _ session: UnlearningSession,
        visit: (_ layer: Int, _ example: Int, _ label: Int, _ input: UnsafePointer<Float>) throws -> Void
    ) throws {
        let nodes = layers.map { $0.input == .input ? nil : model.graph.nodes[$0.input.index - 1].name }
        let executor = try session.context.executor(
            model: model, batchCapacity: max(1, min(Self.batchSize, examples.count)), modes: [.inference],
            keeping: Set(nodes.compactMap(\.self)))
        let loader = try BatchLoader(
            examples, batchSize: executor.batchCapacity, workers: session.context.options.threadCount)
        defer { loader.cancel() }
        var step = 0
        while let batch = try loader.next() {
            if let index = batch.firstNonFiniteExample {
                throw UnlearningError.exampleNotFinite(data: name, index: index)
            }
            guard let source = batch.inputs.baseAddress else { continue }
            executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
            try executor.forward(batch: batch.count, mode: .inference)
            for (position, layer) in layers.enumerated() {
                let start = try nodes[position].map { try executor.value(of: $0).baseAddress } ?? UnsafePointer(source)
                guard let start else { continue }
                for example in 0..<batch.count {
                    try visit(
                        position, batch.indices[example], Int(batch.labels[example]),
                        start + example * layer.inputCount)
                }
            }
            step += 1
            try session.finished(step, of: loader.batchCount, in: .importance)
        }
    }
}

extension ExampleSource {
    /// The positions of at most a number of examples, the same number of each class as far as there are enough, in
    /// rising order.
    func balancedIndices(limit: Int, seed: UInt64) -> [Int] {
        guard limit < count else { return Array(0..<count) }
        var random = SeededRandom(seed: seed, stream: "balanced")
        let ofClass = Dictionary(grouping: 0..<count) { label(at: $0) }
        var chosen: [Int] = []
        var left = limit
        // Small classes first, so that what they lack is left for the others.
        let order = ofClass.sorted { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        for (number, (_, members)) in order.enumerated() {
            var members = members
            let share = min(members.count, left / (order.count - number))
            random.draw(share, toFrontOf: &members)
            chosen += members.prefix(share)
            left -= share
        }
        return chosen.sorted()
    }
}
