public import NeuralGraph

/// A model's accuracy by class; shares are from 0 to 1, nil where there are no examples.
public struct Accuracy: Sendable, Codable, Hashable {
    /// The number of examples of each class.
    public let counts: [Int]
    /// The number of examples of each class that the model classifies correctly.
    public let correct: [Int]
    /// The classes that were, or are to be, forgotten.
    public let forgottenClasses: Set<Int>

    /// Compares the largest logit of each example, the first of equal ones, with its label.
    ///
    /// An example with an undefined logit counts as wrong.
    /// - Parameters:
    ///   - logits: `[examples, classes]`.
    ///   - labels: one class for each example, in `0..<classes`.
    ///   - forgottenClasses: the classes that are counted as forgotten.
    /// - Throws: ``UnlearningError`` if logits and labels do not fit together.
    public init(
        logits: Tensor, labels: [Int], forgottenClasses: some Sequence<Int> = []
    ) throws(UnlearningError) {
        guard logits.shape.rank == 2, logits.shape[0] == labels.count else {
            throw .invalidSetting(
                name: "logits", value: "\(logits.shape)",
                remedy: "give one row for each of the \(labels.count) labels")
        }
        let classes = logits.shape[1]
        if let label = labels.first(where: { !(0..<classes).contains($0) }) {
            throw .labelOutOfRange(data: "validation", label: label, classCount: classes)
        }
        var counts = [Int](repeating: 0, count: classes)
        var correct = counts
        for (label, predicted) in zip(labels, logits.largestInRows) {
            counts[label] += 1
            if predicted == label { correct[label] += 1 }
        }
        self.counts = counts
        self.correct = correct
        self.forgottenClasses = Set(forgottenClasses)
    }

    /// The accuracy on all examples.
    public var all: Double? { share { _ in true } }
    /// The accuracy on the forgotten classes.
    public var forgotten: Double? { share { forgottenClasses.contains($0) } }
    /// The accuracy on the other classes.
    public var retained: Double? { share { !forgottenClasses.contains($0) } }
    /// The accuracy on each class.
    public var perClass: [Double?] { counts.indices.map { label in share { $0 == label } } }

    private func share(_ includes: (Int) -> Bool) -> Double? {
        let classes = counts.indices.filter(includes)
        let count = classes.reduce(0) { $0 + counts[$1] }
        return count > 0 ? Double(classes.reduce(0) { $0 + correct[$1] }) / Double(count) : nil
    }
}
