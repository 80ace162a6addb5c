import Foundation

/// What an audit found. As JSON it is stable: the same audit gives the same bytes, but for the times.
public struct AuditResult: Sendable, Codable, Hashable {
    /// The version of this structure; it rises when a field changes its meaning or goes away.
    public static let schemaVersion = 2

    /// The version that this result was written in.
    public let schemaVersion: Int
    /// The classes that were to be forgotten, in rising order.
    public let forgottenClasses: [Int]
    /// The classes' names; their numbers if they have none.
    public let classNames: [String]
    /// The retained classes that the original confuses most with the forgotten ones, the most confused first.
    public let adjacentClasses: [Int]
    /// How many examples were measured on.
    public let samples: AuditSampleCounts
    /// How many retrained models there were to compare with.
    public let retrainedModels: Int
    /// All measures in the order to show them in, left out ones among them.
    public let measures: [MeasureResult]
    /// The verdict.
    public let verdict: AuditVerdict
    /// Series to draw.
    public var figures: AuditFigures
    /// The settings.
    public let configuration: AuditConfiguration
    /// The seed of everything random.
    public let seed: UInt64
    /// Seconds by part of the audit: `evidence` for the forward passes, each group of measures by the name of its first,
    /// and `embedding` and `attention`.
    public let seconds: [String: Double]
    /// How many samples of classes that stay were to be forgotten; nil if whole classes were.
    public var forgottenSamples: Int?

    /// A measure's result, if the audit has that measure.
    public subscript(identifier: MeasureIdentifier) -> MeasureResult? {
        measures.first { $0.measure.identifier == identifier }
    }

    /// For people: the verdict and which measures it comes from in one line, then a line for each piece of evidence that
    /// is missing and for each limit that is looser than the default.
    public var explanation: String {
        ([summary] + verdict.missingEvidence.map { "  missing: \($0)" }
            + looserLimits.map { "  looser than the default: \($0)" })
            .joined(separator: "\n")
    }

    /// The limits of measures that were judged, or are not for want of a limit, that are looser than the default ones; and
    /// the number of images that a measure takes, if it is lower.
    package var looserLimits: [String] {
        let shown = Set(measures.filter { !$0.isOmitted }.map(\.measure.identifier))
        return configuration.looserSettings(of: shown, comparesWithRetraining: retrainedModels > 0)
    }

    /// One line for people: the verdict, and which measures it comes from.
    public var summary: String {
        func names(_ identifiers: [MeasureIdentifier]) -> String { identifiers.map(\.rawValue).joined(separator: ", ") }
        let judged = verdict.passed.count + verdict.partial.count + verdict.failed.count
        var text = "audit: \(verdict.total.title) (\(verdict.passed.count) of \(judged) measures passed"
        if verdict.total == .inconclusive { text += "; not enough evidence" }
        if !verdict.failed.isEmpty { text += "; failed: \(names(verdict.failed))" }
        if !verdict.partial.isEmpty { text += "; partial: \(names(verdict.partial))" }
        return text + (verdict.comparesWithRetraining ? ")" : "; not compared with retraining)")
    }

    /// JSON with sorted keys, for records and pipelines.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// How many examples an audit measured on.
public struct AuditSampleCounts: Sendable, Codable, Hashable {
    /// Test examples of forgotten classes.
    public var forgottenTest: Int
    /// Test examples of the other classes.
    public var retainedTest: Int
    /// Training examples of forgotten classes; 0 without training data.
    public var forgottenTraining: Int
    /// Training examples of the other classes; 0 without training data.
    public var retainedTraining: Int

    /// Creates counts.
    public init(forgottenTest: Int, retainedTest: Int, forgottenTraining: Int, retainedTraining: Int) {
        self.forgottenTest = forgottenTest
        self.retainedTest = retainedTest
        self.forgottenTraining = forgottenTraining
        self.retainedTraining = retainedTraining
    }
}
