import Foundation
import ImageDatasets
import NeuralGraph

/// Membership inference from one score per example: the share of forgotten training images called members, 0 to 1.
///
/// A balanced logistic regression learns to tell training from test images of the retained classes, and then classifies
/// training images of the forgotten ones. The target is the retrained models' value, neither 0 nor 1/2, since unseen
/// images can look like members too. Sources: Chundawat et al. 2023 (arXiv 2205.08096), section 5, for the entropy;
/// Yeom et al. 2018 and Salem et al. 2019 for confidence.
package enum MembershipInference {
    /// Scores each example: 1 if the attack calls it a member, else 0; nil without examples to learn from.
    /// - Parameters:
    ///   - members: the scores of retained training examples.
    ///   - nonMembers: the scores of retained test examples.
    ///   - examples: the scores of the examples in question.
    package static func calledMembers(
        members: [Double], nonMembers: [Double], asking examples: [Double]
    ) -> [Double]? {
        LogisticRegression(members: members, others: nonMembers).map { attack in
            examples.map { attack.isMember($0) ? 1 : 0 }
        }
    }

    /// Computes the entropy of each prediction in nats, 0 to ln K.
    package static func entropies(_ predictions: Predictions) -> [Double] {
        (0..<predictions.count).map { row in
            // From logarithms, so that tiny probabilities keep their contribution.
            (0..<predictions.classes).reduce(0) {
                $0 - predictions.probability(row, $1) * predictions.logProbability(row, $1)
            }
        }
    }

    /// Looks up the probability of each example's label, 0 to 1.
    package static func confidences(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { predictions.probability($0.offset, $0.element) }
    }

    /// Computes the cross-entropy of each example, `-log p_label` in nats, 0 or more.
    package static func losses(_ predictions: Predictions, labels: [Int]) -> [Double] {
        labels.enumerated().map { -predictions.logProbability($0.offset, $0.element) }
    }

    package static let entropy = measure(
        .membershipEntropy, "Membership by entropy",
        "Share of the forgotten classes' training images that a balanced logistic regression on the prediction's entropy, "
            + "fitted to retained training against retained test images, calls members.",
        source: "Chundawat et al. 2023, Can Bad Teaching Induce Forgetting? (arXiv 2205.08096), section 5")
    static let confidence = measure(
        .membershipConfidence, "Membership by confidence",
        "Share of the forgotten classes' training images that a balanced logistic regression on the true class's "
            + "probability, fitted to retained training against retained test images, calls members.",
        source: "Salem et al. 2019, ML-Leaks (arXiv 1806.01246)")
    package static let loss = measure(
        .membershipLoss, "Membership by loss",
        "Balanced accuracy, by five-fold cross-validation, of a logistic regression on the loss in telling the forgotten "
            + "classes' training images from their test images; 50 % is guessing.",
        source: "Kurmanji et al. 2023, Towards Unbounded Machine Unlearning (arXiv 2302.09880), section 4.3")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ definition: String, source: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title, definition: definition, source: source, group: .membership, unit: .share,
            direction: .closerToRetrained)
    }
}

