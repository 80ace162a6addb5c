/// The settings of an audit and the limits that it judges by.
public struct AuditConfiguration: Sendable, Codable, Hashable {
    /// The maximum number of test examples to measure on, 1 or more; stratified by class.
    public var testSamples: Int
    /// The maximum number of training examples to measure on, 1 or more; stratified by class, at least a tenth of them
    /// of forgotten classes.
    public var trainingSamples: Int
    /// The minimum number of examples of forgotten or retained classes that a measure takes; with fewer it is left out.
    public var minimumSamples: Int
    /// The number of retained classes that count as adjacent.
    public var adjacentClasses: Int
    /// The settings of confidence intervals; nil leaves them out.
    public var bootstrap: Bootstrap?
    /// The settings of relearning; nil leaves it out.
    public var relearning: RelearningConfiguration?
    /// The settings of the likelihood ratio attack; nil, the default, leaves it out, since it trains many networks.
    public var likelihoodRatioAttack: LikelihoodRatioAttackConfiguration?
    /// Whether to take measures of features and weights.
    public var examinesRepresentation: Bool
    /// Whether to collect series and pictures for a report.
    public var makesFigures: Bool
    /// The format that all models' weights are rounded to first, as they will be deployed; nil for as they are.
    public var weights: WeightFormat?
    /// The limits to judge by.
    public var thresholds: AuditThresholds

    /// Creates a configuration; the defaults are the full audit.
    public init(
        testSamples: Int = 10_000, trainingSamples: Int = 5_000, minimumSamples: Int = 30, adjacentClasses: Int = 3,
        bootstrap: Bootstrap? = Bootstrap(), relearning: RelearningConfiguration? = RelearningConfiguration(),
        likelihoodRatioAttack: LikelihoodRatioAttackConfiguration? = nil, examinesRepresentation: Bool = true,
        makesFigures: Bool = true, weights: WeightFormat? = nil, thresholds: AuditThresholds = .default
    ) {
        self.testSamples = testSamples
        self.trainingSamples = trainingSamples
        self.minimumSamples = minimumSamples
        self.adjacentClasses = adjacentClasses
        self.bootstrap = bootstrap
        self.relearning = relearning
        self.likelihoodRatioAttack = likelihoodRatioAttack
        self.examinesRepresentation = examinesRepresentation
        self.makesFigures = makesFigures
        self.weights = weights
        self.thresholds = thresholds
    }

    /// The full audit.
    public static let full = AuditConfiguration()

    /// An audit of a few seconds: 2,000 test and 1,000 training examples, no relearning, no figures.
    public static let quick = AuditConfiguration(
        testSamples: 2_000, trainingSamples: 1_000, relearning: nil, makesFigures: false)

    /// Describes the settings that let more pass than the default ones.
    /// - Parameters:
    ///   - measures: the measures whose limits count.
    ///   - comparesWithRetraining: whether limits against retrained models count, or those in their place.
    package func looserSettings(of measures: Set<MeasureIdentifier>, comparesWithRetraining: Bool) -> [String] {
        let limits = thresholds.looser().filter { limit in
            let isUsed =
                switch limit.usual.reference {
                case .retrained: comparesWithRetraining
                case .original, .zero:
                    !comparesWithRetraining || AuditThresholds.default[limit.measure].count == 1
                }
            return isUsed && measures.contains(limit.measure)
        }.map(\.description)
        let least = AuditConfiguration.full.minimumSamples
        guard minimumSamples < least else { return limits }
        return limits + ["minimum number of images for a measure: \(minimumSamples), the default is \(least)"]
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    package func validate() throws {
        try Setting.check("test samples", testSamples, isIn: 1...100_000_000)
        try Setting.check("training samples", trainingSamples, isIn: 1...100_000_000)
        try Setting.check("minimum samples", minimumSamples, isIn: 1...1_000_000)
        try Setting.check("adjacent classes", adjacentClasses, isIn: 1...1_000_000)
        try bootstrap?.validate()
        try relearning?.validate()
        try likelihoodRatioAttack?.validate()
        try thresholds.validate()
    }
}

extension AuditConfiguration {
    /// Keys of record versions 1 and 2.
    private enum FormerKey: String, CodingKey {
        case leastSamples
    }

    /// Reads settings, with defaults for those that are missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = AuditConfiguration()
        testSamples = try container.decode(.testSamples, or: defaults.testSamples)
        trainingSamples = try container.decode(.trainingSamples, or: defaults.trainingSamples)
        let formerSamples = try decoder.container(keyedBy: FormerKey.self)
            .decode(.leastSamples, or: defaults.minimumSamples)
        minimumSamples = try container.decode(.minimumSamples, or: formerSamples)
        adjacentClasses = try container.decode(.adjacentClasses, or: defaults.adjacentClasses)
        bootstrap = try container.decodeIfPresent(Bootstrap.self, forKey: .bootstrap)
        relearning = try container.decodeIfPresent(RelearningConfiguration.self, forKey: .relearning)
        likelihoodRatioAttack = try container.decodeIfPresent(
            LikelihoodRatioAttackConfiguration.self, forKey: .likelihoodRatioAttack)
        examinesRepresentation = try container.decode(.examinesRepresentation, or: defaults.examinesRepresentation)
        makesFigures = try container.decode(.makesFigures, or: defaults.makesFigures)
        weights = try container.decodeIfPresent(WeightFormat.self, forKey: .weights)
        // A record without limits judged nothing; default limits would claim that it did.
        thresholds = try container.decode(.thresholds, or: AuditThresholds())
    }
}
