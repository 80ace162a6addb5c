/// The verdict on a measure, or on a model in total.
public enum MeasureVerdict: String, Sendable, Codable, CaseIterable {
    /// Within the limits; in total: with enough evidence.
    case pass
    /// Beyond a limit on the side that shows knowledge of what was to be forgotten.
    case leak
    /// Beyond a limit on the other side: conspicuously far from what was to be forgotten, or worse on the rest.
    case overForgotten = "over-forgotten"
    /// In total: no measure is beyond its limit, but there is too little evidence that the model has forgotten.
    case incomplete
    /// Of a measure: it has no limits, their reference is missing, or bounds on the value do not decide.
    case notJudged

    /// The verdict in words, such as `not judged`.
    package var title: String { self == .notJudged ? "not judged" : rawValue }

    init(_ finding: MeasureThreshold.Finding) {
        self = finding == .leak ? .leak : .overForgotten
    }

    /// Reads a verdict. Versions 1 to 3 had other words: up to `partial` a model was acceptable.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let word = try container.decode(String.self)
        switch word {
        case "partial": self = .pass
        case "fail": self = .leak
        case "inconclusive": self = .incomplete
        default:
            guard let verdict = MeasureVerdict(rawValue: word) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(word)' is no verdict")
            }
            self = verdict
        }
    }
}

/// The verdict on a model: the worst verdict of all judged measures, if they are sufficient evidence.
///
/// A pass takes a retrained model, a judged forget accuracy, and a judged built-in measure of leakage whose limits find
/// the original. It means that no judged measure exceeds its limit; it does not prove that nothing is left.
public struct AuditVerdict: Sendable, Codable, Hashable {
    /// The verdict: ``MeasureVerdict/leak`` before ``MeasureVerdict/overForgotten`` before
    /// ``MeasureVerdict/incomplete`` before ``MeasureVerdict/pass``.
    public let total: MeasureVerdict
    /// The measures that passed.
    public let passed: [MeasureIdentifier]
    /// The measures that found a leak.
    public let leaks: [MeasureIdentifier]
    /// The measures that found too much forgotten.
    public let overForgotten: [MeasureIdentifier]
    /// The measures that were taken but not judged.
    package let notJudged: [MeasureIdentifier]
    /// The measures that were left out.
    package let omitted: [MeasureIdentifier]
    /// The measures that carry the verdict: those beyond their limits, or for a pass the forget accuracies and the
    /// measures of leakage that would have found the original.
    public let carriedBy: [MeasureIdentifier]
    /// Whether there was a retrained model to compare with.
    package let comparesWithRetraining: Bool
    /// Whether the audited model has the same weights as the original, and so has forgotten nothing.
    package let isOriginal: Bool
    /// Whether it has the same weights as the original before the last layer.
    package let hasOriginalFeatures: Bool
    /// The evidence that a pass would need, each with reason and remedy; empty if nothing is missing.
    public let missingEvidence: [String]
    /// The verdict's word in a record of version 1 to 3, if it was another one.
    package var formerWord: String?

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
    ///   - hasOriginalFeatures: whether it has the same weights before the last layer.
    package init(
        _ measures: [MeasureResult], comparesWithRetraining: Bool, isOriginal: Bool = false,
        hasOriginalFeatures: Bool = false
    ) {
        func identifiers(_ verdict: MeasureVerdict) -> [MeasureIdentifier] {
            measures.filter { !$0.isOmitted && $0.verdict == verdict }.map(\.measure.identifier)
        }
        passed = identifiers(.pass)
        leaks = identifiers(.leak)
        overForgotten = identifiers(.overForgotten)
        notJudged = identifiers(.notJudged)
        omitted = measures.filter(\.isOmitted).map(\.measure.identifier)
        var missing = Self.missing(in: measures)
        if !comparesWithRetraining {
            missing.insert(Self.noRetrainedModel, at: 0)
        }
        if isOriginal {
            missing.insert(
                "the audited model has the same weights as the original; give the model after forgetting", at: 0)
        } else if hasOriginalFeatures {
            missing.insert(
                "the audited model has the original's weights in every layer but the last, so that its features still "
                    + "hold the classes; forget by a method that changes them", at: 0)
        }
        missingEvidence = missing
        self.isOriginal = isOriginal
        self.hasOriginalFeatures = hasOriginalFeatures
        self.comparesWithRetraining = comparesWithRetraining
        if !leaks.isEmpty {
            (total, carriedBy) = (.leak, leaks)
        } else if !overForgotten.isEmpty {
            (total, carriedBy) = (.overForgotten, overForgotten)
        } else if !missing.isEmpty {
            (total, carriedBy) = (.incomplete, [])
        } else {
            let kinds = Self.forgetAccuracies + Self.leakageMeasures
            total = .pass
            carriedBy = measures.filter { kinds.contains($0.measure.identifier) && $0.isEvidence }
                .map(\.measure.identifier)
        }
    }

