/// The targets of a batch; pointers are read during the call only.
public enum Targets {
    /// One class index per row, `[n]`, each in `0..<K`.
    case labels(UnsafePointer<Int32>)
    /// One distribution over the classes per row, `[n, K]`.
    case probabilities(UnsafePointer<Float>)
    /// Another network's outputs before softmax, `[n, K]`.
    case logits(UnsafePointer<Float>)
}

/// The value of a loss for a batch.
public struct LossValue: Sendable, Hashable {
    /// The mean over the batch; 0 for an empty batch. NaN where an input is.
    public var loss: Double
    /// The number of rows whose largest output is the target's class: the label, or the target's largest entry.
    public var correct: Int

    /// Creates a value.
    public init(loss: Double, correct: Int) {
        self.loss = loss
        self.correct = correct
    }
}

/// A function of a network's outputs that training minimizes, with its gradient.
///
/// Rows are summed in order on the calling thread, in Double: a loss takes a few thousandths of a training step.
public protocol Loss: Sendable {
    /// Checks the loss's own settings and the targets of one batch.
    /// - Throws: ``OptimizationError`` naming the first row whose label is out of range, or the setting.
    func validate(targets: Targets, count n: Int, classes K: Int) throws(OptimizationError)

    /// Computes the mean over a batch, and its gradient if asked.
    /// - Parameters:
    ///   - logits: the outputs before softmax, `[n, K]`.
    ///   - n: the number of examples.
    ///   - K: the number of classes.
    ///   - targets: what to compare with. Where ``validate(targets:count:classes:)`` would throw, the loss is NaN.
    ///   - gradient: memory for the gradient with respect to the logits, `[n, K]`; nil if it is not needed.
    func evaluate(
        logits: UnsafePointer<Float>, count n: Int, classes K: Int, targets: Targets,
        gradient: UnsafeMutablePointer<Float>?
    ) -> LossValue
}

extension Targets {
    /// Throws if a label is not one of the classes.
    func validateLabels(count n: Int, classes K: Int) throws(OptimizationError) {
        guard case .labels(let labels) = self else { return }
        for row in 0..<n where labels[row] < 0 || Int(labels[row]) >= K {
            throw OptimizationError(
                "label", "row \(row) has class \(labels[row]), but the network has \(K): use 0...\(K - 1)")
        }
    }

    /// The targets of one row.
    func row(_ row: Int, classes K: Int) -> TargetRow {
        switch self {
        case .labels(let labels): .label(Int(labels[row]))
        case .probabilities(let values): .probabilities(values + row * K)
        case .logits(let values): .softmax(LogSoftmaxRow(values + row * K, classes: K))
        }
    }
}

/// The target distribution of one row.
enum TargetRow {
    case label(Int)
    case probabilities(UnsafePointer<Float>)
    case softmax(LogSoftmaxRow)

    @inline(__always)
    func probability(_ k: Int) -> Double {
        switch self {
        case .label(let label): k == label ? 1 : 0
        case .probabilities(let values): Double(values[k])
        case .softmax(let row): row.probability(k)
        }
    }

    /// The class of the largest entry.
    func largest(classes K: Int) -> Int {
        switch self {
        case .label(let label): label
        case .probabilities(let values): LogSoftmaxRow.largest(values, classes: K)
        case .softmax(let row): row.largest
        }
    }
}
