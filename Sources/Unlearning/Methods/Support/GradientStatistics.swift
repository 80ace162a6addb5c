import Foundation
import ImageDatasets
import NeuralGraph

/// Mean gradients, or squared gradients, of a model over examples in inference mode, by parameter name.
struct GradientStatistics {
    /// What is averaged over the gradients.
    enum Quantity { case gradient, square }

    /// Which class an example's cross-entropy is taken for.
    enum Labels {
        /// The example's own.
        case own
        /// One drawn from the model's output, as the Fisher information's definition has it.
        case drawn(seed: UInt64)
    }

    var quantity: Quantity
    var labels: Labels = .own
    /// Examples whose mean gradient counts as one, 1 or more.
    var examplesPerGradient = 1
    /// The largest number of examples used; more are sampled at random.
    var limit = Int.max
    /// Names the random numbers.
    var stream: String

    /// The mean over the gradients, in the parameters' shapes.
    /// - Throws: ``UnlearningError`` if a gradient is not finite, and `CancellationError`.
    func mean(of model: Model, over examples: any ExampleSource, _ session: UnlearningSession) throws -> [String:
        Tensor]
    {
        var order = Array(0..<examples.count)
        var random = SeededRandom(seed: session.seed("\(stream).examples"), stream: "examples")
        random.draw(limit, toFrontOf: &order)
        let chosen = try ExampleSubset(examples, indices: order.prefix(limit).sorted())
        let executor = try session.context.executor(
            model: model, batchCapacity: min(examplesPerGradient, chosen.count), computing: .parameters,
            modes: [.inference])
        let loader = try BatchLoader(chosen, batchSize: executor.batchCapacity)
        defer { loader.cancel() }
        var sums = [Float](repeating: 0, count: executor.trainableCount)
        var draws = SeededRandom(seed: 0)
        if case .drawn(let seed) = labels { draws = SeededRandom(seed: seed, stream: "answers") }
        var step = 0
        while let batch = try loader.next() {
            try gradient(of: batch, executor, &draws)
            add(executor, to: &sums)
            step += 1
            try session.finished(step, of: loader.batchCount, in: .importance)
        }
        let count = Float(max(1, step))
        guard sums.allSatisfy(\.isFinite) else {
            throw UnlearningError.diverged(phase: .importance, step: step, what: "a gradient")
        }
        // The executor brings what it holds as parameters into the shapes that they have outside.
        let parameters = executor.parameters
        for index in sums.indices { parameters[index] = sums[index] / count }
        return try executor.model().parameters
    }

    private func gradient(of batch: Batch, _ executor: Executor, _ draws: inout SeededRandom) throws {
        guard let source = batch.inputs.baseAddress, let own = batch.labels.baseAddress,
            let logits = executor.output.baseAddress, let gradient = executor.outputGradient.baseAddress
        else { return }
        executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
        try executor.forward(batch: batch.count, mode: .inference, updatesState: false)
        let classes = executor.graph.outputShape.count
        var targets = (0..<batch.count).map { own[$0] }
        if case .drawn = labels {
            for row in targets.indices {
                targets[row] = Int32(Self.draw(from: logits + row * classes, classes: classes, &draws))
            }
        }
        targets.withUnsafeBufferPointer { targets in
            guard let targets = targets.baseAddress else { return }
            _ = CrossEntropy().evaluate(
                logits: logits, count: batch.count, classes: classes, targets: .labels(targets), gradient: gradient)
        }
        try executor.backward()
    }

    private func add(_ executor: Executor, to sums: inout [Float]) {
        guard let gradients = executor.gradients.baseAddress else { return }
        let squares = quantity == .square
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            executor.threads.forEachChunk(of: executor.trainableCount, floatsEach: 2) { part in
                for index in part {
                    sums[index] += squares ? gradients[index] * gradients[index] : gradients[index]
                }
            }
        }
    }

    /// A class drawn from the softmax of a row of logits.
    private static func draw(
        from logits: UnsafePointer<Float>, classes: Int, _ random: inout SeededRandom
    ) -> Int {
        let largest = (0..<classes).map { Double(logits[$0]) }.max() ?? 0
        let weights = (0..<classes).map { exp(Double(logits[$0]) - largest) }
        var left = random.uniform() * weights.reduce(0, +)
        for (label, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return label }
        }
        return classes - 1
    }
}
