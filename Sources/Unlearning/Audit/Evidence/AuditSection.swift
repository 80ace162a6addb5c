import Foundation

/// A part of an audit: one or several measures that are worked out together from the shared evidence.
protocol AuditSection: Sendable {
    /// The measures that it takes, in the order to show them in.
    var measures: [MeasureDescription] { get }

    /// What must be at hand; without it the measures are left out.
    var requirements: [EvidenceRequirement] { get }

    /// What it costs in forward passes of one example, for estimates of the time left.
    func cost(_ plan: AuditPlan) -> Int

    /// Measures. Every measure of ``measures`` that makes sense for the request is to be added, left out ones with the
    /// reason.
    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws
}

extension AuditSection {
    /// What its time is recorded under: its first measure, or `embedding` for an `EmbeddingSection` that only draws.
    var name: String {
        measures.first?.identifier.rawValue
            ?? "\(type(of: self))".replacingOccurrences(of: "Section", with: "").lowercased()
    }
}

/// How large an audit is, before anything was measured.
struct AuditPlan: Sendable {
    let configuration: AuditConfiguration
    let modelCount: Int
    let testCount: Int
    let trainingCount: Int
}

/// What sections found so far.
struct AuditFindings: Sendable {
    var results: [MeasureResult] = []
    var figures = AuditFigures()
}

/// Something that a measure cannot do without.
enum EvidenceRequirement: Sendable, Hashable {
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
    /// Classes that were to be forgotten as a whole.
    case forgottenClasses
    /// Enough examples of what was to be forgotten: test examples of classes, or the samples.
    case forgottenExamples

    /// Why measures that compare with retraining are left out without it.
    static let noRetrainedModel = "there is no retrained model to compare with; give one or more"

    /// Why a measure has to be left out; nil if nothing is missing.
    func reason(_ evidence: AuditEvidence) -> String? {
        let least = evidence.configuration.leastSamples
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
            return evidence.supportsSamples ? "it makes sense for whole classes alone, and samples were forgotten" : nil
        case .forgottenExamples:
            return evidence.supportsSamples
                ? reason(evidence.training?.forgotten.count, "samples")
                : reason(evidence.test.forgotten.count, "test examples of the forgotten classes")
        case .features:
            return evidence.models.original.test.features.isEmpty
                ? "the network has no stages before its output to read features from" : nil
        }
    }
}
