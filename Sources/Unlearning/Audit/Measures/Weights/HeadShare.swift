import NeuralGraph

/// Share of the forgetting that is in the last layer: what the original's last layer brings back of what was lost.
///
/// `(restored - unlearned) / (original - unlearned)` in ``recognition(predicted:labels:forgotten:)`` of test examples,
/// where restored means that the last layer's bias, or the whole last layer, is replaced by the original's. At 1 the
/// features are untouched, and a few numbers undo the forgetting; at 0 restoring brings nothing back. Features of
/// another seed do not fit that layer, which then answers with the forgotten class for images of any class, or for none:
/// such answers are 0, too. Values below 0 or slightly above 1 occur. Lower is better. The measure is this package's own.
package enum HeadShare {
    /// The minimum loss of recognition for which the share is defined.
    package static let minimumLoss = 0.01

    /// Computes the share of the forgetting that is undone.
    /// - Parameters:
    ///   - original: recognition before forgetting, -1 to 1.
    ///   - unlearned: recognition after forgetting.
    ///   - restored: recognition of the unlearned features under the original's bias or layer.
    /// - Returns: nil if less than ``minimumLoss`` was lost.
    package static func value(original: Double, unlearned: Double, restored: Double) -> Double? {
        let loss = original - unlearned
        return loss >= minimumLoss ? (restored - unlearned) / loss : nil
    }

    /// Computes each example's part of the recognition of the forgotten classes, which is the sum of the parts.
    ///
    /// It is Youden's index, `Σ w (recall - false positives)`: of each forgotten class the share of its examples that are
    /// given the class, less the share of retained examples that are, weighted by the class's share w of the forgotten
    /// examples. Answers that do not depend on the example are at 0, perfect ones at 1. Sources: Youden 1950, "Index for
    /// rating diagnostic tests"; of several classes, Powers 2011, "Evaluation: from precision, recall and F-measure to
    /// ROC, informedness, markedness and correlation".
    /// - Parameters:
    ///   - predicted: each example's predicted class.
    ///   - labels: each example's class.
    ///   - forgotten: the forgotten classes.
    /// - Returns: above 0 for forgotten examples that are recognized, below 0 for retained ones that are taken for a
    ///   forgotten class, else 0.
    package static func recognition(predicted: [Int], labels: [Int], forgotten: Set<Int>) -> [Double] {
        var sizes: [Int: Double] = [:]
        for label in labels where forgotten.contains(label) { sizes[label, default: 0] += 1 }
        let asked = sizes.values.reduce(0, +)
        let others = Double(labels.count) - asked
        return zip(predicted, labels).map { predicted, label in
            guard let size = sizes[predicted] else { return 0 }
            if forgotten.contains(label) { return predicted == label ? 1 / asked : 0 }
            return -size / asked / others
        }
    }

    /// The reason for an omission where there is no last layer to restore.
    package static let noHead = "the network does not end in a linear layer, which the measure needs"

    static let bias = measure(.headShareBias, "Head share: bias", "last layer's bias is")
    static let layer = measure(.headShareLayer, "Head share: layer", "whole last layer is")

    private static func measure(
        _ identifier: MeasureIdentifier, _ title: String, _ part: String
    ) -> MeasureDescription {
        MeasureDescription(
            identifier, title: title,
            definition:
                "Share of the lost recognition of the forgotten classes (test; recall less false positives among retained "
                + "images) that returns when the \(part) replaced by the original's: 1 means that nothing else was "
                + "forgotten.",
            source: "This package; Youden 1950, Index for rating diagnostic tests", group: .representation,
            unit: .ratio, least: nil, direction: .lower)
    }
}

/// Takes the head shares of the last layer's bias and of the whole last layer.
struct HeadShareMeasures: BuiltInMeasure {
    let descriptions = [HeadShare.bias, HeadShare.layer]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest, .retainedTest]

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let head = LinearHead(of: evidence.models.original.model),
            let before = try predictions(of: evidence.models.original, head: head, evidence)
        else {
            findings.results += descriptions.map { MeasureResult($0, omitted: HeadShare.noHead) }
            return
        }
        for measure in descriptions {
            let wholeLayer = measure.identifier == .headShareLayer
            guard wholeLayer || head.hasBias else {
                findings.results.append(MeasureResult(measure, omitted: "the last layer has no bias"))
                continue
            }
            func trial(_ model: ModelEvidence) throws -> HeadShareTrial? {
                guard let own = LinearHead(of: model.model), own.width == head.width else { return nil }
                var restored = own
                restored.biases = head.biases
                if wholeLayer { restored.weights = head.weights }
                guard let predicted = try predictions(of: model, head: own, evidence),
                    let returned = try predictions(of: model, head: restored, evidence)
                else { return nil }
                return HeadShareTrial(
                    original: before, own: predicted, restored: returned, labels: evidence.test.labels,
                    forgotten: evidence.forgottenClasses)
            }
            let trials = try evidence.models.map(trial)
            try findings.results.append(result(measure, trials, evidence))
        }
    }

    private func result(
        _ measure: MeasureDescription, _ trials: PerModel<HeadShareTrial?>, _ evidence: AuditEvidence
    ) throws -> MeasureResult {
        guard let unlearned = trials.unlearned else {
            return MeasureResult(measure, omitted: "the unlearned model has another last layer than the original")
        }
        guard let share = unlearned.value else {
            return MeasureResult(
                measure,
                omitted: "the unlearned model has lost less than \(HeadShare.minimumLoss.formattedShortly) of its "
                    + "recognition of the forgotten classes, so there is nothing to undo")
        }
        let resampled = try evidence.refitted(measure, kinds: unlearned.kinds, limit: .max) { draws in
            // The original is not measured, since it lost nothing.
            PerModel(
                original: nil, unlearned: unlearned.shares(drawn: draws),
                retrained: trials.retrained.map { $0?.shares(drawn: draws) })
        }
        func measured(_ value: Double, _ resampled: [Double?]?) -> MeasureValue {
            let interval = resampled.flatMap { evidence.configuration.bootstrap?.interval(of: $0) }
            // Equal resamples would claim certainty.
            return MeasureValue(value, interval: interval.flatMap { $0.lower < $0.upper ? $0 : nil })
        }
        let references = trials.retrained.indices.compactMap { number in
            trials.retrained[number]?.value.map { measured($0, resampled?.retrained[number]) }
        }
        let gap = Statistics.mean(references.map(\.value)).map { measured(share - $0, resampled?.gaps) }
        let parts = trials.map { $0?.restored }
        var result = MeasureResult(
            measure, unlearned: measured(share, resampled?.unlearned), retrained: references, gap: gap,
            rows: [
                MeasureRow(name: "recall", values: parts.map { $0?.recall }.byModel),
                MeasureRow(name: "false positives", values: parts.map { $0?.falsePositives }.byModel),
            ],
            rowKind: .variants, note: "Rows: the parts of the recognition with the original's numbers")
        result.rowUnit = .share
        return result
    }

    /// Computes what a head predicts from a model's features of the test examples.
    private func predictions(
        of model: ModelEvidence, head: LinearHead, _ evidence: AuditEvidence
    ) throws -> [Int]? {
        guard let features = model.test.features.last, features.node == model.model.graph.penultimate else {
            return nil
        }
        let count = evidence.test.labels.count
        // In parts, since the features of all examples may be too many numbers in Double.
        let step = max(1, StageFeatures.maximumNumbers / 10 / max(1, head.width))
        return try stride(from: 0, to: count, by: step).flatMap { start in
            head.predictions(of: try DoubleMatrix(features.values, rows: Array(start..<min(start + step, count))))
        }
    }
}
