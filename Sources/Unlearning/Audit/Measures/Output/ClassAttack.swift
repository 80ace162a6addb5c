package import NeuralGraph

/// The class attack: whether logits betray, by a retained class that images of the forgotten ones are pushed to, that
/// they come from an unlearned model.
///
/// For each retained class i a linear classifier of logits, i against the rest, is fitted to retained images by least
/// squares, and `Acc_i` is the share of forgotten test images that it calls i. The measure is the largest difference
/// `|Acc_i - mean Acc_i of the retrained models|`, 0 to 1.
/// Source: "Revisiting machine unlearning for classes" (arXiv 2506.20893), whose attack trains the same kind of
/// classifiers.
package struct ClassAttack: Sendable {
    private let probe: LinearProbe
    private let retained: [Int]

    /// Fits a classifier for each retained class.
    /// - Parameters:
    ///   - logits: `[examples, classes]` of retained examples.
    ///   - labels: their classes.
    ///   - classes: the number of classes.
    package init(logits: Tensor, labels: [Int], classes: Int) throws {
        probe = try LinearProbe(features: logits, labels: labels, classes: classes, regularization: 1e-6)
        retained = Set(labels).sorted()
    }

    /// Computes for each class the share of examples that its classifier calls members; nil for classes without one.
    package func shares(of logits: Tensor) throws -> [Double?] {
        let scores = try probe.scores(of: logits)
        let classes = scores.count / max(1, logits.shape[0])
        return (0..<classes).map { label in
            guard retained.contains(label) else { return nil }
            let members = (0..<logits.shape[0]).count { scores[$0 * classes + label] > 0.5 }
            return Double(members) / Double(max(1, logits.shape[0]))
        }
    }

    /// Finds the largest difference of two models' shares, and its class; nil without common classes.
    package static func largestGap(_ shares: [Double?], _ others: [Double?]) -> (gap: Double, label: Int)? {
        var best: (gap: Double, label: Int)?
        for (label, pair) in zip(shares, others).enumerated() {
            guard let own = pair.0, let other = pair.1, best.map({ abs(own - other) > $0.gap }) ?? true else {
                continue
            }
            best = (abs(own - other), label)
        }
        return best
    }

    static let description = MeasureDescription(
        .classAttack, title: "Class attack",
        definition:
            "Largest difference to the retrained models in the share of forgotten test images that a linear classifier of "
            + "logits, fitted to retained images, takes for one retained class.",
        source: "Revisiting machine unlearning for classes (arXiv 2506.20893)", group: .outputs, unit: .share,
        direction: .lower)
}

/// Takes the class attack on every model; the retrained models' values are their distances from the mean of the others.
struct ClassAttackMeasure: BuiltInMeasure {
    let descriptions = [ClassAttack.description]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .retrained, .forgottenTest, .retainedTraining]

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let training = evidence.training else { return }
        let shares: PerModel<[Double?]>
        do {
            shares = try evidence.models.map { try self.shares(of: $0, training: training, evidence) }
        } catch let error as LinearAlgebraError {
            findings.results.append(MeasureResult(ClassAttack.description, omitted: "\(error)"))
            return
        }
        func mean(without number: Int? = nil) -> [Double?] {
            let others = shares.retrained.indices.filter { $0 != number }.map { shares.retrained[$0] }
            return (0..<evidence.classCount).map { label in Statistics.mean(others.compactMap { $0[label] }) }
        }
        let target = mean()
        func gap(_ own: [Double?], _ others: [Double?]) -> MeasureValue? {
            ClassAttack.largestGap(own, others).map { MeasureValue($0.gap) }
        }
        let found = ClassAttack.largestGap(shares.unlearned, target)
        let rows = evidence.classNames.indices.filter { target[$0] != nil }.map { label in
            MeasureRow(
                name: evidence.classNames[label], index: label,
                values: ByModel(
                    original: shares.original[label], unlearned: shares.unlearned[label], retrained: target[label]))
        }
        findings.results.append(
            MeasureResult(
                ClassAttack.description, original: gap(shares.original, target),
                unlearned: gap(shares.unlearned, target),
                retrained: shares.retrained.count > 1
                    ? shares.retrained.indices.compactMap { gap(shares.retrained[$0], mean(without: $0)) } : [],
                rows: rows, rowKind: .classes,
                note: found.map { "Largest at \(evidence.classNames[$0.label]); rows: shares called each class" }))
    }

    private func shares(of model: ModelEvidence, training: AuditSamples, _ evidence: AuditEvidence) throws -> [Double?]
    {
        guard let outputs = model.training else { return [] }
        let attack = try ClassAttack(
            logits: outputs.predictions[training.retained].logits,
            labels: training.retained.map { training.labels[$0] },
            classes: evidence.classCount)
        return try attack.shares(of: model.test.predictions[evidence.test.forgotten].logits)
    }
}

extension Predictions {
    /// The logarithms of the probabilities, which are logits up to a constant per example, `[examples, classes]`.
    fileprivate var logits: Tensor {
        get throws { try Tensor(logProbabilities.map { Float($0) }, shape: [count, classes]) }
    }
}
