/// One run of one method in a comparison: its figures against a retrained model, and its cost.
public struct ComparedRun: Sendable, Codable, Hashable {
    /// The method's name, or ``original`` for the model before forgetting.
    public let method: String
    /// The method's settings as JSON with sorted keys.
    package let settings: String
    /// The seed of everything random, including the original's training.
    public let seed: UInt64
    /// The images that the method saw.
    package let requirements: [Requirement]
    /// The reason why there is no model, such as diverged training; nil if there is one.
    public var failure: String?
    /// The figures that could be taken.
    public var figures: [ComparedFigure: Double]
    /// Whether relearning stopped at its step limit, so that the true ratio is larger.
    public var relearnIsLowerBound: Bool

    /// The name in place of a method's for the model before forgetting.
    public static let original = "original"

    /// Creates a run.
    public init(
        method: String, settings: String = "{}", seed: UInt64, requirements: [Requirement] = [], failure: String? = nil,
        figures: [ComparedFigure: Double] = [:], relearnIsLowerBound: Bool = false
    ) {
        self.method = method
        self.settings = settings
        self.seed = seed
        self.requirements = requirements
        self.failure = failure
        self.figures = figures
        self.relearnIsLowerBound = relearnIsLowerBound
    }
}

/// A figure of a comparison.
public enum ComparedFigure: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Accuracy on test images of the forgotten classes, 0 to 1; about 0 for a retrained model.
    case forgetAccuracy
    /// Accuracy on test images of the retained classes, 0 to 1.
    case retainAccuracy
    /// Retain accuracy minus the retrained model's, -1 to 1.
    case retainGap
    /// Total variation distance to the retrained model's predictions on forgotten test images, 0 to 1.
    case totalVariation
    /// Recall of the forgotten classes by a linear probe of penultimate features minus the retrained model's, -1 to 1.
    case probeGap
    /// Relearn time over the retrained model's (anamnesis index), 0 or more; 1 is ideal.
    case relearnRatio
    /// The largest of the membership attacks' gaps to the retrained model by magnitude, 0 to 1.
    case membershipGap
    /// Seconds that forgetting took.
    case seconds
    /// Optimizer steps.
    case steps
    /// The additional peak memory of the process while forgetting, in MiB; missing where the system does not report it.
    case peakMemory

    /// A short column title.
    package var title: String {
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

    /// Whether it is a difference to the retrained model, shown with its sign.
    package var isSigned: Bool { self == .retainGap || self == .probeGap }

    /// Whether it is a share, shown as percent.
    package var isShare: Bool {
        switch self {
        case .forgetAccuracy, .retainAccuracy, .retainGap, .probeGap, .membershipGap: true
        case .totalVariation, .relearnRatio, .seconds, .steps, .peakMemory: false
        }
    }
}

extension ComparedRun {
    /// Takes the figures of a method's model from an audit.
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
