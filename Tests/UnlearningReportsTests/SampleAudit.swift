import Foundation
import Unlearning
import UnlearningReports

/// An audit's result that was made by hand, with something in every section.
enum SampleAudit {
    static let classNames = ["cat", "dog", "<b>owl</b> & \"co\""]

    static func measure(
        _ identifier: MeasureIdentifier, _ values: (Double, Double, Double), unit: MeasureDescription.Unit = .share,
        group: MeasureDescription.Group = .outputs, verdict: MeasureVerdict = .notJudged
    ) -> MeasureResult {
        var result = MeasureResult(
            MeasureDescription(
                identifier, title: "Title of \(identifier)", definition: "Defined.", source: "Somebody 2020",
                group: group, unit: unit, direction: .closerToRetrained),
            original: MeasureValue(values.0),
            unlearned: MeasureValue(
                values.1, interval: ConfidenceInterval(lower: values.1 - 0.01, upper: values.1 + 0.01, level: 0.95)),
            retrained: [MeasureValue(values.2), MeasureValue(values.2 + 0.02)])
        result.verdict = verdict
        if verdict != .notJudged { result.limits = [MeasureThreshold(.above, .retrained, limit: 0.1)] }
        result.findsOriginal = verdict == .notJudged ? nil : true
        return result
    }

    static func result(
        figures: AuditFigures = figures, verdict: MeasureVerdict = .leak, omits: Bool = true
    ) -> AuditResult {
        var measures = [
            measure(.forgetAccuracyTest, (0.9, 0, 0), verdict: .pass),
            measure(.retainAccuracyTest, (0.9, 0.88, 0.91), verdict: verdict),
            measure(.predictionEntropy, (0.1, 1.25, 1.5), unit: .bits),
            measure(.relearnTime, (0, 4, 10), unit: .steps, group: .relearning),
            measure(.membershipLoss, (0.7, 0.5, 0.5), group: .membership, verdict: .pass),
        ]
        measures[2].rows = [MeasureRow(name: "cat", index: 0, values: ByModel(original: 0.1, unlearned: 1.25))]
        measures[2].rowKind = .classes
        if omits {
            let left = measure(.linearProbe, (0, 0, 0), group: .representation).measure
            measures.append(MeasureResult(left, omitted: "there are too few examples of <owl>"))
        }
        return AuditResult(
            forgottenClasses: [2], classNames: classNames, adjacentClasses: [1],
            samples: AuditSampleCounts(
                forgottenTest: 10, retainedTest: 20, forgottenTraining: 30, retainedTraining: 40),
            retrainedModels: 2, measures: measures, isOriginal: false, figures: figures, configuration: .full, seed: 7,
            seconds: ["evidence": 1.5], forgottenSamples: nil)
    }

    static var figures: AuditFigures {
        let shares = ByModel(original: [0.1, 0.1, 0.8], unlearned: [0.5, 0.5, 0], retrained: [0.9, 0.1, 0])
        let image = FigureImage(width: 2, height: 2, channels: 1, pixels: Data([0, 80, 160, 255]))
        var figures = AuditFigures()
        figures.classAccuracy = classNames.enumerated().map { index, name in
            ClassAccuracyFigure(
                index: index, name: name, relation: index == 2 ? .forgotten : index == 1 ? .adjacent : .remote,
                accuracy: ByModel(original: 0.9, unlearned: 0.5, retrained: 0.6))
        }
        figures.forgottenConfusion = [ConfusionFigure(index: 2, name: classNames[2], shares: shares)]
        figures.membershipScores = AuditedModel.allCases.map { model in
            ScoreHistogramFigure(
                measure: .membershipEntropy, score: "entropy", model: model, edges: [0, 1, 2], members: [0.5, 0.5],
                nonMembers: [0.4, 0.6], forgotten: [1, 0])
        }
        figures.layers = ["conv1", "fc"].map { name in
            LayerFigure(
                name: name, weightDistance: ByModel(unlearned: 0.1, retrained: 0.9),
                probeRecall: ByModel(original: 0.9, unlearned: 0.8, retrained: 0.7),
                retainedProbeAccuracy: ByModel(original: 0.85, unlearned: 0.84, retrained: 0.86))
        }
        figures.embeddings = [
            EmbeddingFigure(
                model: .original, x: [1, 2, 3], y: [3, 2, 1], labels: [0, 1, 2], explainedVariance: [0.6, 0.2])
        ]
        figures.relearning = [
            RelearningCurve(model: .unlearned, number: 0, steps: [0, 2, 4], accuracies: [0, 0.5, 0.9], target: 0.8)
        ]
        figures.attention = [
            AttentionFigure(
                image: image, label: 2, predicted: ByModel(original: 2, unlearned: 0),
                heat: ByModel(original: image, unlearned: image))
        ]
        return figures
    }

    /// A network of one layer, whose weights follow from the seed.
    static func model(seed: UInt64) throws -> Model {
        var builder = GraphBuilder(inputShape: [4])
        _ = try builder.linear(builder.input, named: "head", outputs: 3)
        return Model(graph: try builder.graph(), seed: seed)
    }

    static func record(
        _ result: AuditResult = result(), forgetting: ForgettingRun? = nil, requestID: String = "case-7"
    ) throws -> AuditRecord {
        try AuditRecord(
            result,
            models: AuditRecord.Models(
                original: .init(model(seed: 1)), unlearned: .init(model(seed: 2)),
                retrained: [.init(model(seed: 3))]),
            forgetting: forgetting, requestID: requestID, date: Date(timeIntervalSince1970: 1_800_000_000.7))
    }

    /// How a model was made to forget, by hand.
    static func run(retained: RetainList? = nil) throws -> (ForgettingRun, [Noise]) {
        let noise = Noise(label: 2, images: try Tensor((0..<2 * 9 * 3).map { Float($0) }, shape: [2, 3, 3, 3]))
        let outcome = UnlearningOutcome(
            model: try model(seed: 2), method: UNSIR(), forgottenClasses: [2], forgottenSamples: 0, noise: [noise],
            losses: [.noise: [1, 0.5], .impair: [2], .repair: [3, 2, 1]],
            notes: [], phaseTimes: [.noise: .seconds(1), .impair: .seconds(2), .repair: .milliseconds(500)],
            accuracyBefore: nil, accuracyAfter: nil, samplesBefore: nil, samplesAfter: nil, audit: nil,
            options: RunOptions(seed: 5))
        return (ForgettingRun(outcome, retained: retained), [noise])
    }
}
