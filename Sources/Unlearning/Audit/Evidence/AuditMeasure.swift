import Foundation

/// One or several measures that an ``Audit`` takes together.
///
/// Conform to it to add a measure of your own, and give it to an audit beside the built-in ones. Its result is judged
/// by ``AuditConfiguration/thresholds`` and appears in records and reports like any other.
///
/// ```swift
/// struct MeanConfidence: AuditMeasure {
///     let description = MeasureDescription(
///         "mean-confidence", title: "Mean confidence",
///         definition: "Largest probability, averaged over the forgotten classes' test images.",
///         source: "This app", group: .outputs, unit: .share, direction: .closerToRetrained)
///     var descriptions: [MeasureDescription] { [description] }
///     let requirements: [EvidenceRequirement] = [.forgottenTest]
///
///     func results(from evidence: AuditEvidence) throws -> [MeasureResult] {
///         [
///             try evidence.meanResult(of: description) { model in
///                 evidence.test.forgotten.map { model.test.predictions.probabilities($0).max() ?? 0 }
///             }
///         ]
///     }
/// }
///
/// let audit = Audit(measures: Audit.defaultMeasures + [MeanConfidence()])
/// ```
///
/// A measure of your own can make a verdict `partial` or `fail`. It does not count as the evidence of leakage that a
/// `pass` takes: see ``AuditVerdict``.
public protocol AuditMeasure: Sendable {
    /// The measures in the order to show them in, at least one. Identifiers must be unique within an audit.
    ///
    /// Where all of them are of the group ``MeasureDescription/Group/representation``, they are taken only if
    /// ``AuditConfiguration/examinesRepresentation`` is set.
    var descriptions: [MeasureDescription] { get }

    /// The evidence that the measures need. If some is missing, they are left out with the reason. None by default.
    var requirements: [EvidenceRequirement] { get }

    /// Measures.
    ///
    /// Errors end the audit. To leave a measure out, return ``MeasureResult/init(_:omitted:)`` with the reason.
    /// - Parameter evidence: the models, the examples, and what the models compute from them.
    /// - Returns: one result for each description.
    func results(from evidence: AuditEvidence) throws -> [MeasureResult]
}

extension AuditMeasure {
    /// Nothing.
    public var requirements: [EvidenceRequirement] { [] }

    /// The key of its duration in ``AuditResult/seconds``: its first identifier, or the type's name where it only
    /// draws.
    var name: String {
        descriptions.first?.identifier.rawValue
            ?? "\(type(of: self))".replacingOccurrences(of: "Drawing", with: "").lowercased()
    }
}

/// A measure of this package, which may also collect series to draw.
protocol BuiltInMeasure: AuditMeasure {
    /// The cost in forward passes of one example, for estimates of the time left. 0 by default.
    func cost(_ plan: AuditPlan) -> Int

    /// Adds a result for every description, and series to draw.
    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws
}

extension BuiltInMeasure {
    func cost(_ plan: AuditPlan) -> Int { 0 }

    func results(from evidence: AuditEvidence) throws -> [MeasureResult] {
        var findings = AuditFindings()
        try examine(evidence, into: &findings)
        return findings.results
    }
}

/// The results and series that measures have added so far.
struct AuditFindings: Sendable {
    var results: [MeasureResult] = []
    var figures = AuditFigures()
}

/// Evidence that a measure needs.
public enum EvidenceRequirement: Sendable, Hashable {
    /// A retrained model.
    case retrained
    /// Enough test examples of the forgotten classes.
    case forgottenTest
    /// Enough test examples of the retained classes.
    case retainedTest
    /// Enough training examples of the forgotten classes.
    case forgottenTraining
    /// Enough training examples of the retained classes.
    case retainedTraining
    /// Features by stage.
    case features
    /// A request to forget whole classes, not samples.
    case forgottenClasses
    /// Enough examples of what was to be forgotten: test examples of the classes, or the samples.
    case forgottenExamples

    /// The reason for leaving out measures that compare with retraining.
    package static let noRetrainedModel = "there is no retrained model to compare with; give one or more"

    /// The reason for leaving a measure out; nil if the evidence is there.
    func reason(_ evidence: AuditEvidence) -> String? {
        let least = evidence.configuration.minimumSamples
        func reason(_ count: Int?, _ what: String) -> String? {
            guard let count else { return "there is no training data; give the images that the original learned from" }
            return count < least ? "\(count) \(what) are too few; give \(least) or more" : nil
        }
        switch self {
        case .retrained:
            return evidence.models.retrained.isEmpty
                ? Self.noRetrainedModel : nil
        case .forgottenTest:
            return reason(evidence.test.forgotten.count, "test examples of the forgotten classes")
        case .retainedTest:
            return reason(evidence.test.retained.count, "test examples of the retained classes")
        case .forgottenTraining:
            return reason(evidence.training?.forgotten.count, "training examples of the forgotten classes")
        case .retainedTraining:
            return reason(evidence.training?.retained.count, "training examples of the retained classes")
        case .forgottenClasses:
            return evidence.forgetsSamples ? "it applies to whole classes, and samples were forgotten" : nil
        case .forgottenExamples:
            return evidence.forgetsSamples
                ? reason(evidence.training?.forgotten.count, "samples")
                : reason(evidence.test.forgotten.count, "test examples of the forgotten classes")
        case .features:
            return evidence.models.original.test.features.isEmpty
                ? "the network has no stages before its output to read features from" : nil
        }
    }
}
