package import NeuralGraph

/// The implementation of an ``Objective``: a function of a batch's outputs, with its gradient.
package protocol BatchObjective: Sendable {
    /// The mean over the rows, and its gradient by the logits, `[rows, classes]`.
    func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue

    /// Checks the objective against a training's number of examples and the length of its rows of outputs.
    func validate(examples: Int, outputs: Int) throws
}

extension BatchObjective {
    package func validate(examples: Int, outputs: Int) throws {}
}

/// A batch's rows with their outputs; pointers are valid during a call.
package struct BatchOutputs {
    /// The number of rows.
    let count: Int
    /// The number of classes.
    let classes: Int
    /// The outputs before softmax, `[count, classes]`.
    let logits: UnsafePointer<Float>
    /// The rows' classes, `[count]`.
    let labels: UnsafePointer<Int32>
    /// The rows' positions among all examples of the training, `[count]`.
    let indices: UnsafePointer<Int>

    package init(
        count: Int, classes: Int, logits: UnsafePointer<Float>, labels: UnsafePointer<Int32>,
        indices: UnsafePointer<Int>
    ) {
        self.count = count
        self.classes = classes
        self.logits = logits
        self.labels = labels
        self.indices = indices
    }
}

/// Cross-entropy against the examples' own labels.
package struct LabelObjective: BatchObjective {
    private let smoothing: Float
    /// Classes that get no part of the smoothed target, unless one is the label.
    private let excluded: Set<Int>

    /// - Parameters:
    ///   - smoothing: the share of the target that is spread evenly over the classes, 0 to 1.
    ///   - excluded: classes that nothing is spread over, since the model has forgotten them.
    package init(smoothing: Float = 0, excluding excluded: Set<Int> = []) {
        self.smoothing = smoothing
        self.excluded = excluded
    }

    package func validate(examples: Int, outputs: Int) throws {
        guard smoothing >= 0, smoothing < 1 else {
            throw UnlearningError.invalidSetting(
                name: "label smoothing", value: "\(smoothing)", remedy: "use 0 or more and less than 1")
        }
    }

    package func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        guard smoothing > 0, !excluded.isEmpty else {
            return CrossEntropy(labelSmoothing: smoothing).evaluate(
                logits: outputs.logits, count: outputs.count, classes: outputs.classes,
                targets: .labels(outputs.labels), gradient: gradient)
        }
        let K = outputs.classes
        let included = (0..<K).filter { !excluded.contains($0) }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: outputs.count * K) { rows in
            rows.initialize(repeating: 0)
            for row in 0..<outputs.count {
                for k in included { rows[row * K + k] = smoothing / Float(included.count) }
                rows[row * K + Int(outputs.labels[row])] += 1 - smoothing
            }
            guard let targets = rows.baseAddress else { return LossValue(loss: .nan, correct: 0) }
            return CrossEntropy().evaluate(
                logits: outputs.logits, count: outputs.count, classes: K, targets: .probabilities(targets),
                gradient: gradient)
        }
    }
}

/// An objective of the other classes alone: the logits of some take no part in softmax, and get no gradient.
package struct HidingObjective: BatchObjective {
    let classes: Set<Int>
    let objective: any BatchObjective

    package init(classes: Set<Int>, _ objective: any BatchObjective) {
        self.classes = classes
        self.objective = objective
    }

    package func validate(examples: Int, outputs: Int) throws {
        if let label = classes.filter({ !(0..<outputs).contains($0) }).min() {
            throw UnlearningError.unknownClass(index: label, classCount: outputs)
        }
        try objective.validate(examples: examples, outputs: outputs)
    }

    package func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        guard !classes.isEmpty else { return objective.evaluate(outputs, gradient: gradient) }
        let (K, size) = (outputs.classes, outputs.count * outputs.classes)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { logits in
            guard let start = logits.baseAddress else { return LossValue(loss: .nan, correct: 0) }
            start.initialize(from: outputs.logits, count: size)
            for row in 0..<outputs.count {
                let least = (0..<K).reduce(Float.infinity) { min($0, outputs.logits[row * K + $1]) }
                // So far below that softmax gives 0, and finite, so that 0 times it is 0.
                for k in classes { start[row * K + k] = least - 10_000 }
            }
            let value = objective.evaluate(
                BatchOutputs(
                    count: outputs.count, classes: K, logits: start, labels: outputs.labels, indices: outputs.indices),
                gradient: gradient)
            for row in 0..<outputs.count { for k in classes { gradient[row * K + k] = 0 } }
            return value
        }
    }
}

/// A loss against a target of each example's own: a teacher's logits, or probabilities.
struct TeacherObjective: BatchObjective {
    /// What the numbers of a table are.
    enum Kind: Sendable { case logits, probabilities }

    var loss: any Loss
    /// `[examples, classes]`, in the order of the training's examples.
    let table: Tensor
    let kind: Kind
    /// The position of the table's first row among the training's examples.
    var start = 0

