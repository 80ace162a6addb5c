import ImageDatasets
import NeuralGraph

/// A picture of penultimate features: test examples on the first two principal components. The unlearned model's are
/// shown on the original's components, so that what moved is seen to move; a retrained model's axes are its own.
struct EmbeddingSection: AuditSection {
    let measures: [MeasureDescription] = []
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features]

    /// Examples of each class that are shown at most.
    static let examplesPerClass = 60

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard evidence.configuration.makesFigures, let original = evidence.models.original.test.features.last else {
            return
        }
        let shown = rows(of: evidence)
        var entries: [(AuditedModel, StageFeatures?)] = [
            (.original, original), (.unlearned, evidence.models.unlearned.test.features.last),
        ]
        if let retrained = evidence.models.retrained.first {
            entries.append((.retrained, retrained.test.features.last))
        }
        let labels = shown.map { evidence.test.labels[$0] }
        do {
            let reference = try original.values.rows(shown)
            let components = try PrincipalComponents(features: reference)
            for (model, features) in entries {
                guard let features = try features?.values.rows(shown) else { continue }
                let isComparable = model != .retrained && features.shape == reference.shape
                let axes = isComparable ? components : try PrincipalComponents(features: features)
                let points = try axes.coordinates(of: features)
                findings.figures.embeddings.append(
                    EmbeddingFigure(
                        model: model, x: shown.indices.map { points[2 * $0] },
                        y: shown.indices.map { points[2 * $0 + 1] }, labels: labels,
                        explainedVariance: try axes.explainedVariance(of: features)))
            }
        } catch is LinearAlgebraError, is ShapeError {
            // Features of one number, or undefined ones, have no picture; the measures say why.
            findings.figures.embeddings = []
        }
    }

    /// The examples that are shown: so many of each class, drawn at random.
    private func rows(of evidence: AuditEvidence) -> [Int] {
        (0..<evidence.classCount).flatMap { label in
            var members = evidence.test.labels.indices.filter { evidence.test.labels[$0] == label }
            let count = min(Self.examplesPerClass, members.count)
            var random = SeededRandom(seed: evidence.context.seed("embedding"), stream: "\(label)")
            random.draw(count, toFrontOf: &members)
            return members.prefix(count).sorted()
        }
    }
}
