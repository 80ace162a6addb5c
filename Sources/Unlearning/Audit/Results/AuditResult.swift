public import Foundation

/// The result of an audit: every measure, and the verdict.
///
/// Its JSON is stable: the same audit gives the same bytes, except for the times.
public struct AuditResult: Sendable, Codable, Hashable {
    /// The version of this structure that is written; it rises when a field changes its meaning or goes away.
    package static let schemaVersion = 4

    /// The version that this result was written in.
    public let schemaVersion: Int
    /// The classes that were to be forgotten, in rising order.
    public let forgottenClasses: [Int]
    /// The classes' names; their numbers if they have none.
    public let classNames: [String]
    /// The retained classes that the original confuses most with the forgotten ones, the most confused first.
    public let adjacentClasses: [Int]
    /// The numbers of examples that were measured on.
    public let samples: AuditSampleCounts
    /// The number of retrained models that were compared with.
    public let retrainedModels: Int
    /// All measures in the order to show them in, including those left out.
    public let measures: [MeasureResult]
    /// The verdict.
    public let verdict: AuditVerdict
    /// The series that a report draws.
    package var figures: AuditFigures
    /// The settings.
    public let configuration: AuditConfiguration
    /// The seed of everything random.
    package let seed: UInt64
    /// The duration of each part in seconds, by name.
    ///
    /// The parts are `evidence` for the forward passes, each ``AuditMeasure`` by its first identifier, and `embedding`
    /// and `attention`, which only draw.
    package let seconds: [String: Double]
    /// The number of samples that were to be forgotten; nil if whole classes were.
    public var forgottenSamples: Int?

    /// Creates a result without an audit, such as for tests of what an app does with one.
    ///
    /// Measures are not judged again, and the verdict follows from theirs.
    public init(
        forgottenClasses: [Int], classNames: [String], adjacentClasses: [Int] = [], measures: [MeasureResult],
        retrainedModels: Int = 0, configuration: AuditConfiguration = .full
    ) {
        self.init(
            forgottenClasses: forgottenClasses, classNames: classNames, adjacentClasses: adjacentClasses,
            samples: AuditSampleCounts(), retrainedModels: retrainedModels, measures: measures, isOriginal: false,
            figures: AuditFigures(), configuration: configuration, seed: 0, seconds: [:], forgottenSamples: nil)
    }

    package init(
        forgottenClasses: [Int], classNames: [String], adjacentClasses: [Int], samples: AuditSampleCounts,
        retrainedModels: Int, measures: [MeasureResult], isOriginal: Bool, hasOriginalFeatures: Bool = false,
        figures: AuditFigures, configuration: AuditConfiguration, seed: UInt64, seconds: [String: Double],
        forgottenSamples: Int?
    ) {
        schemaVersion = Self.schemaVersion
        self.forgottenClasses = forgottenClasses
        self.classNames = classNames
        self.adjacentClasses = adjacentClasses
        self.samples = samples
        self.retrainedModels = retrainedModels
        self.measures = measures
        verdict = AuditVerdict(
            measures, comparesWithRetraining: retrainedModels > 0, isOriginal: isOriginal,
            hasOriginalFeatures: hasOriginalFeatures)
        self.figures = figures
        self.configuration = configuration
        self.seed = seed
        self.seconds = seconds
        self.forgottenSamples = forgottenSamples
    }

    /// Looks up a measure's result; nil if the audit does not have the measure.
    public subscript(identifier: MeasureIdentifier) -> MeasureResult? {
        measures.first { $0.measure.identifier == identifier }
    }

    /// The ``summary``, then a line for each piece of missing evidence and each limit looser than the default.
    public var explanation: String {
        ([summary] + verdict.missingEvidence.map { "  missing: \($0)" }
            + looserLimits.map { "  looser than the default: \($0)" })
            .joined(separator: "\n")
    }

    /// The settings that let more pass than the default ones, for measures that were taken.
    package var looserLimits: [String] {
        let shown = Set(measures.filter { !$0.isOmitted }.map(\.measure.identifier))
        return configuration.looserSettings(of: shown, comparesWithRetraining: retrainedModels > 0)
    }

    /// The verdict and the measures that decide it, in one line for people.
    public var summary: String {
        func names(_ identifiers: [MeasureIdentifier]) -> String { identifiers.map(\.rawValue).joined(separator: ", ") }
        let judged = verdict.passed.count + verdict.leaks.count + verdict.overForgotten.count
        var text = "audit: \(verdict.total.title) (\(verdict.passed.count) of \(judged) measures passed"
        if verdict.total == .incomplete { text += "; not enough evidence" }
        if !verdict.leaks.isEmpty { text += "; leak: \(names(verdict.leaks))" }
        if !verdict.overForgotten.isEmpty { text += "; over-forgotten: \(names(verdict.overForgotten))" }
        if verdict.total == .pass { text += "; carried by: \(names(verdict.carriedBy))" }
        return text + (verdict.comparesWithRetraining ? ")" : "; not compared with retraining)")
    }

    /// Encodes the result as JSON with sorted keys.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// The numbers of examples that an audit measured on.
public struct AuditSampleCounts: Sendable, Codable, Hashable {
    /// Test examples of forgotten classes.
    public var forgottenTest: Int
    /// Test examples of retained classes.
    public var retainedTest: Int
    /// Training examples of forgotten classes; 0 without training data.
    public var forgottenTraining: Int
    /// Training examples of retained classes; 0 without training data.
    public var retainedTraining: Int

    /// Creates counts.
    package init(forgottenTest: Int = 0, retainedTest: Int = 0, forgottenTraining: Int = 0, retainedTraining: Int = 0) {
        self.forgottenTest = forgottenTest
        self.retainedTest = retainedTest
        self.forgottenTraining = forgottenTraining
        self.retainedTraining = retainedTraining
    }
}
