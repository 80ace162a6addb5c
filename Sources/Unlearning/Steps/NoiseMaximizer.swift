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
            /// Those of the noise itself, as in training.
            case batch
        }

        /// Images of noise for each class.
        public var imagesPerClass: Int
        /// Gradient steps.
        public var steps: Int
        /// The optimizer.
        public var optimizer: OptimizerConfiguration
        /// Its learning rate.
        public var learningRate: Double
        /// The weight of the mean squared norm.
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
            try Setting.check("noise images per class", imagesPerClass, isAtLeast: 1)
            try Setting.check("noise steps", steps, isAtLeast: 0)
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
        let executor = try context.executor(
            model: model, batchCapacity: configuration.imagesPerClass, computing: .input)
        let pending = try classes.map { label in
            try NoiseInProgress(label: label, configuration: configuration, executor: executor, context: context)
        }
        for step in 0..<configuration.steps {
            for noise in pending { try noise.step(step, executor: executor) }
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
        optimizer = try configuration.optimizer.makeOptimizer(parameterCount: images.count)
    }

    func step(_ step: Int, executor: Executor) throws {
        let count = images.count
        let batch = configuration.imagesPerClass
        guard let input = executor.input.baseAddress, let gradient = executor.inputGradient.baseAddress,
            let logits = executor.output.baseAddress, let logitsGradient = executor.outputGradient.baseAddress
        else { return }
        try images.withUnsafeMutableBufferPointer { images in
            guard let noise = images.baseAddress else { return }
            input.update(from: noise, count: count)
            executor.forward(
                batch: batch, mode: configuration.normalization == .batch ? .training : .inference,
                updatesState: false, seed: UInt64(step))
            let value = labels.withUnsafeBufferPointer { labels in
                labels.baseAddress.map {
                    CrossEntropy().evaluate(
                        logits: logits, count: batch, classes: executor.graph.outputShape.count,
                        targets: .labels($0), gradient: logitsGradient)
                } ?? LossValue(loss: 0, correct: 0)
            }
            // The loss is maximized: its gradient is taken the other way round.
            for index in executor.outputGradient.indices { logitsGradient[index] = -logitsGradient[index] }
            executor.backward()

            let weight = configuration.lambda / Double(batch)
            var squares = 0.0
            for index in 0..<count {
                squares += Double(noise[index]) * Double(noise[index])
                gradient[index] += Float(2 * weight) * noise[index]
            }
            let objective = -value.loss + weight * squares
            guard objective.isFinite else {
                throw UnlearningError.diverged(phase: .noise, step: step + 1, what: "the objective")
            }
            objectives.append(objective)
            crossEntropies.append(value.loss)
            optimizer.step(
                parameters: noise, gradients: gradient, count: count,
                learningRate: Float(configuration.learningRate), threads: executor.threads)
        }
    }

    func finished(shape: Shape) throws -> Noise {
        let tensor = try Tensor(images, shape: Shape([configuration.imagesPerClass] + shape.dimensions))
        guard tensor.isFinite else {
            throw UnlearningError.diverged(phase: .noise, step: configuration.steps, what: "the noise")
        }
        return Noise(label: label, images: tensor, objectives: objectives, crossEntropies: crossEntropies)
    }
}