    /// The evidence that is missing without a retrained model.
    package static let noRetrainedModel =
        "no model was retrained without the classes to compare with: give some by --retrained, or let 'unlearn audit "
        + "--retrain' train them"

    /// Lists the kinds of evidence of which no measure was judged. Of several forgotten classes each has to be judged.
    private static func missing(in measures: [MeasureResult]) -> [String] {
        let kinds = [
            ("forget accuracy was not judged", forgetAccuracies),
            ("not every forgotten class was judged", [.forgetAccuracyWorstClass]),
            ("no measure of leakage was judged that finds the original", leakageMeasures),
        ]
        return kinds.compactMap { text, kind in
            let candidates = kind.compactMap { identifier in measures.first { $0.measure.identifier == identifier } }
            guard !candidates.contains(where: \.isEvidence) else { return nil }
            if candidates.isEmpty, kind == [.forgetAccuracyWorstClass] { return nil }
            return text + ": " + reasons(candidates)
        }
    }

    /// The reasons why measures were not judged, each with its measures.
    private static func reasons(_ measures: [MeasureResult]) -> String {
        let unjudged =
            "no limit, or no reference for it; give retrained models, or set a limit"
        let blind = "the original is within its limits too; give more retrained models, so that the limits are closer"
        var names: [String: [String]] = [:]
        var order: [String] = []
        for measure in measures {
            let isBlind = measure.findsOriginal == false && measure.verdict != .notJudged
            let reason = measure.omission ?? (isBlind ? blind : unjudged)
            if names[reason] == nil { order.append(reason) }
            names[reason, default: []].append(measure.measure.identifier.rawValue)
        }
        guard !order.isEmpty else { return "the audit has no such measure; use the default measures" }
        return order.map { "\(names[$0, default: []].joined(separator: ", ")) (\($0))" }.joined(separator: "; ")
    }
}

extension MeasureResult {
    /// Whether a pass of the measure means something: it was judged, and a measure of leakage would have found the
    /// original.
    package var isEvidence: Bool {
        guard !isOmitted, verdict != .notJudged else { return false }
        return !AuditVerdict.leakageMeasures.contains(measure.identifier) || findsOriginal == true
    }
}

extension AuditVerdict {
    /// Keys of record versions 1 to 3.
    private enum FormerKeys: String, CodingKey {
        case partial
        case failed
    }

    /// Reads a verdict. Versions 1 to 3 had `partial`, which was acceptable, and `fail` for leaks and losses alike.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKeys.self)
        let failed: [MeasureIdentifier] = try former.decode(.failed, or: [])
        let lost = failed.filter(MeasureThreshold.retainedMeasures.contains)
        passed = try container.decode([MeasureIdentifier].self, forKey: .passed) + former.decode(.partial, or: [])
        leaks = try container.decode(.leaks, or: failed.filter { !lost.contains($0) })
        overForgotten = try container.decode(.overForgotten, or: lost)
        let word = try container.decode(String.self, forKey: .total)
        let stated = try container.decode(MeasureVerdict.self, forKey: .total)
        total = word == "fail" && leaks.isEmpty && !lost.isEmpty ? .overForgotten : stated
        formerWord = word == total.rawValue ? nil : word
        notJudged = try container.decode([MeasureIdentifier].self, forKey: .notJudged)
        omitted = try container.decode([MeasureIdentifier].self, forKey: .omitted)
        comparesWithRetraining = try container.decode(Bool.self, forKey: .comparesWithRetraining)
        isOriginal = try container.decode(.isOriginal, or: false)
        hasOriginalFeatures = try container.decode(.hasOriginalFeatures, or: false)
        missingEvidence = try container.decode(.missingEvidence, or: [])
        carriedBy = try container.decode(.carriedBy, or: leaks.isEmpty ? overForgotten : leaks)
    }
}

extension AuditVerdict {
    private enum CodingKeys: String, CodingKey {
        case total, passed, leaks, overForgotten, notJudged, omitted, carriedBy, comparesWithRetraining, isOriginal
        case hasOriginalFeatures, missingEvidence
    }
}
