import Foundation

/// Softmax cross-entropy, `-sum_k t_k log softmax(logits)_k`, as PyTorch's `cross_entropy` with `reduction="mean"`.
///
/// Targets may be labels, probabilities, or another network's logits, whose softmax is then the target.
public struct CrossEntropy: Loss, Hashable {
    /// The share of the target that is spread evenly over all classes, 0 to 1 (Szegedy et al. 2016, section 7).
    public var labelSmoothing: Float

    /// Creates the loss.
    public init(labelSmoothing: Float = 0) {
        self.labelSmoothing = labelSmoothing
    }

    /// Checks the settings and one batch's targets.
    /// - Throws: ``OptimizationError`` if a label is out of range, or the smoothing is.
    public func validate(targets: Targets, count n: Int, classes K: Int) throws(OptimizationError) {
        try OptimizationError.check(
            "label smoothing", Double(labelSmoothing), isIn: 0...1, "use a share between 0 and 1")
        try targets.validateLabels(count: n, classes: K)
    }

    /// Computes the mean over a batch of logits `[n, K]` and, if requested, its gradient; see ``Loss``.
    public func evaluate(
        logits: UnsafePointer<Float>, count n: Int, classes K: Int, targets: Targets,
        gradient: UnsafeMutablePointer<Float>?
    ) -> LossValue {
        guard n > 0, K > 0 else { return LossValue(loss: 0, correct: 0) }
        let kept = 1 - Double(labelSmoothing)
        let spread = Double(labelSmoothing) / Double(K)
        var total = 0.0
        var correct = 0
        for row in 0..<n {
            let output = LogSoftmaxRow(logits + row * K, classes: K)
            let target = targets.row(row, classes: K)
            var mass = 0.0
            for k in 0..<K {
                let probability = kept * target.probability(k) + spread
                mass += probability
                // A class that the target leaves out adds nothing, even where its logit is -infinity.
                if probability != 0 { total -= probability * output[k] }
            }
            if case .label(let label) = target, !(0..<K).contains(label) { total = .nan }
            if output.largest >= 0, output.largest == target.largest(classes: K) { correct += 1 }
            guard let gradient else { continue }
            for k in 0..<K {
                let probability = kept * target.probability(k) + spread
                gradient[row * K + k] = Float((mass * output.probability(k) - probability) / Double(n))
            }
        }
        return LossValue(loss: total / Double(n), correct: correct)
    }
}