/// Membership inference from the loss: the balanced accuracy of telling training from unseen examples, 0 to 1.
///
/// A logistic regression on the loss is fitted and tested by cross-validation on examples of the forgotten classes. 1/2
/// is guessing, and about what retrained models give.
///
/// Source: Kurmanji et al. 2023, "Towards Unbounded Machine Unlearning" (arXiv 2302.09880), section 4.3.
package enum LossAttack {
    /// Computes each example's part of the balanced accuracy, which is their mean; nil if a fold has only one kind to
    /// learn from.
    ///
    /// Members come first, then the others. A correctly classified example counts `n / (2 · examples of its kind)`.
    /// - Parameters:
    ///   - members: the loss of each example that was trained on.
    ///   - others: the loss of each example that was not.
    ///   - memberFolds: the fold of each member, from 0.
    ///   - otherFolds: the fold of each other example.
    package static func scores(
        members: [Double], others: [Double], memberFolds: [Int], otherFolds: [Int]
    ) -> [Double]? {
        let half = Double(members.count + others.count) / 2
        var memberScores = [Double](repeating: 0, count: members.count)
        var otherScores = [Double](repeating: 0, count: others.count)
        for fold in Set(memberFolds).union(otherFolds).sorted() {
            let attack = LogisticRegression(
                members: zip(members, memberFolds).filter { $0.1 != fold }.map(\.0),
                others: zip(others, otherFolds).filter { $0.1 != fold }.map(\.0))
            guard let attack else { return nil }
            for index in members.indices where memberFolds[index] == fold && attack.isMember(members[index]) {
                memberScores[index] = half / Double(members.count)
            }
            for index in others.indices where otherFolds[index] == fold && !attack.isMember(others[index]) {
                otherScores[index] = half / Double(others.count)
            }
        }
        return memberScores + otherScores
    }

    /// Assigns examples at random to folds whose sizes differ by one at most.
    package static func folds(count: Int, folds: Int = 5, seed: UInt64) -> [Int] {
        var order = Array(0..<count)
        var random = SeededRandom(seed: seed, stream: "folds")
        random.draw(count, toFrontOf: &order)
        var result = [Int](repeating: 0, count: count)
        for (place, index) in order.enumerated() { result[index] = place % max(1, folds) }
        return result
    }
}

/// Takes membership inference by entropy, by confidence, and by loss with cross-validation.
struct MembershipMeasures: BuiltInMeasure {
    let descriptions = [MembershipInference.entropy, MembershipInference.confidence, MembershipInference.loss]
    let requirements: [EvidenceRequirement] = [.forgottenTraining, .retainedTraining, .forgottenTest, .retainedTest]

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
            (MembershipInference.entropy, entropies, "entropy of the prediction (nats)"),
            (MembershipInference.confidence, confidences, "probability of the true class"),
        ]
        for (measure, scores, name) in attacks {
            let called = scores.map {
                MembershipInference.calledMembers(
                    members: $0.members, nonMembers: $0.nonMembers, asking: $0.forgotten)
            }
            let attacks = scores.map {
                RefittedAttack(members: $0.members, nonMembers: $0.nonMembers, asking: $0.forgotten)
            }
            let refitted = try evidence.refitted(measure, kinds: attacks.original?.kinds) { draws in
                attacks.map { attack in attack.map { attack in draws.map { attack.share(drawn: $0) } } }
            }
            findings.results.append(evidence.result(measure, meanOf: called, refitted: refitted))
            addHistograms(
                scores.map { [$0.members, $0.nonMembers, $0.forgotten] }, measure, name, into: &findings)
        }
        try addLossAttack(losses.map { ($0.forgotten, $0.forgottenTest) }, evidence, into: &findings)
        addHistograms(
            losses.map { [$0.members, $0.nonMembers, $0.forgotten] }, MembershipInference.loss,
            "loss (nats)", into: &findings)
    }

    private func addLossAttack(
        _ losses: PerModel<(members: [Double], others: [Double])>, _ evidence: AuditEvidence,
        into findings: inout AuditFindings
    ) throws {
        let memberFolds = LossAttack.folds(
            count: losses.original.members.count, seed: evidence.context.seed("folds.training"))
        let otherFolds = LossAttack.folds(
            count: losses.original.others.count, seed: evidence.context.seed("folds.test"))
        let scores = losses.map {
            LossAttack.scores(
                members: $0.members, others: $0.others, memberFolds: memberFolds, otherFolds: otherFolds)
        }
        let attacks = losses.map {
            RefittedLossAttack(
                members: $0.members, others: $0.others, memberFolds: memberFolds, otherFolds: otherFolds)
        }
        let refitted = try evidence.refitted(MembershipInference.loss, kinds: attacks.original?.kinds) { draws in
            attacks.map { attack in attack.map { attack in draws.map { attack.balancedAccuracy(drawn: $0) } } }
        }
        findings.results.append(
            evidence.result(
                MembershipInference.loss, meanOf: scores, strata: [memberFolds.count, otherFolds.count],
                refitted: refitted))
    }

    /// Adds a histogram for each model, with the same bins for all models.
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
