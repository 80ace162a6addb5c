/// One run of one method in a comparison: what it reached against a retrained model, and what it cost.
public struct ComparedRun: Sendable, Codable, Hashable {
    /// The method's name; `original` for the model before forgetting.
    public let method: String
    /// The method's settings as JSON with sorted keys.
    public let settings: String
    /// The seed of everything random, the original's training among it.
    public let seed: UInt64
    /// The images that it saw.
    public let requirements: [Requirement]
    /// Why there is no model, such as a diverged training; nil if there is one.
    public var failure: String?
    /// The figures by name; one that could not be taken is missing.
    public var figures: [ComparedFigure: Double]
    /// Whether relearning was given up, so that the true ratio is larger.
    public var relearnIsLowerBound: Bool

    /// The name of the row of the model before forgetting.
    public static let original = "original"
}

/// A figure of a comparison.
public enum ComparedFigure: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Share of the forgotten classes' test images that are put into their class, 0 to 1; a retrained model's is 0.
    case forgetAccuracy
    /// Share of the retained classes' test images that are put into theirs, 0 to 1.
    case retainAccuracy
    /// By how much retain accuracy is above the retrained model's, -1 to 1.
    case retainGap
    /// Total variation to the retrained model's answers on forgotten test images, 0 to 1.
    case totalVariation
    /// How much better than in the retrained model a linear probe finds the class in the penultimate features, -1 to 1.
    case probeGap
    /// Relearn time over the retrained model's (anamnesis index), 0 or more; 1 is ideal.
    case relearnRatio
    /// The largest of the membership attacks' gaps to the retrained model by magnitude, 0 to 1.
    case membershipGap
    /// Seconds that forgetting took.
    case seconds
    /// Optimizer steps.
    case steps
    /// The most memory that the process took meanwhile beyond what it held before, in MiB; missing where the system does
    /// not say.
    case peakMemory

    /// A short title for a column.
    public var title: String {
        switch self {
        case .forgetAccuracy: "forget"
        case .retainAccuracy: "retain"
        case .retainGap: "retain gap"
        case .totalVariation: "TV"
        case .probeGap: "probe gap"
        case .relearnRatio: "relearn"
        case .membershipGap: "member gap"
        case .seconds: "seconds"
        case .steps: "steps"
        case .peakMemory: "MiB"
        }
    }

    /// Whether it is a difference to the retrained model, to be shown with its sign.
    public var isSigned: Bool { self == .retainGap || self == .probeGap }

    /// Whether it is a share, to be shown as percent.
    public var isShare: Bool {
        switch self {
        case .forgetAccuracy, .retainAccuracy, .retainGap, .probeGap, .membershipGap: true
        case .totalVariation, .relearnRatio, .seconds, .steps, .peakMemory: false
        }
    }
}

extension ComparedRun {
    /// Takes the figures from an audit.
    mutating func take(_ audit: AuditResult) {
        figures[.forgetAccuracy] = audit[.forgetAccuracyTest]?.unlearned?.value
        figures[.retainAccuracy] = audit[.retainAccuracyTest]?.unlearned?.value
        figures[.retainGap] = audit[.retainAccuracyTest]?.gap?.value
        figures[.totalVariation] = audit[.totalVariation]?.unlearned?.value
        figures[.probeGap] = audit[.linearProbe]?.gap?.value
        figures[.relearnRatio] = audit[.anamnesisIndex]?.unlearned.flatMap { $0.isUpperBound ? nil : $0.value }
        relearnIsLowerBound = audit[.anamnesisIndex]?.unlearned?.isLowerBound ?? false
        figures[.membershipGap] =
            [MeasureIdentifier.membershipEntropy, .membershipConfidence, .membershipLoss]
            .compactMap { audit[$0]?.gap?.value.magnitude }.max()
    }

    /// Takes the original's figures from an audit of any model.
    mutating func takeOriginal(_ audit: AuditResult) {
        func gap(_ identifier: MeasureIdentifier) -> Double? {
            guard let measure = audit[identifier], let value = measure.original, let reference = measure.retrained
            else {
                return nil
            }
            return value.value - reference.mean
        }
        figures[.forgetAccuracy] = audit[.forgetAccuracyTest]?.original?.value
        figures[.retainAccuracy] = audit[.retainAccuracyTest]?.original?.value
        figures[.retainGap] = gap(.retainAccuracyTest)
        figures[.totalVariation] = audit[.totalVariation]?.original?.value
        figures[.probeGap] = gap(.linearProbe)
        figures[.relearnRatio] = audit[.anamnesisIndex]?.original.flatMap { $0.isUpperBound ? nil : $0.value }
        figures[.membershipGap] =
            [MeasureIdentifier.membershipEntropy, .membershipConfidence, .membershipLoss]
            .compactMap { gap($0)?.magnitude }.max()
    }
}
