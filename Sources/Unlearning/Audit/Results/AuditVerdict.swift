/// The verdict on a measure, or on a model in total.
public enum MeasureVerdict: String, Sendable, Codable, CaseIterable {
    /// Within the limits.
    case pass
    /// Beyond the first limit, within the second.
    case partial
    /// Beyond both limits.
    case fail
    /// Of a measure: it has no limits, their reference is missing, or bounds on the value do not decide.
    case notJudged
    /// In total: nothing failed, but there is too little evidence that the model has forgotten.
    case inconclusive

    /// The verdict in words, such as `not judged`.
    package var title: String { self == .notJudged ? "not judged" : rawValue }

    /// Whether it is ``pass`` or ``partial``.
    public var isAcceptable: Bool { self == .pass || self == .partial }
}

/// The verdict on a model: the worst verdict of all judged measures, if they are sufficient evidence.
///
/// A pass takes at least a judged forget accuracy and a judged built-in measure of leakage. It means that no judged measure
/// exceeds its limit; it does not prove that nothing is left.
public struct AuditVerdict: Sendable, Codable, Hashable {
    /// The worst verdict of all measures, or ``MeasureVerdict/inconclusive`` if nothing failed but evidence is missing.
    public let total: MeasureVerdict
    /// The measures that passed.
    public let passed: [MeasureIdentifier]
    /// The measures that were judged partial.
    public let partial: [MeasureIdentifier]
    /// The measures that failed.
    public let failed: [MeasureIdentifier]
    /// The measures that were taken but not judged.
    package let notJudged: [MeasureIdentifier]
    /// The measures that were left out.
    package let omitted: [MeasureIdentifier]
    /// Whether there was a retrained model to compare with.
    public let comparesWithRetraining: Bool
    /// Whether the audited model has the same weights as the original, and so has forgotten nothing.
    package let isOriginal: Bool
    /// The evidence that a pass would need, each with reason and remedy; empty if nothing is missing.
    public let missingEvidence: [String]

    /// The measures of which at least one has to be judged, to see whether the classes are still predicted.
    package static let forgetAccuracies: [MeasureIdentifier] = [.forgetAccuracyTest, .forgetAccuracyTraining]

    /// The measures of which at least one has to be judged, to see whether something is left.
    ///
    /// Head shares show where the forgetting took place, and the spread of predictions and the distance to an untrained
    /// network how it looks: none of them shows a leak by itself.
    package static let leakageMeasures: [MeasureIdentifier] = [
        .totalVariation, .jensenShannon, .softmaxDistance, .predictionAgreement, .membershipEntropy,
        .membershipConfidence, .membershipLoss, .likelihoodRatioAttack, .relearnTime, .anamnesisIndex,
        .prototypeRelearning, .linearProbe, .nearestCentroid,
    ]

    /// Combines the verdicts of measures.
    /// - Parameters:
    ///   - measures: the judged measures.
    ///   - comparesWithRetraining: whether there was a retrained model to compare with.
    ///   - isOriginal: whether the audited model has the same weights as the original.
    package init(_ measures: [MeasureResult], comparesWithRetraining: Bool, isOriginal: Bool = false) {
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
                "the audited model has the same weights as the original; give the model after forgetting", at: 0)
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

    /// Reads a verdict. Records of version 1 do not list missing evidence.
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

    /// Lists the kinds of evidence of which no measure was judged. Of several forgotten classes each has to be judged.
    private static func missing(in measures: [MeasureResult]) -> [String] {
        let kinds = [
            ("forget accuracy was not judged", forgetAccuracies),
            ("not every forgotten class was judged", [.forgetAccuracyWorstClass]),
            ("no measure of leakage was judged", leakageMeasures),
        ]
        return kinds.compactMap { text, kind in
            let candidates = kind.compactMap { identifier in measures.first { $0.measure.identifier == identifier } }
            guard !candidates.contains(where: { !$0.isOmitted && $0.verdict != .notJudged }) else { return nil }
            if candidates.isEmpty, kind == [.forgetAccuracyWorstClass] { return nil }
            return text + ": " + reasons(candidates)
        }
    }

    /// The reasons why measures were not judged, each with its measures.
    private static func reasons(_ measures: [MeasureResult]) -> String {
        let unjudged =
            "no limit, or no reference for it; give retrained models, or set a limit"
        var names: [String: [String]] = [:]
        var order: [String] = []
        for measure in measures {
            let reason = measure.omission ?? unjudged
            if names[reason] == nil { order.append(reason) }
            names[reason, default: []].append(measure.measure.identifier.rawValue)
        }
        guard !order.isEmpty else { return "the audit has no such measure; use the default measures" }
        return order.map { "\(names[$0, default: []].joined(separator: ", ")) (\($0))" }.joined(separator: "; ")
    }
}
