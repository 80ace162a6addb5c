/// How a measure, or a model in total, was judged.
public enum MeasureVerdict: String, Sendable, Codable, CaseIterable {
    /// Within the limits.
    case pass
    /// Beyond the first limit, within the second.
    case partial
    /// Beyond both limits.
    case fail
    /// There are no limits, or what they refer to is missing.
    case notJudged

    /// The verdict in words.
    public var title: String { self == .notJudged ? "not judged" : rawValue }

    fileprivate var severity: Int {
        switch self {
        case .notJudged: 0
        case .pass: 1
        case .partial: 2
        case .fail: 3
        }
    }
}

/// How a model was judged: the worst verdict of all judged measures.
///
/// A pass says that no judged measure found more than its limit allows, and nothing more: it is no proof that nothing
/// is left.
public struct AuditVerdict: Sendable, Codable, Hashable {
    /// The worst verdict of all measures.
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

    /// Sums up judged measures.
    public init(_ measures: [MeasureResult], comparesWithRetraining: Bool) {
        func identifiers(_ verdict: MeasureVerdict) -> [MeasureIdentifier] {
            measures.filter { !$0.isOmitted && $0.verdict == verdict }.map(\.measure.identifier)
        }
        passed = identifiers(.pass)
        partial = identifiers(.partial)
        failed = identifiers(.fail)
        notJudged = identifiers(.notJudged)
        omitted = measures.filter(\.isOmitted).map(\.measure.identifier)
        total = measures.filter { !$0.isOmitted }.map(\.verdict).max { $0.severity < $1.severity } ?? .notJudged
        self.comparesWithRetraining = comparesWithRetraining
    }
}
