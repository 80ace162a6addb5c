import Foundation
import Unlearning

/// Expected calibration error on retained test images (Guo et al. 2017, eq. 3): a measure from outside the library.
///
/// Predictions are sorted into bins by their confidence, the largest probability. The error is the mean over bins of the
/// difference between accuracy and mean confidence, weighted by the number of images.
struct CalibrationError: AuditMeasure {
    static let identifier: MeasureIdentifier = "calibration-error"
    static let binCount = 15

    let descriptions = [
        MeasureDescription(
            identifier, title: "Calibration error",
            definition: "Mean difference of confidence and accuracy on retained test images, over 15 bins.",
            source: "Guo et al. 2017, On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3",
            group: .outputs, unit: .share, direction: .lower)
    ]
    let requirements: [EvidenceRequirement] = [.retainedTest]

    func results(from evidence: AuditEvidence) throws -> [MeasureResult] {
        let rows = evidence.test.retained
        let note = "On \(rows.count) images"
        return descriptions.map { description in
            evidence.result(of: description, note: note) { model in
                Self.value(model.test.predictions[rows], labels: rows.map { evidence.test.labels[$0] })
            }
        }
    }

    static func value(_ predictions: Predictions, labels: [Int]) -> Double {
        var bins = [(count: Double, right: Double, confidence: Double)](repeating: (0, 0, 0), count: binCount)
        for row in 0..<predictions.count {
            let confidence = predictions.probabilities(row).max() ?? 0
            // Bins are closed above: (0, 1/15], (1/15, 2/15], ...
            let bin = min(binCount - 1, max(0, Int((confidence * Double(binCount)).rounded(.up)) - 1))
            bins[bin].count += 1
            bins[bin].right += predictions.predicted[row] == labels[row] ? 1 : 0
            bins[bin].confidence += confidence
        }
        return bins.reduce(0) { $0 + abs($1.right - $1.confidence) } / Double(max(1, predictions.count))
    }
}

extension AllExamples {
    /// Audits with the measure beside the built-in ones, and judges by a limit of its own.
    static func ownMeasure(
        original: Model, unlearned: Model, training: TensorExamples, test: TensorExamples
    ) async throws {
        let logits = try Tensor([2, 0, 0, 0, 0, 1], shape: [2, 3])
        let first = exp(2.0) / (exp(2.0) + 2)
        let second = exp(1.0) / (exp(1.0) + 2)
        let expected = (abs(1 - first) + second) / 2
        let value = CalibrationError.value(try Predictions(logits: logits), labels: [0, 1])
        try expect(abs(value - expected) < 1e-12, "the calibration error is \(expected), found \(value)")

        var configuration = AuditConfiguration.quick
        configuration.thresholds[CalibrationError.identifier] = [
            MeasureThreshold(.above, .original, limit: 1)
        ]
        let audit = Audit(configuration: configuration, measures: Audit.defaultMeasures + [CalibrationError()])
        let result = try await audit.run(
            original: original, unlearned: unlearned, forgotten: [2], data: AuditData(test: test, training: training))
        let measure = result[CalibrationError.identifier]
        try expect(measure?.omission == nil && measure?.unlearned != nil, "the audit has the measure")
        try expect(measure?.verdict == .pass, "the audit judges the measure")
        print("calibration error:", measure?.original?.value ?? 0, "before,", measure?.unlearned?.value ?? 0, "after")
    }
}
