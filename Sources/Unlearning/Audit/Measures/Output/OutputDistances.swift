import Foundation

/// Total variation of two models' answers: `1/2 Σ_j |p_j - q_j|` for each example. 0 to 1; 0 where they are the same.
///
/// To the retrained model on the forgotten classes' test images, lower is better; two retrained models are not at 0
/// from each other either.
/// Source: Levin, Peres and Wilmer, "Markov Chains and Mixing Times", section 4.1.
package enum TotalVariation {
    /// The distance of each example's probabilities.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        first.compare(second) { p, q in 0.5 * zip(p, q).reduce(0) { $0 + abs($1.0 - $1.1) } }
    }

    static let description = OutputDistance.description(
        .totalVariation, "Total variation",
        "Half the sum of absolute differences between the model's and a retrained model's probabilities, averaged over "
            + "the forgotten classes' test images.",
        source: "Levin, Peres and Wilmer, Markov Chains and Mixing Times, section 4.1", direction: .lower)
}

/// Jensen-Shannon divergence of two models' answers, in units of its greatest value ln 2:
/// `(1/2 KL(p‖m) + 1/2 KL(q‖m)) / ln 2` with `m = (p + q) / 2`. 0 to 1; 0 where they are the same.
///
/// Source: Lin 1991, "Divergence measures based on the Shannon entropy", equation 4.1.
package enum JensenShannon {
    /// The divergence of each example's probabilities.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        first.compare(second, divergence)
    }

    /// The divergence of two distributions.
    package static func divergence(_ p: [Double], _ q: [Double]) -> Double {
        var sum = 0.0
        for (p, q) in zip(p, q) {
            let middle = (p + q) / 2
            // 0 log 0 is 0, whatever the other one is.
            if p > 0 { sum += p * log2(p / middle) }
            if q > 0 { sum += q * log2(q / middle) }
        }
        return min(1, max(0, sum / 2))
    }

    static let description = OutputDistance.description(
        .jensenShannon, "Jensen-Shannon divergence",
        "Jensen-Shannon divergence, divided by ln 2, between the model's and a retrained model's probabilities, averaged "
            + "over the forgotten classes' test images.",
        source: "Lin 1991, Divergence measures based on the Shannon entropy, equation 4.1", direction: .lower)
}

/// Euclidean distance of two models' probabilities: `sqrt(Σ_j (p_j - q_j)²)` for each example. 0 to sqrt 2.
///
/// Source: Golatkar et al. 2020 (arXiv 1911.04933), who compare activations so.
package enum SoftmaxDistance {
    /// The distance of each example's probabilities.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        first.compare(second) { p, q in
            zip(p, q).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
    }

    static let description = OutputDistance.description(
        .softmaxDistance, "Softmax distance",
        "Euclidean distance between the model's and a retrained model's probabilities, averaged over the forgotten "
            + "classes' test images.",
        source: "Golatkar et al. 2020, Eternal Sunshine of the Spotless Net (arXiv 1911.04933)",
        greatest: 2.0.squareRoot(), direction: .lower)
}

/// Agreement of two models: the share of examples that both put into the same class. 0 to 1; higher is better.
package enum PredictionAgreement {
    /// 1 for each example that both models put into the same class, else 0.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        zip(first.predicted, second.predicted).map { $0 == $1 && $0 >= 0 ? 1 : 0 }
    }

    static let description = OutputDistance.description(
        .predictionAgreement, "Agreement with retraining",
        "Share of the forgotten classes' test images that the model puts into the same class as a retrained model.",
        source: "Golatkar et al. 2020, Eternal Sunshine of the Spotless Net (arXiv 1911.04933)", unit: .share,
        direction: .higher)
}

enum OutputDistance {
    static func description(
        _ identifier: MeasureIdentifier, _ title: String, _ definition: String, source: String,
        unit: MeasureDescription.Unit = .number, greatest: Double = 1, direction: MeasureDescription.Direction
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title, definition: definition, source: source, group: .outputs, unit: unit,
            greatest: greatest, direction: direction)
    }
}

extension Predictions {
    /// A number for each example from both models' probabilities.
    fileprivate func compare(
        _ other: Predictions, _ distance: ([Double], [Double]) -> Double
    ) -> [Double] {
        precondition(count == other.count && classes == other.classes, "both models answer the same examples")
        return (0..<count).map { distance(probabilities($0), other.probabilities($0)) }
    }
}

/// How far answers to the forgotten classes' test images are from the retrained models'.
///
/// The retrained models' own figure is their distance from each other, which is as near as training gets; it takes two
/// of them.
struct OutputDistanceMeasures: BuiltInMeasure {
    private let distances: [(measure: MeasureDescription, scores: @Sendable (Predictions, Predictions) -> [Double])] = [
        (TotalVariation.description, { TotalVariation.scores($0, $1) }),
        (JensenShannon.description, { JensenShannon.scores($0, $1) }),
        (SoftmaxDistance.description, { SoftmaxDistance.scores($0, $1) }),
        (PredictionAgreement.description, { PredictionAgreement.scores($0, $1) }),
    ]
    let requirements: [EvidenceRequirement] = [.retrained, .forgottenExamples]

    var descriptions: [MeasureDescription] { distances.map(\.measure) }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let predictions = evidence.models.map { evidence.forgottenPredictions(of: $0) }
        let references = predictions.retrained
        let note =
            references.count > 1
            ? "Under retrained: how far the \(references.count) retrained models are from each other." : nil
        for (measure, scores) in distances {
            func mean(_ model: Predictions, against others: [Predictions]) -> [Double]? {
                Statistics.mean(of: others.map { scores(model, $0) })
            }
            var results = PerModel<[Double]?>(
                original: mean(predictions.original, against: references),
                unlearned: mean(predictions.unlearned, against: references), retrained: [])
            if references.count > 1 {
                results.retrained = references.indices.map { number in
                    mean(references[number], against: references.indices.filter { $0 != number }.map { references[$0] })
                }
            }
            findings.results.append(evidence.result(measure, meanOf: results, note: note))
        }
    }
}
