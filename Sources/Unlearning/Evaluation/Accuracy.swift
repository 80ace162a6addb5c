import ImageDatasets
import NeuralGraph

/// How often a model is right, by class. Shares are from 0 to 1; nil where there are no examples.
public struct Accuracy: Sendable, Codable, Hashable {
    /// Examples of each class.
    public let counts: [Int]
    /// Examples of each class that the model put into that class.
    public let correct: [Int]
    /// The classes that were, or are to be, forgotten.
    public let forgottenClasses: Set<Int>

    /// Compares the largest logit of each example, the first of equal ones, with its label. A row with an undefined
    /// logit is no answer.
    /// - Parameters:
    ///   - logits: `[examples, classes]`.
    ///   - labels: one class an example, each in `0..<classes`.
    ///   - forgottenClasses: the classes that are counted as forgotten.
    public init(logits: Tensor, labels: [Int], forgottenClasses: Set<Int> = []) {
        precondition(logits.shape.rank == 2 && logits.shape[0] == labels.count, "one row of logits a label")
        let classes = logits.shape[1]
        var counts = [Int](repeating: 0, count: classes)
        var correct = counts
        for (row, label) in labels.enumerated() {
            let scores = logits.elements[row * classes..<(row + 1) * classes]
            counts[label] += 1
            guard !scores.contains(where: \.isNaN), let largest = scores.max() else { continue }
            if scores.firstIndex(of: largest) == scores.startIndex + label { correct[label] += 1 }
        }
        self.counts = counts
        self.correct = correct
        self.forgottenClasses = forgottenClasses
    }

    /// Over all examples.
    public var all: Double? { share { _ in true } }
    /// Over the examples of forgotten classes.
    public var forgotten: Double? { share { forgottenClasses.contains($0) } }
    /// Over the examples of the other classes.
    public var retained: Double? { share { !forgottenClasses.contains($0) } }
    /// For each class.
    public var perClass: [Double?] { counts.indices.map { label in share { $0 == label } } }

    private func share(_ includes: (Int) -> Bool) -> Double? {
        let classes = counts.indices.filter(includes)
        let count = classes.reduce(0) { $0 + counts[$1] }
        return count > 0 ? Double(classes.reduce(0) { $0 + correct[$1] }) / Double(count) : nil
    }
}

/// Measures a model's accuracy.
public struct Evaluator: Sendable {
    /// Computes the outputs.
    public var predictor: Predictor

    /// Creates an evaluator.
    public init(predictor: Predictor = Predictor()) {
        self.predictor = predictor
    }

    /// The accuracy on labeled examples.
    /// - Throws: ``UnlearningError`` if the examples do not fit the model, or `CancellationError`.
    public func accuracy(
        of model: Model, on data: any LabeledData, forgottenClasses: some Sequence<Int> = [],
        options: RunOptions = RunOptions(), progress: ProgressHandler? = nil
    ) async throws -> Accuracy {
        let forgottenClasses = Set(forgottenClasses)
        let examples = try data.examples(for: model, named: "validation")
        return try await RunContext.run(options, progress: progress) { context in
            try accuracy(of: model, on: examples, forgottenClasses: forgottenClasses, context: context)
        }
    }

    func accuracy(
        of model: Model, on examples: any ExampleSource, forgottenClasses: Set<Int>, context: RunContext
    ) throws -> Accuracy {
        try model.check(examples, named: "validation")
        let logits = try predictor.logits(of: examples, by: model, context: context)
        return Accuracy(logits: logits, labels: examples.labels, forgottenClasses: forgottenClasses)
    }
}
