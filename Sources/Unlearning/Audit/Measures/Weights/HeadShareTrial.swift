import NeuralGraph

/// The head share of one model, and in resamples of the test examples.
package struct HeadShareTrial: Sendable {
    /// Each example's part of the recognition, in the order of the classes: `[examples, 3]` of the original, of the model
    /// itself, and of the model with the original's numbers.
    private let parts: DoubleMatrix
    /// The number of examples of each class that has any.
    package let kinds: [Int]

    /// Creates a trial from each example's predicted classes.
    /// - Parameters:
    ///   - original: what the original predicts.
    ///   - own: what the model predicts.
    ///   - restored: what the model predicts with the original's bias or last layer.
    ///   - labels: the examples' classes.
    ///   - forgotten: the forgotten classes.
    package init(original: [Int], own: [Int], restored: [Int], labels: [Int], forgotten: Set<Int>) {
        let columns = [original, own, restored].map {
            HeadShare.recognition(predicted: $0, labels: labels, forgotten: forgotten)
        }
        var members: [Int: [Int]] = [:]
        for (row, label) in labels.enumerated() { members[label, default: []].append(row) }
        let classes = members.sorted { $0.key < $1.key }.map(\.value)
        kinds = classes.map(\.count)
        parts = DoubleMatrix(
            rows: labels.count, columns: columns.count,
            elements: classes.joined().flatMap { row in columns.map { $0[row] } })
    }

    /// The share; nil if less than ``HeadShare/minimumLoss`` was lost.
    package var value: Double? {
        let sums = (0..<parts.columns).map { column in (0..<parts.rows).reduce(0) { $0 + parts[$1, column] } }
        return HeadShare.value(original: sums[0], unlearned: sums[1], restored: sums[2])
    }

    /// The shares of each forgotten class's examples that are recognized with the original's numbers, and of retained
    /// examples that are taken for a forgotten class, both weighted as in the recognition.
    package var restored: (recall: Double, falsePositives: Double) {
        (0..<parts.rows).reduce(into: (0, 0)) { sums, row in
            sums.0 += max(0, parts[row, 2])
            sums.1 += max(0, -parts[row, 2])
        }
    }

    /// Computes the share in each of several resamples.
    /// - Parameter draws: for each resample, how often each example of each class was drawn.
    package func shares(drawn draws: [[[Double]]]) -> [Double?] {
        let counts = DoubleMatrix(
            rows: draws.count, columns: parts.rows, elements: draws.flatMap { Array($0.joined()) })
        // Recognition [resamples x 3] = counts [resamples x examples] · parts [examples x 3]
        let sums = counts.times(parts)
        return draws.indices.map { number in
            HeadShare.value(original: sums[number, 0], unlearned: sums[number, 1], restored: sums[number, 2])
        }
    }
}
