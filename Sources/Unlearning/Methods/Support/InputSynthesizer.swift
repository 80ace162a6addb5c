package import ImageDatasets
package import NeuralGraph

/// Synthesizes inputs from a model: for each class, inputs that the model classifies with confidence.
///
/// Their statistics inside the network are pulled towards those that its batch norms saw in training:
///
///     minimize over x:  CE(f(x), c) + β · (distance of batch statistics) + λ · mean_i ‖x_i‖² / size
///
/// x starts from the normal distribution; nothing else changes. Source: Yin et al., "Dreaming to Distill" (CVPR 2020,
/// arXiv 1912.08795), without its priors on natural images; Chundawat et al., "Zero-Shot Machine Unlearning" (arXiv
/// 2201.05629), section IV, for error-minimizing noise in place of retain data.
package struct InputSynthesizer: Sendable, Codable, Hashable {
    /// Inputs for each class, 1 to 100,000.
    package var perClass: Int
    /// Inputs that are made together, all classes mixed, 2 to 1,000,000.
    package var batchSize: Int
    /// Gradient steps for each batch, 1 to 1,000,000.
    package var steps: Int
    /// Adam's learning rate, above 0.
    package var learningRate: Double
    /// β, 0 or more; without effect in networks without batch norm.
    package var statisticsWeight: Float
    /// λ, 0 or more.
    package var normWeight: Double

    /// Creates a synthesizer.
    package init(
        perClass: Int = 100, batchSize: Int = 250, steps: Int = 60, learningRate: Double = 0.1,
        statisticsWeight: Float = 1, normWeight: Double = 0.01
    ) {
        self.perClass = perClass
        self.batchSize = batchSize
        self.steps = steps
        self.learningRate = learningRate
        self.statisticsWeight = statisticsWeight
        self.normWeight = normWeight
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        try Setting.check("synthetic inputs per class", perClass, isIn: 1...100_000)
        try Setting.check("synthesis batch size", batchSize, isIn: 2...1_000_000)
        try Setting.check("synthesis steps", steps, isIn: 1...1_000_000)
        try Setting.check("synthesis learning rate", learningRate, isAbove: 0)
        try Setting.check("statistics weight", Double(statisticsWeight), isAtLeast: 0)
        try Setting.check("norm weight", normWeight, isAtLeast: 0)
    }

    /// What it costs in forward passes of one example.
    func cost(classes: Int) -> Double { 2 * Double(perClass) * Double(classes) * Double(steps) }

    /// Makes inputs for the classes of a model, labeled with what they were made for.
    /// - Parameter excluded: classes that the model does not know any more.
    package func examples(
        for model: Model, without excluded: Set<Int> = [], _ session: UnlearningSession
    ) throws -> TensorExamples {
        let matched = try model.matchingStatistics(weight: statisticsWeight)
        // The classes take turns, so that every batch has its share of each.
        let classes = (0..<model.classCount).filter { !excluded.contains($0) }
        let labels = (0..<perClass * classes.count).map { classes[$0 % classes.count] }
        let size = model.graph.inputShape.count
        let executor = try session.context.executor(
            model: matched, batchCapacity: min(batchSize, labels.count), computing: .input, modes: [.inference])
        var inputs: [Float] = []
        inputs.reserveCapacity(labels.count * size)
        let starts = Array(stride(from: 0, to: labels.count, by: executor.batchCapacity))
        for (number, start) in starts.enumerated() {
            let own = labels[start..<min(start + executor.batchCapacity, labels.count)].map { Int32($0) }
            inputs += try session.part(
                of: .synthesis, encode: { CheckpointContent(floats: ["inputs": $0]) },
                decode: { try $0.floats("inputs", count: own.count * size) }
            ) { _ in try batch(of: own, number: number, of: starts.count, executor, session) }
        }
        let tensor = try Tensor(inputs, shape: TensorShape([labels.count] + model.graph.inputShape.dimensions))
        guard tensor.isFinite else {
            throw UnlearningError.diverged(phase: .synthesis, step: steps, what: "an input")
        }
        return try TensorExamples(tensor, labels: labels)
    }

    private func batch(
        of labels: [Int32], number: Int, of batches: Int, _ executor: Executor, _ session: UnlearningSession
    ) throws -> [Float] {
        let size = executor.graph.inputShape.count
        let count = labels.count * size
        var random = SeededRandom(seed: session.seed("synthesis"), stream: "batch \(number)")
        var inputs = (0..<count).map { _ in Float(random.normal()) }
        let optimizer = try OptimizerConfiguration.adam.makeOptimizer(parameterCount: count)
        let slope = Float(2 * normWeight / Double(count))
        for step in 0..<steps {
            let loss = try inputs.withUnsafeMutableBufferPointer { inputs -> Double in
                guard let x = inputs.baseAddress, let input = executor.input.baseAddress,
                    let logits = executor.output.baseAddress, let gradient = executor.outputGradient.baseAddress,
                    let inputGradient = executor.inputGradient.baseAddress
                else { return .nan }
                input.update(from: x, count: count)
                try executor.forward(batch: labels.count, mode: .inference, updatesState: false)
                let value = labels.withUnsafeBufferPointer { labels in
                    labels.baseAddress.map {
                        CrossEntropy().evaluate(
                            logits: logits, count: labels.count, classes: executor.graph.outputShape.count,
                            targets: .labels($0), gradient: gradient)
                    }
                }
                try executor.backward()
                for index in 0..<count { inputGradient[index] += slope * x[index] }
                var numbers = inputs.mutableSpan
                try optimizer.step(
                    parameters: &numbers, gradients: UnsafeBufferPointer(start: inputGradient, count: count).span,
                    learningRate: Float(learningRate), threads: executor.threads)
                return value?.loss ?? .nan
            }
            guard loss.isFinite else {
                throw UnlearningError.diverged(phase: .synthesis, step: step + 1, what: "the loss")
            }
            try session.finished(number * steps + step + 1, of: batches * steps, in: .synthesis, loss: loss)
        }
        return inputs
    }
}

extension InputSynthesizer {
    /// Reads settings; those that are missing have their defaults.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = InputSynthesizer()
        perClass = try container.decode(.perClass, or: defaults.perClass)
        batchSize = try container.decode(.batchSize, or: defaults.batchSize)
        steps = try container.decode(.steps, or: defaults.steps)
        learningRate = try container.decode(.learningRate, or: defaults.learningRate)
        statisticsWeight = try container.decode(.statisticsWeight, or: defaults.statisticsWeight)
        normWeight = try container.decode(.normWeight, or: defaults.normWeight)
    }
}
