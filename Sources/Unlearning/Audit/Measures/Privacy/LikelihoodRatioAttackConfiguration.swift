/// How the shadow models of a ``LikelihoodRatioAttack`` are made.
public struct LikelihoodRatioAttackConfiguration: Sendable, Codable, Hashable {
    /// How many there are, an even number from 2 to 1,000: half of them sees each example.
    public var shadowModels: Int
    /// How each is trained: as the original was.
    public var training: TrainingConfiguration
    /// How each forgets the classes, as the audited model did: by UNSIR with these settings; nil is the default method.
    public var unlearning: UNSIR.Configuration?

    /// Creates a configuration.
    public init(
        shadowModels: Int = 16, training: TrainingConfiguration = TrainingConfiguration(epochs: 3),
        unlearning: UNSIR.Configuration? = nil
    ) {
        self.shadowModels = shadowModels
        self.training = training
        self.unlearning = unlearning
    }

    /// How each forgets the classes.
    var method: any UnlearningMethod {
        unlearning.map { UNSIR(configuration: $0) } ?? PrototypeRepair.default
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError/invalidSetting(name:value:remedy:)``.
    public func validate() throws {
        guard (2...1000).contains(shadowModels), shadowModels % 2 == 0 else {
            throw UnlearningError.invalidSetting(
                name: "shadow models", value: "\(shadowModels)", remedy: "use an even number from 2 to 1000")
        }
        try training.validate()
        try unlearning?.validate()
    }
}

extension LikelihoodRatioAttackConfiguration {
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = LikelihoodRatioAttackConfiguration()
        shadowModels = try container.decode(.shadowModels, or: defaults.shadowModels)
        training = try container.decode(.training, or: defaults.training)
        unlearning = try container.decodeIfPresent(UNSIR.Configuration.self, forKey: .unlearning)
    }
}
