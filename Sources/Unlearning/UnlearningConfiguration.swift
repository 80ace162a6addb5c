/// The three steps' settings together.
public struct UnlearningConfiguration: Sendable, Codable, Hashable {
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
    public static let paper = UnlearningConfiguration(
        noise: NoiseMaximizer.Configuration(), impair: ImpairStep.Configuration(),
        repair: TrainingConfiguration(learningRate: 0.01))

    /// The authors' recipe with gentler rates: 20 noise steps, impair at a twentieth of their rate, repair at a tenth,
    /// over two epochs or 64 steps, by a cosine to 0. Retain accuracy stays near the original's, and networks without
    /// batch norm survive.
    public static let `default` = UnlearningConfiguration(
        noise: NoiseMaximizer.Configuration(steps: 20),
        impair: ImpairStep.Configuration(training: TrainingConfiguration(learningRate: 0.001)),
        repair: TrainingConfiguration(epochs: 2, leastSteps: 64, learningRate: 0.001, schedule: .cosine))

    /// Checks every setting.
    public func validate() throws {
        try noise.validate()
        try impair.validate()
        try repair.validate()
    }
}

/// The named configurations.
public enum UnlearningPreset: String, Sendable, Codable, CaseIterable {
    /// ``UnlearningConfiguration/default``
    case `default`
    /// ``UnlearningConfiguration/paper``
    case paper

    /// The settings.
    public var configuration: UnlearningConfiguration {
        switch self {
        case .default: .default
        case .paper: .paper
        }
    }
}
