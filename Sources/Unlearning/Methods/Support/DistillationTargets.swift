package import NeuralGraph

/// Targets for distillation from the original with the classes to forget masked.
package struct DistillationTargets {
    /// Each example's target, `[n, K]`: a part of its label and a part of the original's output, forgotten logits masked.
    package let targets: Tensor
    /// Each class's mean features, `[K, d]`; 0 where there is no example.
    package let prototypes: Tensor
    /// The features' variance, summed over their directions.
    package let variance: Double
    /// The original's logits, `[n, K]`, forgotten ones masked.
    private let logits: Tensor
    private let labels: [Int]

    /// - Parameter outputs: features and logits of the original, `[n, d + K]`.
    package init(outputs: Tensor, labels: [Int], classes K: Int, masking forgotten: Set<Int>, labelShare: Float) throws
    {
        let (n, d) = (labels.count, outputs.shape[1] - K)
        logits = Self.logits(in: outputs, classes: K).masking(forgotten)
        self.labels = labels
        targets = try Softmax.probabilities(of: logits).mixed(with: labels, share: labelShare)
        var (sums, counts) = ([Double](repeating: 0, count: K * d), [Double](repeating: 0, count: K))
        var (total, squares) = ([Double](repeating: 0, count: d), 0.0)
        outputs.withUnsafeElements { elements in
            for (row, label) in labels.enumerated() {
                counts[label] += 1
                for j in 0..<d {
                    let value = Double(elements[row * (d + K) + j])
                    sums[label * d + j] += value
                    total[j] += value
                    squares += value * value
                }
            }
        }
        let count = Double(max(1, n))
        variance = squares / count - total.reduce(0) { $0 + ($1 / count) * ($1 / count) }
        prototypes = try Tensor(
            sums.indices.map { Float(sums[$0] / max(1, counts[$0 / max(1, d)])) }, shape: [K, d])
    }

    /// The objective of a training on some of the examples.
    package func objective(for examples: [Int], featureWeight: Double) throws -> PrototypeObjective {
        let K = targets.shape[1]
        let rows = examples.flatMap { row in (0..<K).map { targets[row * K + $0] } }
        // Features that are all the same have nothing to be pulled together.
        let weight = variance > 0 ? featureWeight / variance : 0
        return PrototypeObjective(
            targets: try Tensor(rows, shape: [examples.count, K]), prototypes: prototypes, weight: weight)
    }

    /// The original's answers to some of the examples.
    package func answers(to examples: [Int]) throws -> WatchedAnswers {
        try WatchedAnswers(logits, labels: labels, rows: examples)
    }

    /// The logits, `[n, K]`, of rows of features and logits, `[n, d + K]`.
    static func logits(in outputs: Tensor, classes K: Int) -> Tensor {
        let (n, width) = (outputs.shape[0], outputs.shape[1])
        var logits = Tensor(repeating: 0, shape: [n, K])
        for row in 0..<n { for k in 0..<K { logits[row * K + k] = outputs[row * width + width - K + k] } }
        return logits
    }
}