    func validate(examples: Int, outputs: Int) throws {
        // Only a part of a split objective starts elsewhere; its examples are those up to the table's end.
        guard table.shape == [examples - start, outputs] else {
            throw UnlearningError.invalidSetting(
                name: "a teacher's outputs", value: "\(table.shape)",
                remedy: "give one row for each of the \(examples - start) examples, with \(outputs) columns")
        }
        try table.withUnsafeElements { elements throws(OptimizationError) in
            guard let rows = elements.baseAddress else { return }
            try loss.validate(
                targets: kind == .logits ? .logits(rows) : .probabilities(rows), count: examples - start,
                classes: outputs)
        }
    }

    func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let K = outputs.classes
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: outputs.count * K) { rows in
            table.withUnsafeElements { elements in
                guard let target = rows.baseAddress, let source = elements.baseAddress else {
                    return LossValue(loss: .nan, correct: 0)
                }
                for row in 0..<outputs.count {
                    (target + row * K).update(from: source + (outputs.indices[row] - start) * K, count: K)
                }
                return loss.evaluate(
                    logits: outputs.logits, count: outputs.count, classes: K,
                    targets: kind == .logits ? .logits(target) : .probabilities(target), gradient: gradient)
            }
        }
    }
}

/// A sum of objectives with a weight each; a weight below 0 makes its objective large.
package struct WeightedObjective: BatchObjective {
    let terms: [(weight: Double, objective: any BatchObjective)]

    package init(_ terms: (weight: Double, objective: any BatchObjective)...) {
        self.init(terms: terms)
    }

    init(terms: [(weight: Double, objective: any BatchObjective)]) {
        self.terms = terms
    }

    package func validate(examples: Int, outputs: Int) throws {
        for (weight, objective) in terms {
            guard weight.isFinite else {
                throw UnlearningError.invalidSetting(
                    name: "an objective's weight", value: "\(weight)", remedy: "use a finite number")
            }
            try objective.validate(examples: examples, outputs: outputs)
        }
    }

    package func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let size = outputs.count * outputs.classes
        var sum = LossValue(loss: 0, correct: 0)
        gradient.update(repeating: 0, count: size)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { part in
            guard let start = part.baseAddress else { return }
            for (weight, objective) in terms {
                let value = objective.evaluate(outputs, gradient: start)
                sum.loss += weight * value.loss
                sum.correct = value.correct
                for index in 0..<size { gradient[index] += Float(weight) * start[index] }
            }
        }
        return sum
    }
}

/// One objective for the examples before a position and another for the rest.
///
/// Each is a mean over its own rows; a batch may have rows of one kind alone.
struct SplitObjective: BatchObjective {
    /// The position of the first example of the second kind.
    let boundary: Int
    let first: any BatchObjective
    let second: any BatchObjective

    func validate(examples: Int, outputs: Int) throws {
        try first.validate(examples: boundary, outputs: outputs)
        try second.validate(examples: examples, outputs: outputs)
    }

    func evaluate(_ outputs: BatchOutputs, gradient: UnsafeMutablePointer<Float>) -> LossValue {
        let rows = 0..<outputs.count
        let a = evaluate(first, rows.filter { outputs.indices[$0] < boundary }, outputs, gradient)
        let b = evaluate(second, rows.filter { outputs.indices[$0] >= boundary }, outputs, gradient)
        return LossValue(loss: a.loss + b.loss, correct: a.correct + b.correct)
    }

    private func evaluate(
        _ objective: any BatchObjective, _ rows: [Int], _ outputs: BatchOutputs,
        _ gradient: UnsafeMutablePointer<Float>
    ) -> LossValue {
        guard !rows.isEmpty else { return LossValue(loss: 0, correct: 0) }
        let K = outputs.classes
        let labels = rows.map { outputs.labels[$0] }
        let indices = rows.map { outputs.indices[$0] }
        let logits = rows.flatMap { row in (0..<K).map { outputs.logits[row * K + $0] } }
        var part = [Float](repeating: 0, count: logits.count)
        let value = part.withUnsafeMutableBufferPointer { part in
            logits.withUnsafeBufferPointer { logits in
                labels.withUnsafeBufferPointer { labels in
                    indices.withUnsafeBufferPointer { indices -> LossValue in
                        guard let part = part.baseAddress, let logits = logits.baseAddress,
                            let labels = labels.baseAddress, let indices = indices.baseAddress
                        else { return LossValue(loss: 0, correct: 0) }
                        return objective.evaluate(
                            BatchOutputs(
                                count: rows.count, classes: K, logits: logits, labels: labels, indices: indices),
                            gradient: part)
                    }
                }
            }
        }
        for (position, row) in rows.enumerated() {
            for k in 0..<K { gradient[row * K + k] = part[position * K + k] }
        }
        return value
    }
}
