import Foundation

/// Membership inference by entropy, by confidence, and by loss with cross-validation.
struct MembershipSection: AuditSection {
    let measures = [MembershipInference.entropy, MembershipInference.confidence, MembershipInference.loss]
    let requirements: [EvidenceRequirement] = [.forgottenTraining, .retainedTraining, .forgottenTest, .retainedTest]

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let training = evidence.training else { return }
        let test = evidence.test
        func scores(
            _ score: (Predictions, [Int]) -> [Double]
        ) -> PerModel<(members: [Double], nonMembers: [Double], forgotten: [Double], forgottenTest: [Double])> {
            evidence.models.map { model in
                let seen = model.training.map { score($0.predictions, training.labels) } ?? []
                let unseen = score(model.test.predictions, test.labels)
                return (
                    training.retained.map { seen[$0] }, test.retained.map { unseen[$0] },
                    training.forgotten.map { seen[$0] }, test.forgotten.map { unseen[$0] }
                )
            }
        }
        let entropies = scores { predictions, _ in MembershipInference.entropies(predictions) }
        let confidences = scores { MembershipInference.confidences($0, labels: $1) }
        let losses = scores { MembershipInference.losses($0, labels: $1) }
        let attacks = [
            (MembershipInference.entropy, entropies, "entropy of the answer (nats)"),
            (MembershipInference.confidence, confidences, "probability of the true class"),
        ]
        for (measure, scores, name) in attacks {
            let called = scores.map {
                MembershipInference.calledMembers(
                    members: $0.members, nonMembers: $0.nonMembers, asking: $0.forgotten)
            }
            findings.results.append(evidence.result(measure, meanOf: called))
            addHistograms(
                scores.map { [$0.members, $0.nonMembers, $0.forgotten] }, measure, name, into: &findings)
        }
        addLossAttack(losses.map { ($0.forgotten, $0.forgottenTest) }, evidence, into: &findings)
        addHistograms(
            losses.map { [$0.members, $0.nonMembers, $0.forgotten] }, MembershipInference.loss,
            "loss (nats)", into: &findings)
    }

    private func addLossAttack(
        _ losses: PerModel<(members: [Double], others: [Double])>, _ evidence: AuditEvidence,
        into findings: inout AuditFindings
    ) {
        let memberFolds = LossAttack.folds(
            count: losses.original.members.count, seed: evidence.context.seed("folds.training"))
        let otherFolds = LossAttack.folds(
            count: losses.original.others.count, seed: evidence.context.seed("folds.test"))
        let scores = losses.map {
            LossAttack.scores(
                members: $0.members, others: $0.others, memberFolds: memberFolds, otherFolds: otherFolds)
        }
        findings.results.append(
            evidence.result(MembershipInference.loss, meanOf: scores, strata: [memberFolds.count, otherFolds.count]))
    }

    /// One histogram a model, all of one measure with the same bins.
    private func addHistograms(
        _ scores: PerModel<[[Double]]>, _ measure: MeasureDescription, _ name: String,
        into findings: inout AuditFindings
    ) {
        let models: [(AuditedModel, [[Double]])] =
            [(.original, scores.original), (.unlearned, scores.unlearned)]
            + scores.retrained.prefix(1).map { (.retrained, $0) }
        let edges = ScoreHistogram.edges(of: models.flatMap { $0.1.flatMap { $0 } })
        for (model, groups) in models {
            let shares = groups.map { ScoreHistogram.shares(of: $0, edges: edges) }
            findings.figures.membershipScores.append(
                ScoreHistogramFigure(
                    measure: measure.identifier, score: name, model: model, edges: edges, members: shares[0],
                    nonMembers: shares[1], forgotten: shares[2]))
        }
    }
}
