/// Accuracy, the share of examples for which a model predicts the true class, 0 to 1.
///
/// On the forgotten classes retraining ends at 0, and so should the unlearned model, though 0 proves little. On the
/// retained classes higher is better.
package enum Accuracies {
    /// Scores each example: 1 if the predicted class is the label, else 0.
    package static func scores(_ predictions: Predictions, labels: [Int]) -> [Double] {
        scores(predictions.predicted, labels: labels)
    }

    /// Scores each example: 1 if the predicted class is the label, else 0.
    static func scores(_ predicted: [Int], labels: [Int]) -> [Double] {
        zip(predicted, labels).map { $0 == $1 ? 1 : 0 }
    }

    /// Computes the accuracy of each class; nil for a class without examples.
    package static func perClass(scores: [Double], labels: [Int], classes: Int) -> [Double?] {
        var sums = [Double](repeating: 0, count: classes)
        var counts = sums
        for (score, label) in zip(scores, labels) {
            sums[label] += score
            counts[label] += 1
        }
        return zip(sums, counts).map { $1 > 0 ? $0 / $1 : nil }
    }

    /// Computes how much a model confuses each class with some others, 0 to 2; nil for those others.
    ///
    /// It is the mean probability of the class on the others' examples, plus the mean probability of the others on the
    /// class's examples.
    package static func confusion(_ predictions: Predictions, labels: [Int], with others: Set<Int>) -> [Double?] {
        var given = [Double](repeating: 0, count: predictions.classes)
        var taken = given
        var counts = given
        var otherCount = 0.0
        for (row, label) in labels.enumerated() {
            let probabilities = predictions.probabilities(row)
            if others.contains(label) {
                otherCount += 1
                for (index, probability) in probabilities.enumerated() { given[index] += probability }
            } else {
                counts[label] += 1
                for index in others { taken[label] += probabilities[index] }
            }
        }
        return given.indices.map { index in
            guard !others.contains(index) else { return nil }
            return given[index] / max(1, otherCount) + taken[index] / max(1, counts[index])
        }
    }

    package static let forgetTest = accuracy(
        .forgetAccuracyTest, "Forget accuracy (test)",
        "Accuracy on test images of the forgotten classes.", .closerToRetrained)
    static let worstForgotten = accuracy(
        .forgetAccuracyWorstClass, "Forget accuracy (worst class)",
        "Highest test accuracy among the forgotten classes, if there are several.",
        .closerToRetrained)
    static let forgetTraining = accuracy(
        .forgetAccuracyTraining, "Forget accuracy (training)",
        "Accuracy on training images of the forgotten classes.",
        .closerToRetrained)
    static let forgetConfidence = accuracy(
        .forgetConfidence, "Confidence in forgotten classes",
        "Mean probability of the true class on test images of the forgotten classes.", .closerToRetrained)
    package static let retainTest = accuracy(
        .retainAccuracyTest, "Retain accuracy (test)",
        "Accuracy on test images of the retained classes.", .higher)
    static let retainTraining = accuracy(
        .retainAccuracyTraining, "Retain accuracy (training)",
        "Accuracy on training images of the retained classes.",
        .closerToRetrained)
    static let adjacent = accuracy(
        .adjacentAccuracy, "Accuracy of adjacent classes",
        "Accuracy on test images of the retained classes that the original confuses most with the forgotten ones.",
        .higher)
    static let remote = accuracy(
        .remoteAccuracy, "Accuracy of remote classes",
        "Accuracy on test images of the retained classes that are not adjacent.", .higher)
    static let perClass = accuracy(
        .classAccuracy, "Accuracy by class", "Accuracy on test images of each class; as a total their mean.", .none)

    private static func accuracy(
        _ identifier: MeasureIdentifier, _ title: String, _ definition: String,
        _ direction: MeasureDescription.Direction
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title, definition: definition,
            source: "Tarun et al., Fast Yet Effective Machine Unlearning (arXiv 2111.08947), section V",
            group: .outputs, unit: .share, direction: direction)
    }
}

