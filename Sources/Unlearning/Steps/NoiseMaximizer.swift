import NeuralGraph

/// Learns error-maximizing noise for classes (Tarun et al., arXiv 2111.08947, section IV-A):
///
///     minimize over N:  -CE(f(N), c) + lambda · mean_i ‖N_i‖²
///
/// N starts from the normal distribution and alone is changed; the model, its batch statistics included, stays as it
/// is. No image of any class is used. Only the input's gradient is computed.
public struct NoiseMaximizer: Sendable {
    /// How noise is learned.
    public struct Configuration: Sendable, Codable, Hashable {
        /// Which statistics batch norm uses meanwhile. Neither changes the model.
        public enum Normalization: String, Sendable, Codable, CaseIterable {
            /// The model's running ones, as in use.
            case running
            /// Those of the noise itself, as in training; dropout is active then, too.
            case batch
        }

        /// Images of noise for each class, 1 to 100,000; all of them make one batch.
        public var imagesPerClass: Int
        /// Gradient steps, 0 to 1,000,000; 0 leaves the noise as it is drawn.
        public var steps: Int
        /// The optimizer.
        public var optimizer: OptimizerConfiguration
        /// Its learning rate, above 0.
        public var learningRate: Double
        /// The weight of the mean squared norm, at least 0.
        public var lambda: Double
        /// Which statistics batch norm uses.
        public var normalization: Normalization

        /// Creates a configuration; the defaults are the authors'.
        public init(
            imagesPerClass: Int = 256, steps: Int = 40, optimizer: OptimizerConfiguration = .adam,
            learningRate: Double = 0.1, lambda: Double = 0.1, normalization: Normalization = .running
        ) {
            self.imagesPerClass = imagesPerClass
            self.steps = steps
            self.optimizer = optimizer
            self.learningRate = learningRate
            self.lambda = lambda
            self.normalization = normalization
        }

        /// Checks every setting.
        /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)`` or `OptimizationError`.
        public func validate() throws {
            try Setting.check("noise images per class", imagesPerClass, isIn: 1...100_000)
            try Setting.check("noise steps", steps, isIn: 0...1_000_000)
            try Setting.check("noise learning rate", learningRate, isAbove: 0)
            guard lambda >= 0, lambda.isFinite else {
                throw UnlearningError.invalidSetting(
                    name: "noise lambda", value: "\(lambda)", remedy: "use a finite number of at least 0")
            }
            try optimizer.validate()
        }
    }

    /// How noise is learned.
    public var configuration: Configuration

    /// Creates a noise maximizer.
    public init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Learns noise for each of the classes, all of them in the same steps.
    /// - Parameters:
    ///   - classes: classes of the model; each gets noise of its own.
    ///   - model: the original model, which is not changed.
    ///   - options: seed and threads. A class's noise depends on the seed and the class alone, not on the others.
    ///   - progress: called after every step.
    /// - Returns: the noise in the order of the classes.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func noise(
        for classes: [Int], model: Model, options: RunOptions = RunOptions(), progress: ProgressHandler? = nil
    ) async throws -> [Noise] {
        try await RunContext.run(options, progress: progress) { context in
            try noise(for: classes, model: model, context: context)
        }
    }

    func noise(for classes: [Int], model: Model, context: RunContext) throws -> [Noise] {
        try configuration.validate()
        try model.checkForgettable(Set(classes))
        if configuration.normalization == .batch, configuration.imagesPerClass == 1,
            let node = model.graph.normalizationOfSingleNumbers
        {
            throw UnlearningError.invalidSetting(
                name: "noise images per class", value: "1",
                remedy: "batch norm '\(node)' has one number a channel of each, so give 2 or more")
        }
        let executor = try context.executor(
            model: model, batchCapacity: configuration.imagesPerClass, computing: .input)
        let pending = try classes.map { label in
            try NoiseInProgress(
                label: label, configuration: configuration, executor: executor, context: context)
        }
        for step in 0..<configuration.steps {
            for noise in pending {
                try context.checkCancellation()
                try noise.step(step, executor: executor)
            }
            let mean = pending.reduce(0) { $0 + ($1.objectives.last ?? 0) } / Double(pending.count)
            try context.finished(step + 1, of: configuration.steps, in: .noise, loss: mean)
        }
        return try pending.map { try $0.finished(shape: model.graph.inputShape) }
    }
}

