/// How far answers to the forgotten classes' test images are from the retrained models'.
///
/// The retrained models' own figure is their distance from each other, which is as near as training gets; it takes two
/// of them.
struct OutputDistanceSection: AuditSection {
    private let distances: [(measure: MeasureDescription, scores: @Sendable (Predictions, Predictions) -> [Double])] = [
        (TotalVariation.measure, { TotalVariation.scores($0, $1) }),
        (JensenShannon.measure, { JensenShannon.scores($0, $1) }),
        (SoftmaxDistance.measure, { SoftmaxDistance.scores($0, $1) }),
        (PredictionAgreement.measure, { PredictionAgreement.scores($0, $1) }),
    ]
    let requirements: [EvidenceRequirement] = [.retrained, .forgottenExamples]

    var measures: [MeasureDescription] { distances.map(\.measure) }

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let answers = evidence.models.map { evidence.forgottenAnswers(of: $0) }
        let references = answers.retrained
        let note =
            references.count > 1
            ? "Under retrained: how far the \(references.count) retrained models are from each other." : nil
        for (measure, scores) in distances {
            func mean(_ model: Predictions, against others: [Predictions]) -> [Double]? {
                Statistics.mean(of: others.map { scores(model, $0) })
            }
            var results = PerModel<[Double]?>(
                original: mean(answers.original, against: references),
                unlearned: mean(answers.unlearned, against: references), retrained: [])
            if references.count > 1 {
                results.retrained = references.indices.map { number in
                    mean(references[number], against: references.indices.filter { $0 != number }.map { references[$0] })
                }
            }
            findings.results.append(evidence.result(measure, meanOf: results, note: note))
        }
    }
}
