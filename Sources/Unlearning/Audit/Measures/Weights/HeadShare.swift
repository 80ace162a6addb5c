import NeuralGraph

/// Share of the forgetting that is in the last layer: the lost forget accuracy that returns with the original's last
/// layer.
///
/// `(restored - unlearned) / (original - unlearned)` in accuracies on test examples of the forgotten classes, where
/// restored means that the last layer's bias, or the whole last layer, is replaced by the original's. At 1 the features
/// are untouched, and a few numbers undo the forgetting; at 0 restoring brings nothing back. Values slightly below 0 or
/// above 1 occur. Lower is better. The measure is this package's own.
package enum HeadShare {
    /// The minimum loss of accuracy for which the share is defined.
    package static let minimumLoss = 0.01

    /// Computes the share of the forgetting that is undone.
    /// - Parameters:
    ///   - original: forget accuracy before forgetting, 0 to 1.
    ///   - unlearned: forget accuracy after forgetting.
    ///   - restored: forget accuracy of the unlearned features under the original's bias or layer.
    /// - Returns: nil if less than ``minimumLoss`` of accuracy was lost.
    package static func value(original: Double, unlearned: Double, restored: Double) -> Double? {
        let loss = original - unlearned
        return loss >= minimumLoss ? (restored - unlearned) / loss : nil
    }

    /// The reason for an omission where there is no last layer to restore.
    package static let noHead = "the network does not end in a linear layer, which the measure needs"

    static let bias = measure(.headShareBias, "Head share: bias", "last layer's bias is")
    static let layer = measure(.headShareLayer, "Head share: layer", "whole last layer is")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ part: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title,
            definition:
                "Share of the lost forget accuracy (test) that returns when the \(part) replaced by the original's: "
                + "1 means that nothing else was forgotten.",
            source: "This package", group: .representation, unit: .ratio, least: nil, direction: .lower)
    }
}

/// Takes the head shares of the last layer's bias and of the whole last layer.
struct HeadShareMeasures: BuiltInMeasure {
    let descriptions = [HeadShare.bias, HeadShare.layer]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest]

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let original = LinearHead(of: evidence.models.original.model) else {
            findings.results += descriptions.map { MeasureResult($0, omitted: HeadShare.noHead) }
            return
        }
        let lost = try forgetAccuracy(evidence.models.original, head: original, evidence)
        for measure in descriptions {
            let wholeLayer = measure.identifier == .headShareLayer
            guard wholeLayer || original.hasBias else {
                findings.results.append(MeasureResult(measure, omitted: "the last layer has no bias"))
                continue
            }
            func restored(_ own: LinearHead) -> LinearHead {
                var head = own
                head.biases = original.biases
                if wholeLayer { head.weights = original.weights }
                return head
            }
            func share(_ model: ModelEvidence) throws -> Double? {
                guard let own = LinearHead(of: model.model), own.width == original.width, let lost,
                    let before = try forgetAccuracy(model, head: own, evidence),
                    let after = try forgetAccuracy(model, head: restored(own), evidence)
                else { return nil }
                return HeadShare.value(original: lost, unlearned: before, restored: after)
            }
            guard let value = try share(evidence.models.unlearned) else {
                let fits = LinearHead(of: evidence.models.unlearned.model)?.width == original.width
                findings.results.append(
                    MeasureResult(
                        measure,
                        omitted: fits
                            ? "the unlearned model has lost less than \(HeadShare.minimumLoss.formattedShortly) of forget "
                                + "accuracy, so there is nothing to undo"
                            : "the unlearned model has another last layer than the original"))
                continue
            }
            findings.results.append(
                MeasureResult(
                    measure, unlearned: MeasureValue(value),
                    retrained: try evidence.models.retrained.compactMap(share).map { MeasureValue($0) }))
        }
    }

    /// Computes the accuracy of a head on a model's features of the forgotten classes' test examples.
    private func forgetAccuracy(
        _ model: ModelEvidence, head: LinearHead, _ evidence: AuditEvidence
    ) throws -> Double? {
        guard let features = model.test.features.last, features.node == model.model.graph.penultimate else {
            return nil
        }
        let rows = evidence.test.forgotten
        let predicted = head.predictions(of: try DoubleMatrix(features.values, rows: rows))
        return Statistics.mean(Accuracies.scores(predicted, labels: rows.map { evidence.test.labels[$0] }))
    }
}
