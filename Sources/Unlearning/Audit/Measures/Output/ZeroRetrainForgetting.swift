import ImageDatasets
import NeuralGraph

/// Zero-retrain forgetting score, 1 minus the mean Jensen-Shannon divergence from an untrained network's probabilities.
///
/// It is 0 to 1, and 1 where the model knows no more than the untrained network of the same architecture. It needs no
/// retrained model, but a retrained model's score is the target, since forgetting more than that is conspicuous.
/// Source: Chundawat et al. 2023, "Can Bad Teaching Induce Forgetting?" (arXiv 2205.08096), section 5.
package enum ZeroRetrainForgetting {
    /// Computes each example's part of the score, whose mean is the score.
    package static func scores(_ model: Predictions, untrained: Predictions) -> [Double] {
        JensenShannon.scores(model, untrained).map { 1 - $0 }
    }

    static let description = MeasureDescription(
        .zeroRetrainForgetting, title: "Zero-retrain forgetting score",
        definition:
            "1 minus the mean Jensen-Shannon divergence between the model's and an untrained network's probabilities for "
            + "the forgotten classes' test images.",
        source: "Chundawat et al. 2023, Can Bad Teaching Induce Forgetting? (arXiv 2205.08096), section 5",
        group: .outputs, unit: .number, greatest: 1, direction: .closerToRetrained)
}

/// Takes the score on test images of the forgotten classes and, for comparison, of the retained ones.
struct ZeroRetrainForgettingMeasure: BuiltInMeasure {
    let descriptions = [ZeroRetrainForgetting.description]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .forgottenTest]
    /// The maximum number of images of retained classes.
    private static let maximumRetained = 1000

    func cost(_ plan: AuditPlan) -> Int { min(plan.testCount, 2 * Self.maximumRetained) }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let test = evidence.test
        // Test examples are in the order of their source: a regular stride gives an even sample.
        let stride = max(1, test.retained.count / Self.maximumRetained)
        let retained = test.retained.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
        let rows = test.forgotten + retained
        let untrained = Model(
            graph: evidence.models.original.model.graph, seed: evidence.context.seed("untrained"))
        let answers: Predictions
        do {
            answers = try Predictions(
                logits: Predictor().outputs(
                    of: ExampleSubset(test.examples, indices: rows), by: untrained, context: evidence.context
                ) { _, _, _ in try evidence.context.checkCancellation() }.logits)
        } catch let error as UnlearningError {
            guard case .output(_, let value)? = error.detail else { throw error }
            let reason =
                "an untrained network of this architecture gives \(value.named), which cannot be compared with"
            findings.results.append(MeasureResult(ZeroRetrainForgetting.description, omitted: reason))
            return
        }
        let scores = evidence.models.map {
            ZeroRetrainForgetting.scores($0.test.predictions[rows], untrained: answers)
        }
        let forgotten = scores.map { Array($0.prefix(test.forgotten.count)) as [Double]? }
        let others = scores.map { Statistics.mean($0.dropFirst(test.forgotten.count)) }
        findings.results.append(
            evidence.result(
                ZeroRetrainForgetting.description, meanOf: forgotten,
                rows: [
                    MeasureRow(
                        name: "forgotten classes", values: forgotten.map { $0.flatMap(Statistics.mean) }.byModel),
                    MeasureRow(name: "retained classes", values: others.byModel),
                ], rowKind: .variants))
    }
}
