/// How a measure, or a model in total, was judged.
public enum MeasureVerdict: String, Sendable, Codable, CaseIterable {
    /// Within the limits.
    case pass
    /// Beyond the first limit, within the second.
    case partial
    /// Beyond both limits.
    case fail
    /// Of a measure: there are no limits, what they refer to is missing, or what is known does not decide.
    case notJudged
    /// In total: too little was judged to say that a model has forgotten, and nothing failed.
    case inconclusive

    /// The verdict in words.
    public var title: String { self == .notJudged ? "not judged" : rawValue }

    /// Whether a model may be handed over with it.
    public var isAcceptable: Bool { self == .pass || self == .partial }
}

/// How a model was judged: the worst verdict of all judged measures, if they are enough to judge by.
///
/// A pass takes a judged forget accuracy and a judged measure of leakage at least; it says that no judged measure found
/// more than its limit allows, and nothing more: it is no proof that nothing is left.
public struct AuditVerdict: Sendable, Codable, Hashable {
    /// The worst verdict of all measures; ``MeasureVerdict/inconclusive`` if nothing failed and evidence is missing.
    public let total: MeasureVerdict
    /// The measures that passed.
    public let passed: [MeasureIdentifier]
    /// The measures that were judged partial.
    public let partial: [MeasureIdentifier]
    /// The measures that failed.
    public let failed: [MeasureIdentifier]
    /// The measures that were shown and not judged.
    public let notJudged: [MeasureIdentifier]
    /// The measures that were left out.
    public let omitted: [MeasureIdentifier]
    /// Whether there was a retrained model to compare with.
    public let comparesWithRetraining: Bool
    /// Whether the audited model is the original, number for number, which has forgotten nothing.
    public let isOriginal: Bool
    /// What a pass would have taken besides, each with the reason and what to do; empty if nothing is missing.
    public let missingEvidence: [String]

    /// What was forgotten is seen in one of these.
    package static let forgetAccuracies: [MeasureIdentifier] = [.forgetAccuracyTest, .forgetAccuracyTraining]

    /// Whether something is left is seen in one of these. The shares of the head say where forgetting sits, and spread and
    /// distance to an untrained network how it looks: none of them is a leak by itself.
    package static let leakageMeasures: [MeasureIdentifier] = [
        .totalVariation, .jensenShannon, .softmaxDistance, .predictionAgreement, .membershipEntropy,
        .membershipConfidence, .membershipLoss, .likelihoodRatioAttack, .relearnTime, .anamnesisIndex,
        .prototypeRelearning, .linearProbe, .nearestCentroid,
    ]

    /// Sums up judged measures.
    /// - Parameters:
    ///   - measures: the measures with their verdicts.
    ///   - comparesWithRetraining: whether there was a retrained model to compare with.
    ///   - isOriginal: whether the audited model is the original, number for number, which has forgotten nothing.
    public init(_ measures: [MeasureResult], comparesWithRetraining: Bool, isOriginal: Bool = false) {
        func identifiers(_ verdict: MeasureVerdict) -> [MeasureIdentifier] {
            measures.filter { !$0.isOmitted && $0.verdict == verdict }.map(\.measure.identifier)
        }
        passed = identifiers(.pass)
        partial = identifiers(.partial)
        failed = identifiers(.fail)
        notJudged = identifiers(.notJudged)
        omitted = measures.filter(\.isOmitted).map(\.measure.identifier)
        var missing = Self.missing(in: measures)
        if isOriginal {
            missing.insert(
                "the audited model is the original, number for number; give the model after forgetting", at: 0)
        }
        missingEvidence = missing
        self.isOriginal = isOriginal
        self.comparesWithRetraining = comparesWithRetraining
        if !failed.isEmpty {
            total = .fail
        } else if !missing.isEmpty {
            total = .inconclusive
        } else {
            total = partial.isEmpty ? .pass : .partial
        }
    }

    /// Reads a verdict; those of version 1 say nothing of missing evidence.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        total = try container.decode(MeasureVerdict.self, forKey: .total)
        passed = try container.decode([MeasureIdentifier].self, forKey: .passed)
        partial = try container.decode([MeasureIdentifier].self, forKey: .partial)
        failed = try container.decode([MeasureIdentifier].self, forKey: .failed)
        notJudged = try container.decode([MeasureIdentifier].self, forKey: .notJudged)
        omitted = try container.decode([MeasureIdentifier].self, forKey: .omitted)
        comparesWithRetraining = try container.decode(Bool.self, forKey: .comparesWithRetraining)
        isOriginal = try container.decode(.isOriginal, or: false)
        missingEvidence = try container.decode(.missingEvidence, or: [])
    }

    /// Of each kind one of the measures must have been judged. Where several classes were forgotten, each of them must.
    private static func missing(in measures: [MeasureResult]) -> [String] {
        let kinds = [
            ("forget accuracy was not judged", forgetAccuracies),
            ("not every forgotten class was judged", [.forgetAccuracyWorstClass]),
            ("no leak was looked for", leakageMeasures),
        ]
        return kinds.compactMap { text, kind in
            let candidates = kind.compactMap { identifier in measures.first { $0.measure.identifier == identifier } }
            guard !candidates.contains(where: { !$0.isOmitted && $0.verdict != .notJudged }) else { return nil }
            if candidates.isEmpty, kind == [.forgetAccuracyWorstClass] { return nil }
            return text + ": " + reasons(candidates)
        }
    }

    /// Why measures were not judged, those with one reason together.
    private static func reasons(_ measures: [MeasureResult]) -> String {
        let unjudged =
            "no limit, or no reference for it; give models retrained without the classes, or set a limit"
        var names: [String: [String]] = [:]
        var order: [String] = []
        for measure in measures {
            let reason = measure.omission ?? unjudged
            if names[reason] == nil { order.append(reason) }
            names[reason, default: []].append(measure.measure.identifier.rawValue)
        }
        guard !order.isEmpty else { return "the audit has no such measure" }
        return order.map { "\(names[$0, default: []].joined(separator: ", ")) (\($0))" }.joined(separator: "; ")
    }
}
