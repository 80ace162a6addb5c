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

        /// The authors' hyperparameters (arXiv 2111.08947) with correct labels and counts: 40 noise steps for 256 images a
        /// class, shown 20 times (5,120 a class); impair at 0.02, repair at 0.01. It costs retain accuracy, and destroys
        /// networks without batch norm.
        public static let paper = UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(), impair: ImpairStep.Configuration(),
            repair: TrainingConfiguration(learningRate: 0.01))

        /// The authors' recipe at a tenth of their rates: 20 noise steps, impair at 0.002, repair at 0.001. Retain accuracy
        /// stays near the original's, and networks without batch norm survive.
        public static let paperSafe = UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(steps: 20),
            impair: ImpairStep.Configuration(training: TrainingConfiguration(learningRate: 0.002)),
            repair: TrainingConfiguration(learningRate: 0.001))

        /// Checks every setting.
        public func validate() throws {
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
