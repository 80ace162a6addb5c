import NeuralGraph

/// Linear CKA of each stage's features with the original's, over all test examples.
struct AlignmentSection: AuditSection {
    let measures = [FeatureAlignment.measure]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest, .retainedTest]

    func cost(_ plan: AuditPlan) -> Int {
        plan.configuration.examinesRepresentation ? plan.modelCount * plan.testCount / 16 : 0
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let models = evidence.models
        var stages: [MeasureRow] = []
        var last: PerModel<Double?> = PerModel(original: nil, unlearned: nil, retrained: [])
        do {
            for stage in models.original.test.features {
                try evidence.context.checkCancellation()
                let rows = stage.manageableRows
                let alignment = try FeatureAlignment(reference: stage.values.rows(rows))
                func value(_ model: ModelEvidence) throws -> Double? {
                    try model.test.features.first { $0.node == stage.node }.flatMap {
                        try alignment.value(with: $0.values.rows(rows))
                    }
                }
                last = PerModel(
                    original: nil, unlearned: try value(models.unlearned), retrained: try models.retrained.map(value))
                stages.append(MeasureRow(name: stage.node, values: last.byModel))
            }
        } catch let error as LinearAlgebraError {
            findings.results.append(MeasureResult(FeatureAlignment.measure, omitted: "\(error)"))
            return
        }
        guard let unlearned = last.unlearned else {
            findings.results.append(
                MeasureResult(
                    FeatureAlignment.measure,
                    omitted: "the unlearned model has no such stage, or its features are the same for all images"))
            return
        }
        findings.results.append(
            MeasureResult(
                FeatureAlignment.measure, unlearned: MeasureValue(unlearned),
                retrained: last.retrained.compactMap { $0 }.map { MeasureValue($0) }, rows: stages, rowKind: .layers,
                note: "over \(evidence.test.labels.count) test images; rows: the ends of the network's blocks"))
        for row in stages {
            findings.figures.updateLayer(row.name, of: models.original.model.graph) { $0.alignment = row.values }
        }
    }
}
