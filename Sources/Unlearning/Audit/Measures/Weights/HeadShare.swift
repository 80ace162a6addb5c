import NeuralGraph

/// How much of the forgetting sits in the last layer alone: the part of the lost forget accuracy that comes back when
/// the last layer's bias, or the whole last layer, is put back from the original model, everything before it being left
/// as it is.
///
/// `(restored - unlearned) / (original - unlearned)` in accuracies on test examples of the forgotten classes. 1: the
/// features are untouched, and a change of a few numbers undoes the forgetting; 0: it is no use to put them back.
/// Restoring can make things worse or better than they were, so values a little below 0 or above 1 occur. Lower is
/// better. The comparison is this package's own; that a biased last layer passes for forgetting is what probes of
/// unlearned models show time and again.
package enum HeadShare {
    /// The least accuracy that must have been lost for the share to mean something.
    package static let leastLoss = 0.01

    /// The share of the forgetting that is undone.
    /// - Parameters:
    ///   - original: forget accuracy before forgetting, 0 to 1.
    ///   - unlearned: forget accuracy after forgetting.
    ///   - restored: forget accuracy of the unlearned features under the original's bias or layer.
    /// - Returns: nil if less than ``leastLoss`` of accuracy was lost.
    package static func value(original: Double, unlearned: Double, restored: Double) -> Double? {
        let loss = original - unlearned
        return loss >= leastLoss ? (restored - unlearned) / loss : nil
    }

    static let bias = measure(.headShareBias, "Head share: bias", "last layer's bias was")
    static let layer = measure(.headShareLayer, "Head share: layer", "whole last layer was")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ part: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title,
            definition: "Share of the lost forget accuracy (test) that comes back when the \(part) put back from the "
                + "original: 1 means that nothing else was forgotten.",
            source: "This package", group: .representation, unit: .ratio, least: nil, direction: .lower)
    }
}

/// Head share: forget accuracy with the last layer's bias, and with the whole last layer, put back from the original.
struct HeadShareMeasures: BuiltInMeasure {
    let descriptions = [HeadShare.bias, HeadShare.layer]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest]

    static let noHead = "the network does not end in a linear layer, whose rows could be replaced"

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let original = LinearHead(of: evidence.models.original.model) else {
            findings.results += descriptions.map { MeasureResult($0, omitted: Self.noHead) }
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
                            ? "the unlearned model has not lost \(HeadShare.leastLoss.formattedShortly) of forget "
                                + "accuracy, so there is nothing to undo"
                            : "the unlearned model ends in another layer than the original"))
                continue
            }
            findings.results.append(
                MeasureResult(
                    measure, unlearned: MeasureValue(value),
                    retrained: try evidence.models.retrained.compactMap(share).map { MeasureValue($0) }))
        }
    }

    /// Accuracy on the forgotten classes' test examples with a head of one's choice on a model's features.
    private func forgetAccuracy(
        _ model: ModelEvidence, head: LinearHead, _ evidence: AuditEvidence
    ) throws -> Double? {
        guard let features = model.test.features.last, features.node == model.model.graph.penultimate else {
            return nil
        }
        let rows = evidence.test.forgotten
        let predictions = head.predictions(of: try DoubleMatrix(features.values, rows: rows))
        return Statistics.mean(zip(predictions, rows).map { $0 == evidence.test.labels[$1] ? 1 : 0 })
    }
}
