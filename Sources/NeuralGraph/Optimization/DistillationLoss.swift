import Foundation

/// The divergence of a student's outputs from a teacher's at a temperature (Hinton, Vinyals and Dean 2015, section 2).
///
/// `T^2 KL(softmax(teacher / T) || softmax(student / T))`, mean over the batch; the factor keeps the gradient's size
/// independent of the temperature. Targets are the teacher's logits.
public struct DistillationLoss: Loss, Hashable {
    /// The divisor of both networks' logits, above 0.
    public var temperature: Float

    /// Creates the loss.
    public init(temperature: Float = 4) {
        self.temperature = temperature
    }

    /// Checks the settings and one batch's targets.
    /// - Throws: ``OptimizationError`` if the temperature is not above 0, or the targets are not logits.
    public func validate(targets: Targets, count n: Int, classes K: Int) throws(OptimizationError) {
        try OptimizationError.check(
            "temperature", Double(temperature), isIn: Double.leastNonzeroMagnitude..., "use a number above 0")
        guard case .logits = targets else {
            throw OptimizationError("targets", "distillation compares with a teacher's logits; pass these")
        }
    }

    /// Computes the mean over a batch of logits `[n, K]` and, if requested, its gradient; see ``Loss``.
    public func evaluate(
        logits: UnsafePointer<Float>, count n: Int, classes K: Int, targets: Targets,
        gradient: UnsafeMutablePointer<Float>?
    ) -> LossValue {
        guard n > 0, K > 0 else { return LossValue(loss: 0, correct: 0) }
        guard case .logits(let teacherLogits) = targets else {
            gradient?.update(repeating: 0, count: n * K)
            return LossValue(loss: .nan, correct: 0)
        }
        let temperature = Double(temperature)
        var total = 0.0
        var correct = 0
        for row in 0..<n {
            let student = LogSoftmaxRow(logits + row * K, classes: K, scale: 1 / temperature)
            let teacher = LogSoftmaxRow(teacherLogits + row * K, classes: K, scale: 1 / temperature)
            for k in 0..<K {
                let probability = teacher.probability(k)
                if probability != 0 { total += probability * (teacher[k] - student[k]) }
            }
            if student.largest >= 0, student.largest == teacher.largest { correct += 1 }
            guard let gradient else { continue }
            for k in 0..<K {
                let difference = student.probability(k) - teacher.probability(k)
                gradient[row * K + k] = Float(temperature * difference / Double(n))
            }
        }
        return LossValue(loss: temperature * temperature * total / Double(n), correct: correct)
    }
}
