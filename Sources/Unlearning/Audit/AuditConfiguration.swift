/// An audit's settings.
public struct AuditConfiguration: Sendable, Codable, Hashable {
    /// Test examples to measure on at most, 1 or more; of every class its share.
    public var testSamples: Int
    /// Training examples to measure on at most, 1 or more; of every class its share, and of the forgotten classes
    /// together at least a tenth.
    public var trainingSamples: Int
    /// Fewer examples of the forgotten or the retained classes than this are too few for a measure, which is left out.
    public var leastSamples: Int
    /// How many of the retained classes count as adjacent.
    public var adjacentClasses: Int
    /// How confidence intervals are computed; nil leaves them out.
    public var bootstrap: Bootstrap?
    /// How relearning is tried; nil leaves it out.
    public var relearning: RelearningConfiguration?
    /// How the likelihood ratio attack's shadow models are trained; nil, as it is by default, leaves the attack out:
    /// it costs as much as training so many networks.
    public var likelihoodRatioAttack: LikelihoodRatioAttackConfiguration?
    /// Whether measures of features and weights are taken.
    public var examinesRepresentation: Bool
    /// Whether series and pictures for a report are made.
    public var makesFigures: Bool
    /// The limits to judge by.
    public var thresholds: AuditThresholds

    /// Creates a configuration; the defaults are the full audit.
    public init(
        testSamples: Int = 10_000, trainingSamples: Int = 5_000, leastSamples: Int = 30, adjacentClasses: Int = 3,
        bootstrap: Bootstrap? = Bootstrap(), relearning: RelearningConfiguration? = RelearningConfiguration(),
        likelihoodRatioAttack: LikelihoodRatioAttackConfiguration? = nil, examinesRepresentation: Bool = true,
        makesFigures: Bool = true, thresholds: AuditThresholds = .default
    ) {
        self.testSamples = testSamples
        self.trainingSamples = trainingSamples
        self.leastSamples = leastSamples
        self.adjacentClasses = adjacentClasses
        self.bootstrap = bootstrap
        self.relearning = relearning
        self.likelihoodRatioAttack = likelihoodRatioAttack
        self.examinesRepresentation = examinesRepresentation
        self.makesFigures = makesFigures
        self.thresholds = thresholds
    }

    /// The full audit.
    public static let full = AuditConfiguration()

    /// A few seconds' audit for the end of a run: 2,000 test and 1,000 training examples, no relearning, no figures.
    public static let quick = AuditConfiguration(
        testSamples: 2_000, trainingSamples: 1_000, relearning: nil, makesFigures: false)

    /// Settings that let more pass than the default ones, in words.
    /// - Parameters:
    ///   - measures: the measures whose limits count.
    ///   - comparesWithRetraining: whether limits against retrained models count, or those that stand in for them.
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
        let least = AuditConfiguration.full.leastSamples
        guard leastSamples < least else { return limits }
        return limits + ["images that a measure takes: \(leastSamples), the default is \(least)"]
    }

    /// Checks every setting.
    /// - Throws: ``UnlearningError``.
    public func validate() throws {
        try Setting.check("test samples", testSamples, isIn: 1...100_000_000)
        try Setting.check("training samples", trainingSamples, isIn: 1...100_000_000)
        try Setting.check("least samples", leastSamples, isIn: 1...1_000_000)
        try Setting.check("adjacent classes", adjacentClasses, isIn: 1...1_000_000)
        try bootstrap?.validate()
        try relearning?.validate()
        try likelihoodRatioAttack?.validate()
        try thresholds.validate()
    }
}

extension AuditConfiguration {
    /// Reads settings; those that the version that wrote them did not know have their defaults.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let defaults = AuditConfiguration()
        testSamples = try container.decode(.testSamples, or: defaults.testSamples)
        trainingSamples = try container.decode(.trainingSamples, or: defaults.trainingSamples)
        leastSamples = try container.decode(.leastSamples, or: defaults.leastSamples)
        adjacentClasses = try container.decode(.adjacentClasses, or: defaults.adjacentClasses)
        bootstrap = try container.decodeIfPresent(Bootstrap.self, forKey: .bootstrap)
        relearning = try container.decodeIfPresent(RelearningConfiguration.self, forKey: .relearning)
        likelihoodRatioAttack = try container.decodeIfPresent(
            LikelihoodRatioAttackConfiguration.self, forKey: .likelihoodRatioAttack)
        examinesRepresentation = try container.decode(.examinesRepresentation, or: defaults.examinesRepresentation)
        makesFigures = try container.decode(.makesFigures, or: defaults.makesFigures)
        // A record without limits judged nothing: the default ones would say otherwise.
        thresholds = try container.decode(.thresholds, or: AuditThresholds())
    }
}
