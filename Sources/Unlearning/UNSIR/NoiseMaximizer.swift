public import NeuralGraph

/// Learns error-maximizing noise for classes (Tarun et al., arXiv 2111.08947, section IV-A):
///
///     minimize over N:  -CE(f(N), c) + lambda · mean_i ‖N_i‖²
///
/// N starts from the normal distribution and alone is changed; the model, its batch statistics included, stays as it
/// is. No image of any class is used. Only the input's gradient is computed.
public struct NoiseMaximizer: Sendable {
    /// How noise is learned.
    public struct Configuration: Sendable, Codable, Hashable {
        /// Which statistics batch norm uses while noise is learned; neither changes the model.
        public enum Normalization: String, Sendable, Codable, CaseIterable {
            /// The model's running ones, as in use.
            case running
            /// Those of the noise itself, as in training; dropout is active then, too.
            case batch
        }

        /// The mode that the model runs in.
        var mode: Mode { normalization == .batch ? .training : .inference }

        /// Images of noise for each class, 1 to 100,000; all of a class's are in one batch.
        public var imagesPerClass: Int
        /// Gradient steps, 0 to 1,000,000; 0 keeps the initial random noise.
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
        /// - Throws: ``UnlearningError`` or `OptimizationError`.
        package func validate() throws {
            try Setting.check("noise images per class", imagesPerClass, isIn: 1...100_000)
            try Setting.check("noise steps", steps, isIn: 0...1_000_000)
            try Setting.check("noise learning rate", learningRate, isAbove: 0)
            try Setting.check("noise lambda", lambda, isAtLeast: 0)
            try optimizer.validate()
        }
    }

    /// How noise is learned.
    public var configuration: Configuration

    /// Creates a noise maximizer.
    public init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Learns noise for classes, all of them in the same steps.
    ///
    /// With running statistics several classes share a batch, as far as memory allows.
    /// - Parameters:
    ///   - classes: classes of the model; each gets noise of its own.
    ///   - model: the original model, which is not changed.
    ///   - options: seed and threads. A class's noise depends on the seed and the class alone; on the others by no
    ///     more than the rounding of a larger batch.
    ///   - progress: called after every step.
    /// - Returns: the noise in the order of the classes.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func noise(
        classes: some Sequence<Int>, model: Model, options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> [Noise] {
        let classes = Array(classes)
        return try await RunContext.run(options, progress: progress) { context in
            try noise(classes: classes, model: model, context: context)
        }
    }

    /// - Parameter starts: the first images by class, channels last; those of other classes are drawn.
    package func noise(
        classes: [Int], model: Model, starting starts: [Int: [Float]] = [:], context: RunContext
    ) throws -> [Noise] {
        try configuration.validate()
        try model.checkForgettable(Set(classes))
        if configuration.normalization == .batch, configuration.imagesPerClass == 1,
            let node = model.graph.normalizationOfSingleNumbers
        {
            throw UnlearningError.invalidSetting(
                name: "noise images per class", value: "1",
                remedy: "batch norm '\(node)' has one number a channel of each, so give 2 or more")
        }
        return try context.part(
            "noise", encode: { CheckpointContent($0) },
            decode: { content in
                try classes.map { try Noise(content, label: $0, configuration, shape: model.graph.inputShape) }
            }
        ) { try learn(classes, model: model, starting: starts, context: context, $0) }
    }

    private func learn(
        _ classes: [Int], model: Model, starting starts: [Int: [Float]], context: RunContext, _ progress: PartProgress
    ) throws -> [Noise] {
        let classesPerBatch = classesPerBatch(
            of: classes.count, model: model, algorithms: context.options.algorithms)
        let executor = try context.executor(
            model: model, batchCapacity: classesPerBatch * configuration.imagesPerClass, computing: .input,
            modes: [configuration.mode])
        func begun() throws -> [NoiseInProgress] {
            try classes.map { label in
                try NoiseInProgress(
                    label: label, configuration: configuration, imageSize: model.graph.inputShape.count,
                    start: starts[label], context: context)
            }
        }
        var (pending, done) = (try begun(), 0)
        if let resumed = progress.resume({ content in
            let steps = try content.integer("step", in: 0...configuration.steps)
            // Others, so that a state that does not fit leaves nothing behind.
            let members = try begun()
            for member in members { try member.restore(content, steps: steps) }
            return (members, steps)
        }) {
            (pending, done) = resumed
        }
        let batches = stride(from: 0, to: pending.count, by: classesPerBatch).map {
            NoiseBatch(members: pending[$0..<min($0 + classesPerBatch, pending.count)], configuration: configuration)
        }
        for step in done..<configuration.steps {
            for batch in batches {
                try context.checkCancellation()
                try batch.step(step, executor: executor)
            }
            let mean = pending.reduce(0) { $0 + ($1.objectives.last ?? 0) } / Double(pending.count)
            try context.stepDone(progress) {
                var content = CheckpointContent(integers: ["step": step + 1])
                for member in pending { member.add(to: &content) }
                return content
            }
            try context.finished(step + 1, of: configuration.steps, in: .noise, loss: mean)
        }
        return try pending.map { try $0.finished(shape: model.graph.inputShape) }
    }

    /// How many images make a batch, at most, while noise is learned for some classes.
    /// - Parameters:
    ///   - classCount: the number of classes, at least 1.
    ///   - model: the original model.
    ///   - algorithms: which algorithms may be used; they differ in the memory that they need.
    package func batchSize(classCount: Int, model: Model, algorithms: Algorithms = .fast) -> Int {
        classesPerBatch(of: classCount, model: model, algorithms: algorithms) * configuration.imagesPerClass
    }

    /// Bytes that a batch of several classes may take; a class on its own may take more.
    package static let batchByteLimit = 512 << 20

    /// The number of classes that share a batch.
    ///
    /// With running statistics, as many as memory allows, spread evenly over the batches; with batch statistics one,
    /// since each class has its own statistics. The number of threads does not matter, so results do not depend on
    /// it.
    package func classesPerBatch(of count: Int, model: Model, algorithms: Algorithms) -> Int {
        guard configuration.normalization == .running, count > 1 else { return 1 }
        let alone = ExecutionSummary(
            model: model, batchCapacity: configuration.imagesPerClass, computing: .input,
            modes: [configuration.mode], workers: 1, algorithms: algorithms)
        let most = max(1, Self.batchByteLimit / max(1, alone.byteCount))
        let batches = (count + most - 1) / most
        return (count + batches - 1) / batches
    }
}

extension NoiseMaximizer.Configuration {
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = NoiseMaximizer.Configuration()
        imagesPerClass = try container.decode(.imagesPerClass, or: defaults.imagesPerClass)
        steps = try container.decode(.steps, or: defaults.steps)
        optimizer = try container.decode(.optimizer, or: defaults.optimizer)
        learningRate = try container.decode(.learningRate, or: defaults.learningRate)
        lambda = try container.decode(.lambda, or: defaults.lambda)
        normalization = try container.decode(.normalization, or: defaults.normalization)
    }
}
