/// How the shadow models of a ``LikelihoodRatioAttack`` are trained.
public struct LikelihoodRatioAttackConfiguration: Sendable, Codable, Hashable {
    /// How many models see the forgotten classes' half, and how many do not: each shadow model is trained on a random
    /// half of the audit's training examples of the forgotten classes and on all of the others. 2 to 1,000.
    public var shadowModels: Int
    /// How each is trained.
    public var training: TrainingConfiguration

    /// Creates a configuration.
    public init(shadowModels: Int = 16, training: TrainingConfiguration = TrainingConfiguration(epochs: 3)) {
        self.shadowModels = shadowModels
        self.training = training
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)``.
    public func validate() throws {
        try Setting.check("shadow models", shadowModels, isIn: 2...1000)
        try training.validate()
    }
}
