import NeuralGraph

/// Weight distance to the original, in total and by layer.
struct WeightDistanceSection: AuditSection {
    let measures = [WeightDistance.measure]
    let requirements: [EvidenceRequirement] = []

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let models = evidence.models
        let original = models.original.model
        func distance(_ model: ModelEvidence) throws(StateDictionaryError) -> WeightDistance {
            try WeightDistance(from: original, to: model.model)
        }
        do {
            let unlearned = try distance(models.unlearned)
            // A retrained model may be another network, or come from other first weights.
            let retrained = models.retrained.compactMap { try? distance($0) }
            guard let total = unlearned.total else {
                findings.results.append(
                    MeasureResult(WeightDistance.measure, omitted: "all of the original's weights are 0"))
                return
            }
            let rows = unlearned.layers.enumerated().map { index, layer in
                let others = retrained.compactMap { $0.layers[index].value }
                return MeasureRow(
                    name: layer.name, values: ByModel(unlearned: layer.value, retrained: Statistics.mean(others)))
            }
            findings.results.append(
                MeasureResult(
                    WeightDistance.measure, unlearned: MeasureValue(total),
                    retrained: retrained.compactMap(\.total).map { MeasureValue($0) }, rows: rows, rowKind: .layers,
                    note: "rows: the layers that have parameters"))
            let weighty = Set(original.graph.nodes.filter { $0.parameters.contains { $0.shape.rank > 1 } }.map(\.name))
            for row in rows where weighty.contains(row.name) {
                findings.figures.updateLayer(row.name, of: original.graph) { $0.weightDistance = row.values }
            }
        } catch {
            findings.results.append(
                MeasureResult(
                    WeightDistance.measure, omitted: "the unlearned model has other layers than the original: \(error)")
            )
        }
    }
}
