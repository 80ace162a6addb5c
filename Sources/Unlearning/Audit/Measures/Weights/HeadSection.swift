import NeuralGraph

/// Head share: forget accuracy with the last layer's bias, and with the whole last layer, put back from the original.
struct HeadSection: AuditSection {
    let measures = [HeadShare.bias, HeadShare.layer]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest]

    static let noHead = "the network does not end in a linear layer, whose rows could be replaced"

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let original = LinearHead(of: evidence.models.original.model) else {
            findings.results += measures.map { MeasureResult($0, omitted: Self.noHead) }
            return
        }
        let lost = try forgetAccuracy(evidence.models.original, head: original, evidence)
        for measure in measures {
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
