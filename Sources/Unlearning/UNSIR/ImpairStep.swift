public import ImageDatasets
public import NeuralGraph

/// Damages the weights that carry the forgotten classes, by training on noise labeled with these classes.
///
/// The noise is mixed with retain images, and the learning rate is high. Source: Tarun et al. (arXiv 2111.08947),
/// section IV-B.
public struct ImpairStep: Sendable {
    /// How the weights are damaged.
    public struct Configuration: Sendable, Codable, Hashable {
        /// How often each noise image is shown in an epoch, 1 to 10,000.
        public var noiseRepetitions: Int
        /// Retain examples that are mixed in, drawn at random, at most; nil mixes in all of them.
        public var retainLimit: Int?
        /// Epochs, batch size, optimizer and rate.
        public var training: TrainingConfiguration

        /// Creates a configuration; the defaults are the authors', with all 5,120 noise images a class.
        public init(
            noiseRepetitions: Int = 20, retainLimit: Int? = nil,
            training: TrainingConfiguration = TrainingConfiguration(learningRate: 0.02)
        ) {
            self.noiseRepetitions = noiseRepetitions
            self.retainLimit = retainLimit
            self.training = training
        }

        /// Checks every setting.
        package func validate() throws {
            try Setting.check("noise repetitions", noiseRepetitions, isIn: 1...10_000)
            if let retainLimit { try Setting.check("retain limit", retainLimit, isIn: 1...100_000_000) }
            try training.validate()
        }
    }

    /// How the weights are damaged.
    public var configuration: Configuration

    /// Creates an impair step.
    public init(configuration: Configuration = Configuration()) {
        self.configuration = configuration
    }

    /// Impairs a copy of a model.
    /// - Parameters:
    ///   - model: the model, which is not changed.
    ///   - noise: noise for every class to forget.
    ///   - retain: examples of the other classes.
    ///   - options: seed and threads.
    ///   - progress: called after every step.
    /// - Throws: ``UnlearningError``, or `CancellationError`.
    public func impair(
        _ model: Model, noise: [Noise], retaining retain: any LabeledData,
        options: RunOptions = RunOptions(),
        progress: ProgressHandler? = nil
    ) async throws -> TrainingOutcome {
        let retain = try retain.examples(for: model, named: "retain")
        return try await RunContext.run(options, progress: progress) { context in
            try impair(model, noise: noise, retaining: retain, context: context)
        }
    }

    package func impair(
        _ model: Model, noise: [Noise], retaining retain: any ExampleSource, context: RunContext
    ) throws -> TrainingOutcome {
        try configuration.validate()
        try model.check(retain, named: "retain")
        guard !noise.isEmpty else { throw UnlearningError.noExamples(of: "noise") }
        var order = Array(0..<retain.count)
        if let limit = configuration.retainLimit, limit < order.count {
            var random = SeededRandom(seed: context.seed("impair.retain"), stream: "retain")
            random.draw(limit, toFrontOf: &order)
            order = order.prefix(limit).sorted()
        }
        // Retain examples come first, so that messages about them count as the caller does.
        var sources: [any ExampleSource] = [
            order.count < retain.count ? try ExampleSubset(retain, indices: order) : retain
        ]
        for noise in noise {
            let examples = try noise.examples()
            try model.check(examples, named: "noise")
            if let position = noise.images.elements.firstIndex(where: { !$0.isFinite }) {
                throw UnlearningError.exampleNotFinite(
                    data: "noise", index: position / examples.exampleShape.count)
            }
            sources.append(try RepeatedExamples(examples, times: configuration.noiseRepetitions))
        }
        return try TrainingLoop(
            examples: try CombinedExamples(sources), examplesName: "retain",
            configuration: configuration.training,
            phase: .impair, stream: "impair"
        ).run(model, context: context)
    }
}

extension ImpairStep.Configuration {
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = ImpairStep.Configuration()
        noiseRepetitions = try container.decode(.noiseRepetitions, or: defaults.noiseRepetitions)
        retainLimit = try container.decodeIfPresent(Int.self, forKey: .retainLimit)
        training = try container.decode(.training, or: defaults.training)
    }
}
