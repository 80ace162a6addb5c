import Foundation
import NeuralGraph

/// Interpolated approximate measurement (IAM): how far each image's confidence has moved from the original's to that of
/// models that never saw it, 0 to 1; 1 is forgotten.
///
/// With the signal `s = -ln(0.01 - ln(p_y + 1e-5))` of the original and of retrained models, models in between are
/// interpolated: `m_k = s_out + a_k (s_orig - s_out)`, `a_k = k / 99`, k from 0 to 98. F_k is the distribution function of
/// the Gumbel distribution with the standard deviation σ_k of m_k over the images and the mean m_k, and the score
/// `1 - Σ a_{k+1} F_k(s) / Σ a_{k+1}`.
/// Source: Wang et al. 2025, "Towards Lifecycle Unlearning Commitment Management" (USENIX Security).
package enum InterpolatedMembership {
    private static let interpolations = 100
    private static let euler = 0.5772

    /// Computes the signal of each example.
    package static func signals(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { row, label in -log(0.01 - log(predictions.probability(row, label) + 1e-5)) }
    }

    /// Computes each example's score.
    /// - Parameters:
    ///   - unlearned: the signals of the model in question.
    ///   - original: the signals of the original.
    ///   - unseen: the signals of a model that did not see the examples.
    package static func scores(unlearned: [Double], original: [Double], unseen: [Double]) -> [Double] {
        var sums = [Double](repeating: 0, count: unlearned.count)
        var total = 0.0
        for k in 0..<(interpolations - 1) {
            let share = Double(k) / Double(interpolations - 1)
            let weight = Double(k + 1) / Double(interpolations - 1)
            let means = zip(unseen, original).map { $0 + share * ($1 - $0) }
            let mean = Statistics.mean(means) ?? 0
            let variance = (Statistics.mean(means.map { ($0 - mean) * ($0 - mean) }) ?? 0)
            let scale = max(1e-12, (6 * variance).squareRoot() / .pi)
            total += weight
            for (index, value) in unlearned.enumerated() {
                sums[index] += weight * exp(-exp(-(value - means[index] + euler * scale) / scale))
            }
        }
        return sums.map { 1 - $0 / total }
    }

    static let description = MeasureDescription(
        .interpolatedMembership, title: "Forgotten per image (IAM)",
        definition:
            "How far the confidence in each forgotten training image has moved from the original's towards the retrained "
            + "models', averaged over the images: 1 means forgotten. Rows: the images that moved least.",
        source: "Wang et al. 2025, Towards Lifecycle Unlearning Commitment Management (USENIX Security), IAM",
        group: .membership, unit: .number, greatest: 1, direction: .closerToRetrained)
}

/// Takes IAM of every forgotten training image, and lists the images that are most at risk.
struct InterpolatedMembershipMeasure: BuiltInMeasure {
    let descriptions = [InterpolatedMembership.description]
    let requirements: [EvidenceRequirement] = [.retrained, .forgottenTraining]

    /// The number of images that are listed.
    static let listedImages = 20

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let training = evidence.training else { return }
        let rows = training.forgotten
        let labels = rows.map { training.labels[$0] }
        let signals = evidence.models.map { model in
            model.training.map { InterpolatedMembership.signals($0.predictions[rows], labels: labels) } ?? []
        }
        func mean(without number: Int? = nil) -> [Double] {
            Statistics.mean(of: signals.retrained.indices.filter { $0 != number }.map { signals.retrained[$0] }) ?? []
        }
        func scores(_ own: [Double], _ unseen: [Double]) -> [Double] {
            InterpolatedMembership.scores(unlearned: own, original: signals.original, unseen: unseen)
        }
        let unseen = mean()
        var results = PerModel<[Double]?>(
            original: scores(signals.original, unseen), unlearned: scores(signals.unlearned, unseen), retrained: [])
        if signals.retrained.count > 1 {
            // A retrained model is compared with the others.
            results.retrained = signals.retrained.indices.map { scores(signals.retrained[$0], mean(without: $0)) }
        }
        let unlearned = results.unlearned ?? []
        let order = unlearned.indices.sorted { (unlearned[$0], $0) < (unlearned[$1], $1) }
        let listed = order.prefix(Self.listedImages).map { place in
            MeasureRow(
                name: "training image \(training.subset.indices[rows[place]]) (\(evidence.classNames[labels[place]]))",
                values: ByModel(
                    original: results.original?[place], unlearned: unlearned[place],
                    retrained: Statistics.mean(results.retrained.compactMap { $0?[place] })))
        }
        findings.results.append(
            evidence.result(
                InterpolatedMembership.description, meanOf: results, rows: listed, rowKind: .images,
                note: "\(rows.count) images; rows: the \(listed.count) that moved least, by their positions in the data"
            ))
    }
}
