import Foundation
public import NeuralGraph

/// A model's probabilities and predicted classes for examples, in Double.
public struct Predictions: Sendable {
    /// The number of examples.
    public let count: Int
    /// The number of classes.
    public let classes: Int
    /// Each example's class of the largest logit, the first of equal ones; -1 where a logit is undefined.
    public let predicted: [Int]
    /// The natural logarithms of the probabilities, `[count, classes]` in row-major order.
    package let logProbabilities: [Double]

    /// Computes probabilities of logits `[examples, classes]`.
    /// - Throws: `ShapeError` if the tensor does not have two axes.
    public init(logits: Tensor) throws {
        logProbabilities = try Softmax.logProbabilities(of: logits)
        count = logits.shape[0]
        classes = logits.shape[1]
        predicted = (0..<count).map { [logProbabilities, classes] row in
            Statistics.positionOfLargest(logProbabilities[row * classes..<(row + 1) * classes]) ?? -1
        }
    }

    /// Selects rows, in the given order.
    public subscript(rows: [Int]) -> Predictions {
        Predictions(
            count: rows.count, classes: classes, predicted: rows.map { predicted[$0] },
            logProbabilities: rows.flatMap { logProbabilities[$0 * classes..<($0 + 1) * classes] })
    }

    /// The natural logarithm of an example's probability of a class.
    package func logProbability(_ row: Int, _ label: Int) -> Double { logProbabilities[row * classes + label] }

    /// An example's probability of a class, 0 to 1.
    public func probability(_ row: Int, _ label: Int) -> Double { exp(logProbability(row, label)) }

    /// An example's probabilities of all classes.
    public func probabilities(_ row: Int) -> [Double] { (0..<classes).map { probability(row, $0) } }

    private init(count: Int, classes: Int, predicted: [Int], logProbabilities: [Double]) {
        self.count = count
        self.classes = classes
        self.predicted = predicted
        self.logProbabilities = logProbabilities
    }
}
