public import NeuralGraph

/// What a training step minimizes: a mean over the examples of a batch, computed from the network's outputs.
///
/// Build one from the parts below; weights may be negative, which maximizes a part. ``UnlearningSession`` checks an
/// objective against the examples before it trains.
///
/// ```swift
/// let teacher = try session.outputs(of: request.model, on: retain)
/// let objective = Objective.sum((0.99, .labels()), (0.001, .teacher(teacher, temperature: 4)))
/// ```
public struct Objective: Sendable {
    let base: any BatchObjective

    init(_ base: any BatchObjective) {
        self.base = base
    }

    /// Returns cross-entropy with the examples' own labels.
    /// - Parameters:
    ///   - smoothing: the share of the target that is spread evenly over the classes, 0 to below 1.
    ///   - classes: classes that get no part of the smoothed target, unless one is the label.
    public static func labels(smoothing: Float = 0, excluding classes: Set<Int> = []) -> Objective {
        Objective(LabelObjective(smoothing: smoothing, excluding: classes))
    }

    /// Returns distillation from a teacher: `T² KL(softmax(teacher / T) || softmax(outputs / T))`.
    /// - Parameters:
    ///   - logits: the teacher's logits, `[examples, classes]`, in the order of the training's examples; -infinity
    ///     gives a class the probability 0.
    ///   - temperature: T, above 0.
    public static func teacher(_ logits: Tensor, temperature: Float = 1) -> Objective {
        Objective(TeacherObjective(loss: DistillationLoss(temperature: temperature), table: logits, kind: .logits))
    }

    /// Returns cross-entropy with a distribution of each example's own, `[examples, classes]`.
    public static func targets(_ probabilities: Tensor) -> Objective {
        Objective(TeacherObjective(loss: CrossEntropy(), table: probabilities, kind: .probabilities))
    }

    /// Returns a weighted sum; a negative weight maximizes its part.
    public static func sum(_ terms: (weight: Double, objective: Objective)...) -> Objective {
        Objective(WeightedObjective(terms: terms.map { ($0.weight, $0.objective.base) }))
    }

    /// Returns an objective of a function of your own.
    /// - Parameter evaluate: takes a batch's logits `[rows, classes]`, labels, and positions among the training's
    ///   examples; returns the mean loss and its gradient by the logits, of their shape.
    public static func custom(
        _ evaluate:
            @escaping @Sendable (_ logits: Tensor, _ labels: [Int], _ positions: [Int]) -> (
                loss: Double, gradient: Tensor
            )
    ) -> Objective {
        Objective(CustomObjective(function: evaluate))
    }

    /// Returns the objective with some classes left out of softmax; their logits get no gradient.
    public func hiding(classes: some Sequence<Int>) -> Objective {
        Objective(HidingObjective(classes: Set(classes), base))
    }
}

/// An objective that a caller wrote, on copies of the batch.
private struct CustomObjective: BatchObjective {
    let function: @Sendable (Tensor, [Int], [Int]) -> (loss: Double, gradient: Tensor)

    func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let (rows, K) = (outputs.count, outputs.classes)
        let logits = Tensor(shape: [rows, K]) { elements in
            for index in 0..<rows * K { elements.append(outputs.logits[index]) }
        }
        let labels = (0..<rows).map { Int(outputs.labels[$0]) }
        let value = function(logits, labels, (0..<rows).map { outputs.indices[$0] })
        let isSound = value.gradient.shape == logits.shape
        // A gradient of another shape ends the run as a loss that is not finite does.
        guard isSound else { return LossValue(loss: .nan, correct: 0) }
        value.gradient.withUnsafeElements { elements in
            if let source = elements.baseAddress { gradient.update(from: source, count: rows * K) }
        }
        let correct = zip(logits.largestInRows, labels).count { $0 == $1 }
        return LossValue(loss: value.loss, correct: correct)
    }
}