/// Takes the accuracies of forgotten, retained, adjacent and remote classes, and of each class.
struct AccuracyMeasures: BuiltInMeasure {
    let descriptions = [
        Accuracies.forgetTest, Accuracies.worstForgotten, Accuracies.forgetTraining,
        Accuracies.forgetConfidence, Accuracies.retainTest, Accuracies.retainTraining,
        Accuracies.adjacent, Accuracies.remote, Accuracies.perClass,
    ]
    let requirements: [EvidenceRequirement] = []

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let test = evidence.test
        let scores = evidence.models.map { Accuracies.scores($0.test.predictions, labels: test.labels) }
        func add(
            _ measure: MeasureDescription, _ scores: PerModel<[Double]>, at rows: [Int], need: EvidenceRequirement...
        ) {
            if let reason = need.lazy.compactMap({ $0.reason(evidence) }).first {
                findings.results.append(MeasureResult(measure, omitted: reason))
            } else {
                findings.results.append(
                    evidence.result(measure, meanOf: scores.map { scores in rows.map { scores[$0] } }))
            }
        }
        add(Accuracies.forgetTest, scores, at: test.forgotten, need: .forgottenClasses, .forgottenTest)
        addWorstForgotten(evidence, scores, into: &findings)
        let training = evidence.training
        let trainingScores = evidence.models.map { model in
            model.training.map { Accuracies.scores($0.predictions, labels: training?.labels ?? []) } ?? []
        }
        add(Accuracies.forgetTraining, trainingScores, at: training?.forgotten ?? [], need: .forgottenTraining)
        let confidences = evidence.models.map {
            MembershipInference.confidences($0.test.predictions, labels: test.labels)
        }
        add(Accuracies.forgetConfidence, confidences, at: test.forgotten, need: .forgottenClasses, .forgottenTest)
        add(Accuracies.retainTest, scores, at: test.retained, need: .retainedTest)
        add(Accuracies.retainTraining, trainingScores, at: training?.retained ?? [], need: .retainedTraining)
        for (measure, classes) in [
            (Accuracies.adjacent, evidence.adjacentClasses), (Accuracies.remote, evidence.remoteClasses),
        ] {
            let members = Set(classes)
            let rows = test.labels.indices.filter { members.contains(test.labels[$0]) }
            if let reason = EvidenceRequirement.forgottenClasses.reason(evidence) {
                findings.results.append(MeasureResult(measure, omitted: reason))
                continue
            }
            guard !classes.isEmpty else {
                let reason =
                    "all \(evidence.adjacentClasses.count) retained classes are adjacent; set a smaller number of them"
                findings.results.append(MeasureResult(measure, omitted: reason))
                continue
            }
            add(measure, scores, at: rows, need: .retainedTest)
            let names = classes.map { evidence.classNames[$0] }.joined(separator: ", ")
            if findings.results.last?.isOmitted == false {
                findings.results[findings.results.count - 1].note = "Classes: \(names)"
            }
        }
        addClasses(evidence, scores, into: &findings)
    }

    /// Adds the highest accuracy among forgotten classes, since a small mean may hide a class that came back.
    private func addWorstForgotten(
        _ evidence: AuditEvidence, _ scores: PerModel<[Double]>, into findings: inout AuditFindings
    ) {
        let test = evidence.test
        // A single class has no worst one.
        guard evidence.forgottenClasses.count > 1 else { return }
        let counts = evidence.forgottenClasses.sorted().map { index in (index, test.labels.count { $0 == index }) }
        let least = evidence.configuration.minimumSamples
        if let (index, count) = counts.first(where: { $0.1 < least }) {
            let reason =
                "\(count) test examples of class \(index) (\(evidence.classNames[index])) are too few; give \(least) or more"
            return findings.results.append(MeasureResult(Accuracies.worstForgotten, omitted: reason))
        }
        let rows = counts.map { index, _ in
            let members = test.labels.indices.filter { test.labels[$0] == index }
            let shares = scores.map { scores in Statistics.mean(members.map { scores[$0] }) }
            return (index, shares, evidence.classNames[index])
        }
        func worst(_ model: KeyPath<PerModel<Double?>, Double?>) -> MeasureValue? {
            rows.compactMap { $0.1[keyPath: model] }.max().map { MeasureValue($0) }
        }
        let retrained = evidence.models.retrained.indices.compactMap { number in
            rows.compactMap { $0.1.retrained[number] }.max().map { MeasureValue($0) }
        }
        findings.results.append(
            MeasureResult(
                Accuracies.worstForgotten, original: worst(\.original), unlearned: worst(\.unlearned),
                retrained: retrained,
                rows: rows.map { MeasureRow(name: $0.2, index: $0.0, values: $0.1.byModel) }, rowKind: .classes))
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
