import Foundation
package import ImageDatasets
package import NeuralGraph

/// Mean gradients, or squared gradients, of a model over examples in inference mode, by parameter name.
package struct GradientStatistics {
    /// What is averaged over the gradients.
    package enum Quantity { case gradient, square }

    /// Which class an example's cross-entropy is taken for.
    package enum Labels {
        /// The example's own.
        case own
        /// All of them, weighted by the model's output, as the Fisher information's definition has it; for gradients of
        /// single examples.
        case expected
    }

    var quantity: Quantity
    var labels: Labels = .own
    /// Examples whose mean gradient counts as one, 1 or more.
    var examplesPerGradient = 1
    /// The largest number of examples used; more are sampled at random.
    var limit = Int.max
    /// Names the random numbers.
    var stream: String

    package init(
        quantity: Quantity, labels: Labels = .own, examplesPerGradient: Int = 1, limit: Int = Int.max, stream: String
    ) {
        self.quantity = quantity
        self.labels = labels
        self.examplesPerGradient = examplesPerGradient
        self.limit = limit
        self.stream = stream
    }

    /// The mean over the gradients, in the parameters' shapes.
    /// - Throws: ``UnlearningError`` if a gradient is not finite, and `CancellationError`.
    package func mean(
        of model: Model, over examples: any ExampleSource, _ session: UnlearningSession
    ) throws -> [String: Tensor] {
        try session.context.part(
            RunPhase.importance.rawValue, encode: { CheckpointContent($0) },
            decode: { try $0.tensors(model.parameters.mapValues(\.shape)) }
        ) { try mean(of: model, over: examples, session, $0) }
    }

    private func mean(
        of model: Model, over examples: any ExampleSource, _ session: UnlearningSession, _ progress: PartProgress
    ) throws -> [String: Tensor] {
        var order = Array(0..<examples.count)
        var random = SeededRandom(seed: session.seed("\(stream).examples"), stream: "examples")
        random.draw(limit, toFrontOf: &order)
        let chosen = try ExampleSubset(examples, indices: order.prefix(limit).sorted())
        let executor = try session.context.executor(
            model: model, batchCapacity: min(isExpectation ? 1 : examplesPerGradient, chosen.count),
            computing: .parameters, modes: [.inference])
        var sums = [Float](repeating: 0, count: executor.trainableCount)
        var step = 0
        if let resumed = progress.resume({ content in
            (try content.floats("sums", count: sums.count), try content.integer("step"))
        }) {
            (sums, step) = resumed
        }
        let loader = try BatchLoader(
            chosen, batchSize: executor.batchCapacity, order: .sequential, augmentationSeed: nil, dropsLast: false,
            startingAt: step, workers: session.context.options.threadCount)
        defer { loader.cancel() }
        while let batch = try loader.next() {
            if isExpectation {
                try addExpectation(over: batch, executor, to: &sums, session)
            } else {
                let own = (0..<batch.count).map { batch.labels[$0] }
                try gradient(of: batch, labels: own, executor)
                add(executor, weight: 1, to: &sums)
            }
            step += 1
            try session.context.stepDone(progress) {
                CheckpointContent(floats: ["sums": sums], integers: ["step": step])
            }
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

    private var isExpectation: Bool { if case .expected = labels { true } else { false } }

    /// A label's gradient is left out below this share of the probability that the most likely one leaves.
    private static let leastShare = 1e-6

    /// Adds one example's gradients for every label, weighted by the model's probability of the label.
    private func addExpectation(
        over batch: Batch, _ executor: Executor, to sums: inout [Float], _ session: UnlearningSession
    ) throws {
        guard let source = batch.inputs.baseAddress else { return }
        executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
        try executor.forward(batch: 1, mode: .inference, updatesState: false)
        let logits = executor.output.prefix(executor.graph.outputShape.count).map(Double.init)
        let largest = logits.max() ?? 0
        let weights = logits.map { exp($0 - largest) }
        let total = weights.reduce(0, +)
        let probabilities = weights.map { $0 / total }
        let remainder = 1 - (probabilities.max() ?? 1)
        for (label, probability) in probabilities.enumerated() where probability > Self.leastShare * remainder {
            try session.checkCancellation()
            // A backward pass may use the memory of what the forward pass left.
            try gradient(of: batch, labels: [Int32(label)], executor)
            add(executor, weight: Float(probability), to: &sums)
        }
    }

    private func gradient(of batch: Batch, labels: [Int32], _ executor: Executor) throws {
        guard let source = batch.inputs.baseAddress, let logits = executor.output.baseAddress,
            let gradient = executor.outputGradient.baseAddress
        else { return }
        executor.input.baseAddress?.update(from: source, count: batch.inputs.count)
        try executor.forward(batch: batch.count, mode: .inference, updatesState: false)
        labels.withUnsafeBufferPointer { labels in
            guard let labels = labels.baseAddress else { return }
            _ = CrossEntropy().evaluate(
                logits: logits, count: batch.count, classes: executor.graph.outputShape.count,
                targets: .labels(labels), gradient: gradient)
        }
        try executor.backward()
    }

    private func add(_ executor: Executor, weight: Float, to sums: inout [Float]) {
        guard let gradients = executor.gradients.baseAddress else { return }
        let squares = quantity == .square
        sums.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            executor.threads.forEachChunk(of: executor.trainableCount, floatsEach: 2) { part in
                for index in part {
                    sums[index] += weight * (squares ? gradients[index] * gradients[index] : gradients[index])
                }
            }
        }
    }
}
