import Foundation

/// Total variation distance of two models' probabilities, `1/2 Σ_j |p_j - q_j|` for each example, 0 to 1.
///
/// It is taken to the retrained models on the forgotten classes' test images. Lower is better, but two retrained models
/// are not at 0 from each other either.
/// Source: Levin, Peres and Wilmer, "Markov Chains and Mixing Times", section 4.1.
package enum TotalVariation {
    /// Computes each example's distance.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        first.compare(second) { p, q in 0.5 * zip(p, q).reduce(0) { $0 + abs($1.0 - $1.1) } }
    }

    package static let description = OutputDistance.description(
        .totalVariation, "Total variation",
        "Half the sum of absolute differences between the model's and a retrained model's probabilities, averaged over "
            + "the forgotten classes' test images.",
        source: "Levin, Peres and Wilmer, Markov Chains and Mixing Times, section 4.1", direction: .lower)
}

/// Jensen-Shannon divergence of two models' probabilities, divided by its greatest value ln 2, 0 to 1.
///
/// It is `(1/2 KL(p‖m) + 1/2 KL(q‖m)) / ln 2` with `m = (p + q) / 2`.
/// Source: Lin 1991, "Divergence measures based on the Shannon entropy", equation 4.1.
package enum JensenShannon {
    /// Computes each example's divergence.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        first.compare(second, divergence)
    }

    /// Computes the divergence of two distributions.
    package static func divergence(_ p: [Double], _ q: [Double]) -> Double {
        var sum = 0.0
        for (p, q) in zip(p, q) {
            let middle = (p + q) / 2
            // 0 log 0 is 0.
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
    /// Computes each example's distance.
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

/// Agreement of two models, the share of examples for which both predict the same class, 0 to 1.
package enum PredictionAgreement {
    /// Scores each example: 1 if both models predict the same class, else 0.
    package static func scores(_ first: Predictions, _ second: Predictions) -> [Double] {
        zip(first.predicted, second.predicted).map { $0 == $1 && $0 >= 0 ? 1 : 0 }
    }

    static let description = OutputDistance.description(
        .predictionAgreement, "Agreement with retraining",
        "Share of the forgotten classes' test images for which the model predicts the same class as a retrained model.",
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
    /// Computes a number for each example from both models' probabilities.
    fileprivate func compare(
        _ other: Predictions, _ distance: ([Double], [Double]) -> Double
    ) -> [Double] {
        precondition(count == other.count && classes == other.classes, "both models answer the same examples")
        return (0..<count).map { distance(probabilities($0), other.probabilities($0)) }
    }
}

/// Takes the distances of predictions for forgotten test images from the retrained models' predictions.
///
/// The retrained models' value is their distance from each other, which needs two of them.
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
            ? "Under 'retrained': the distance of the \(references.count) retrained models from each other" : nil
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
