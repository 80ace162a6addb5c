/// Noise, impair, repair: for classes whose images are gone, with a subset of the others at hand.
///
/// Source: Tarun et al., "Fast Yet Effective Machine Unlearning" (arXiv 2111.08947), section IV. Hyperparameters as
/// published: ``UNSIR/Configuration/paper``; gentler ones: ``UNSIR/Configuration/paperSafe``.
public struct UNSIR: BuiltInMethod, Hashable {
    /// The three steps' settings.
    public var configuration: Configuration

    /// Creates the method.
    public init(configuration: Configuration = .paperSafe) {
        self.configuration = configuration
    }

    package var traits: MethodTraits {
        MethodTraits(
            configuration == .paper ? "unsir-paper" : "unsir",
            summary: "Learns noise against the classes, impairs with it and repairs (UNSIR), "
                + (configuration == .paper ? "as published" : "at gentler rates"), requirements: [.retainData])
    }

    package func check() throws { try configuration.validate() }

    package func costs(of request: UnlearningRequest) -> [Double] {
        let noiseImages = Double(request.classes.count * configuration.noise.imagesPerClass)
        let shown = noiseImages * Double(configuration.impair.noiseRepetitions) + Double(request.retainedCount)
        return [
            2 * noiseImages * Double(configuration.noise.steps), configuration.impair.training.cost(examples: shown),
            configuration.repair.cost(examples: Double(request.retainedCount)),
        ]
    }

    package func gentler(by divisor: Double, for model: Model) -> (any UnlearningMethod)? {
        var method = self
        method.configuration.impair.training.learningRate /= divisor
        method.configuration.repair.learningRate /= divisor
        return method
    }

    package func makeModel(_ request: UnlearningRequest, _ session: UnlearningSession) throws -> Model {
        let retain = try request.retained()
        let noise = try session.noise(NoiseMaximizer(configuration: configuration.noise), for: request)
        let impaired = try session.impair(
            ImpairStep(configuration: configuration.impair), request.model, noise: noise, retaining: retain)
        try session.measure(impaired, after: .impair)
        return try session.train(impaired, on: retain, configuration.repair, phase: .repair)
    }
}

extension UnlearningMethod where Self == UNSIR {
    /// ``UNSIR`` at a tenth of the published rates: ``UNSIR/Configuration/paperSafe``.
    public static var unsir: UNSIR { UNSIR(configuration: .paperSafe) }

    /// ``UNSIR`` as published: ``UNSIR/Configuration/paper``.
    public static var unsirPaper: UNSIR { UNSIR(configuration: .paper) }

    /// Returns ``UNSIR`` with settings of its three steps.
    public static func unsir(_ configuration: UNSIR.Configuration) -> UNSIR { UNSIR(configuration: configuration) }
}

extension TrainingConfiguration {
    /// What a training costs in forward passes of one example: the input's gradient costs about one more, the weights'
    /// gradients another.
    func cost(examples: Double) -> Double {
        3 * examples * Double(epochs(ofSteps: max(1, Int(min(examples, 1e15)) / max(1, batchSize))))
    }
}

extension UNSIR {
    /// The three steps' settings together.
    public struct Configuration: Sendable, Codable, Hashable {
        /// How noise is learned.
        public var noise: NoiseMaximizer.Configuration
        /// How the weights are damaged.
        public var impair: ImpairStep.Configuration
        /// How the retained classes recover.
        public var repair: TrainingConfiguration

        /// Creates a configuration.
        public init(
            noise: NoiseMaximizer.Configuration, impair: ImpairStep.Configuration, repair: TrainingConfiguration
        ) {
            self.noise = noise
            self.impair = impair
            self.repair = repair
        }

        /// The authors' hyperparameters (arXiv 2111.08947), with correct labels and counts.
        ///
        /// 40 noise steps for 256 images a class, shown 20 times (5,120 a class); impair at 0.02, repair at 0.01.
        /// They cost retain accuracy, and destroy networks without batch norm.
        public static let paper = UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(), impair: ImpairStep.Configuration(),
            repair: TrainingConfiguration(learningRate: 0.01))

        /// The authors' recipe at a tenth of their rates, with 20 noise steps: impair at 0.002, repair at 0.001.
        ///
        /// Retain accuracy stays near the original's, and networks without batch norm survive.
        public static let paperSafe = UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(steps: 20),
            impair: ImpairStep.Configuration(training: TrainingConfiguration(learningRate: 0.002)),
            repair: TrainingConfiguration(learningRate: 0.001))

        /// Checks every setting.
        package func validate() throws {
            try noise.validate()
            try impair.validate()
            try repair.validate()
        }
    }
}

extension UNSIR.Configuration {
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = UNSIR.Configuration.paper
        noise = try container.decode(.noise, or: defaults.noise)
        impair = try container.decode(.impair, or: defaults.impair)
        repair = try container.decode(.repair, or: defaults.repair)
    }
}