/// One class's noise while it is learned.
private final class NoiseInProgress {
    let label: Int
    private let configuration: NoiseMaximizer.Configuration
    private var images: [Float]
    private let labels: [Int32]
    private let dropoutSeed: UInt64
    private let optimizer: any Optimizer
    private(set) var objectives: [Double] = []
    private var crossEntropies: [Double] = []

    init(
        label: Int, configuration: NoiseMaximizer.Configuration, executor: Executor, context: RunContext
    ) throws {
        self.label = label
        self.configuration = configuration
        var random = SeededRandom(seed: context.options.seed, stream: "noise.\(label)")
        images = (0..<executor.input.count).map { _ in Float(random.normal()) }
        labels = [Int32](repeating: Int32(label), count: configuration.imagesPerClass)
        dropoutSeed = context.seed("noise.\(label).dropout")
        optimizer = try configuration.optimizer.makeOptimizer(parameterCount: images.count)
    }

    func step(_ step: Int, executor: Executor) throws {
        try images.withUnsafeMutableBufferPointer { images in
            guard let noise = images.baseAddress, let gradient = executor.inputGradient.baseAddress else {
                return
            }
            let crossEntropy = crossEntropy(of: noise, step: step, executor: executor)
            let count = images.count
            let weight = configuration.lambda / Double(configuration.imagesPerClass)
            let norm = GradientClipping.euclideanNorm(of: noise, count: count, threads: executor.threads)
            let objective = -crossEntropy + weight * norm * norm
            guard objective.isFinite else {
                throw UnlearningError.diverged(phase: .noise, step: step + 1, what: "the objective")
            }
            objectives.append(objective)
            crossEntropies.append(crossEntropy)

            let slope = Float(2 * weight)
            executor.threads.forEachChunk(of: count, floatsEach: 2) { part in
                for index in part { gradient[index] += slope * noise[index] }
            }
            optimizer.step(
                parameters: noise, gradients: gradient, count: count,
                learningRate: Float(configuration.learningRate), threads: executor.threads)
        }
    }

    /// The model's cross-entropy for the class; leaves the gradient of its negative by the noise in the executor.
    private func crossEntropy(
        of noise: UnsafePointer<Float>, step: Int, executor: Executor
    ) -> Double {
        guard let input = executor.input.baseAddress, let logits = executor.output.baseAddress,
            let gradient = executor.outputGradient.baseAddress
        else { return .nan }
        input.update(from: noise, count: executor.input.count)
        executor.forward(
            batch: configuration.imagesPerClass,
            mode: configuration.normalization == .batch ? .training : .inference,
            updatesState: false, seed: dropoutSeed &+ UInt64(step))
        let value = labels.withUnsafeBufferPointer { labels in
            labels.baseAddress.map {
                CrossEntropy().evaluate(
                    logits: logits, count: labels.count, classes: executor.graph.outputShape.count,
                    targets: .labels($0), gradient: gradient)
            }
        }
        // The loss is maximized: its gradient is taken the other way round.
        for index in executor.outputGradient.indices { gradient[index].negate() }
        executor.backward()
        return value?.loss ?? .nan
    }

    func finished(shape: Shape) throws -> Noise {
        let tensor = try Tensor(images, shape: Shape([configuration.imagesPerClass] + shape.dimensions))
        guard tensor.isFinite else {
            throw UnlearningError.diverged(phase: .noise, step: configuration.steps, what: "the noise")
        }
        return Noise(label: label, images: tensor, objectives: objectives, crossEntropies: crossEntropies)
    }
}
