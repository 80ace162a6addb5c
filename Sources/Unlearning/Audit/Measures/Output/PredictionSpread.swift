import Foundation

/// Entropy in bits of the retained classes predicted for the forgotten classes' images, 0 to log2 of their number.
///
/// The retrained models' value is the target. An even distribution is not: it reveals that something was done to the class.
/// Source: Tarun et al. (arXiv 2111.08947), section V, figure on the distribution of predictions.
package enum PredictionSpread {
    /// Computes the share of predictions of each class; the shares add up to 1, or to 0 without examples.
    ///
    /// Examples without a prediction do not count.
    package static func histogram(predicted: [Int], classes: Int) -> [Double] {
        var counts = [Double](repeating: 0, count: classes)
        for index in predicted where counts.indices.contains(index) { counts[index] += 1 }
        let total = counts.reduce(0, +)
        return total > 0 ? counts.map { $0 / total } : counts
    }

    /// Computes the entropy in bits over the retained classes; nil if none of them is predicted.
    package static func entropy(of histogram: [Double], without forgotten: Set<Int>) -> Double? {
        let kept = histogram.indices.filter { !forgotten.contains($0) }.map { histogram[$0] }
        let total = kept.reduce(0, +)
        guard total > 0 else { return nil }
        return Statistics.entropy(kept.map { $0 / total }) / log(2)
    }

    static let description = MeasureDescription(
        .predictionEntropy, title: "Spread of predictions",
        definition:
            "Entropy in bits of the histogram of retained classes predicted for the forgotten classes' test images.",
        source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
        group: .outputs, unit: .bits, direction: .closerToRetrained)
}

/// Takes the histogram of predictions for each forgotten class, and the entropy over all of them.
struct PredictionSpreadMeasure: BuiltInMeasure {
    let descriptions = [PredictionSpread.description]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .forgottenTest]

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let test = evidence.test
        func histograms(of rows: [Int]) -> PerModel<[Double]> {
            evidence.models.map { model in
                PredictionSpread.histogram(
                    predicted: rows.map { model.test.predictions.predicted[$0] }, classes: evidence.classCount)
            }
        }
        for index in evidence.forgottenClasses.sorted() {
            let shares = histograms(of: test.forgotten.filter { test.labels[$0] == index })
            findings.figures.forgottenConfusion.append(
                ConfusionFigure(
                    index: index, name: evidence.classNames[index],
                    shares: ByModel(
                        original: shares.original, unlearned: shares.unlearned,
                        retrained: Statistics.mean(of: shares.retrained))))
        }
        let all = histograms(of: test.forgotten)
        let entropies = all.map {
            PredictionSpread.entropy(of: $0, without: evidence.forgottenClasses).map { MeasureValue($0) }
        }
        var measure = PredictionSpread.description
        measure.greatest = log2(Double(evidence.classCount - evidence.forgottenClasses.count))
        var result = MeasureResult(
            measure, original: entropies.original, unlearned: entropies.unlearned,
            retrained: entropies.retrained.compactMap { $0 },
            rows: evidence.classNames.indices.map { index in
                MeasureRow(
                    name: evidence.classNames[index], index: index, values: all.map { $0[index] }.byModel)
            }, rowKind: .classes)
        result.rowUnit = .share
        findings.results.append(result)
    }
}
