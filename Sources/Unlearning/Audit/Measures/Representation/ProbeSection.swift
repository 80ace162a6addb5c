import NeuralGraph

/// Linear probe and nearest class centroid at every stage, fitted on training examples, tried on test examples of the
/// forgotten classes.
struct ProbeSection: AuditSection {
    let measures = [LinearProbe.measure, NearestCentroid.measure]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .forgottenTest, .forgottenTraining, .retainedTraining,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        plan.configuration.examinesRepresentation ? plan.modelCount * plan.trainingCount / 4 : 0
    }

    /// What the two rules recover at one stage: 1 for each forgotten test example that is recognized, else 0.
    private struct Recall {
        var probe: [Double]
        var center: [Double]
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let labels = evidence.training?.labels else { return }
        let recalls: PerModel<[String: Recall]>
        do {
            recalls = try evidence.models.map { try recall(of: $0, labels: labels, evidence) }
        } catch let error as LinearAlgebraError {
            findings.results += measures.map { MeasureResult($0, omitted: "\(error)") }
            return
        }
        let stages = evidence.models.original.test.features.map(\.node)
        let note =
            "fitted on \(labels.count) training images, tried on \(evidence.test.forgotten.count) test images; "
            + "rows: the ends of the network's blocks"
        for (measure, scores) in [
            (LinearProbe.measure, recalls.map { $0.mapValues(\.probe) }),
            (NearestCentroid.measure, recalls.map { $0.mapValues(\.center) }),
        ] {
            let means = scores.map { $0.compactMapValues { Statistics.mean($0) } }
            let rows = stages.map { stage in MeasureRow(name: stage, values: means.map { $0[stage] }.byModel) }
            let last = PerModel(
                original: evidence.models.original, unlearned: evidence.models.unlearned,
                retrained: evidence.models.retrained
            ).map { $0.test.features.last?.node }
            let penultimate = PerModel(
                original: last.original.flatMap { scores.original[$0] },
                unlearned: last.unlearned.flatMap { scores.unlearned[$0] },
                retrained: zip(last.retrained, scores.retrained).map { stage, scores in
                    stage.flatMap { scores[$0] }
                })
            findings.results.append(
                evidence.result(measure, meanOf: penultimate, rows: rows, rowKind: .layers, note: note))
            for row in rows {
                findings.figures.updateLayer(row.name, of: evidence.models.original.model.graph) { layer in
                    if measure.identifier == .linearProbe {
                        layer.probeRecall = row.values
                    } else {
                        layer.centroidRecall = row.values
                    }
                }
            }
        }
    }

    private func recall(
        of model: ModelEvidence, labels: [Int], _ evidence: AuditEvidence
    ) throws -> [String: Recall] {
        guard let training = model.training else { return [:] }
        let truth = evidence.test.forgotten.map { evidence.test.labels[$0] }
        var recalls: [String: Recall] = [:]
        for (fitted, tried) in zip(training.features, model.test.features) {
            try evidence.context.checkCancellation()
            let rows = fitted.manageableRows
            let labels = rows.map { labels[$0] }
            let features = try DoubleMatrix(fitted.values, rows: rows)
            let examples = try DoubleMatrix(tried.values, rows: evidence.test.forgotten)
            let probe = try LinearProbe(features: features, labels: labels, classes: evidence.classCount)
            let center = try NearestCentroid(features: features, labels: labels, classes: evidence.classCount)
            func scores(_ predictions: [Int]) -> [Double] { zip(predictions, truth).map { $0 == $1 ? 1 : 0 } }
            recalls[fitted.node] = Recall(
                probe: scores(probe.predictions(of: examples)), center: scores(center.predictions(of: examples)))
            try evidence.progress.advance(by: labels.count / 4 / max(1, training.features.count))
        }
        return recalls
    }
}
