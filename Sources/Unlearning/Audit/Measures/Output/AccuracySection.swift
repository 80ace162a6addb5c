/// Accuracies on test and training images, of forgotten, retained, adjacent and remote classes, and of each class.
struct AccuracySection: AuditSection {
    let measures = [
        Accuracies.forgetTest, Accuracies.forgetTraining, Accuracies.retainTest, Accuracies.retainTraining,
        Accuracies.adjacent, Accuracies.remote, Accuracies.perClass,
    ]
    let needs: [EvidenceNeed] = []

    func cost(_ plan: AuditPlan) -> Int { 0 }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let test = evidence.test
        let scores = evidence.models.map { Accuracies.scores($0.test.predictions, labels: test.labels) }
        func add(
            _ measure: MeasureDescription, _ scores: PerModel<[Double]>, at rows: [Int], need: EvidenceNeed...
        ) {
            if let reason = need.lazy.compactMap({ $0.reason(evidence) }).first {
                findings.results.append(MeasureResult(measure, omitted: reason))
            } else {
                findings.results.append(
                    evidence.result(measure, meanOf: scores.map { scores in rows.map { scores[$0] } }))
            }
        }
        add(Accuracies.forgetTest, scores, at: test.forgotten, need: .forgottenClasses, .forgottenTest)
        let training = evidence.training
        let trainingScores = evidence.models.map { model in
            model.training.map { Accuracies.scores($0.predictions, labels: training?.labels ?? []) } ?? []
        }
        add(Accuracies.forgetTraining, trainingScores, at: training?.forgotten ?? [], need: .forgottenTraining)
        add(Accuracies.retainTest, scores, at: test.retained, need: .retainedTest)
        add(Accuracies.retainTraining, trainingScores, at: training?.retained ?? [], need: .retainedTraining)
        for (measure, classes) in [
            (Accuracies.adjacent, evidence.adjacentClasses), (Accuracies.remote, evidence.remoteClasses),
        ] {
            let members = Set(classes)
            let rows = test.labels.indices.filter { members.contains(test.labels[$0]) }
            if let reason = EvidenceNeed.forgottenClasses.reason(evidence) {
                findings.results.append(MeasureResult(measure, omitted: reason))
                continue
            }
            guard !classes.isEmpty else {
                let reason = "all \(evidence.adjacentClasses.count) retained classes are adjacent; ask for fewer"
                findings.results.append(MeasureResult(measure, omitted: reason))
                continue
            }
            add(measure, scores, at: rows, need: .retainedTest)
            let names = classes.map { evidence.classNames[$0] }.joined(separator: ", ")
            findings.results[findings.results.count - 1].note = names
        }
        addClasses(evidence, scores, into: &findings)
    }

    private func addClasses(
        _ evidence: AuditEvidence, _ scores: PerModel<[Double]>, into findings: inout AuditFindings
    ) {
        let labels = evidence.test.labels
        let shares = scores.map { Accuracies.perClass(scores: $0, labels: labels, classes: evidence.classCount) }
        var rows: [MeasureRow] = []
        for index in 0..<evidence.classCount {
            let values = shares.map { $0[index] }.byModel
            let name = evidence.classNames[index]
            rows.append(MeasureRow(name: name, index: index, values: values))
            let relation: ClassAccuracyFigure.Relation =
                evidence.forgottenClasses.contains(index)
                ? .forgotten : evidence.adjacentClasses.contains(index) ? .adjacent : .remote
            findings.figures.classAccuracy.append(
                ClassAccuracyFigure(index: index, name: name, relation: relation, accuracy: values))
        }
        let means = shares.map { shares in
            MeasureValue(Statistics.mean(shares.compactMap { $0 }) ?? 0)
        }
        findings.results.append(
            MeasureResult(
                Accuracies.perClass, original: means.original, unlearned: means.unlearned,
                retrained: means.retrained, rows: rows, rowKind: .classes))
    }
}
