import NeuralGraph

/// Checks of features with labels.
enum LabeledFeatures {
    /// Checks that features `[examples, width]` and labels belong together.
    /// - Throws: `ShapeError` if they do not.
    static func check(_ features: Tensor, labels: [Int], classes: Int) throws(ShapeError) {
        guard features.shape.rank == 2, features.shape[1] > 0 else {
            throw ShapeError("features", "\(features.shape) is not [examples, width]; give one vector per example")
        }
        guard features.shape[0] == labels.count, !labels.isEmpty else {
            throw ShapeError(
                "features", "\(features.shape[0]) examples came with \(labels.count) labels; give one each")
        }
        if let wrong = labels.first(where: { !(0..<classes).contains($0) }) {
            throw ShapeError("labels", "\(wrong) is not one of the classes 0 to \(classes - 1)")
        }
    }

    /// Checks that features have the expected width.
    /// - Throws: `ShapeError` if they do not.
    static func check(_ features: Tensor, width: Int) throws(ShapeError) {
        guard features.shape.rank == 2, features.shape[1] == width else {
            throw ShapeError("features", "\(features.shape) is not [examples, \(width)]; give the same network's")
        }
    }
}

extension Tensor {
    /// Selects rows of a tensor `[rows, width]`.
    func rows(_ chosen: [Int]) throws(ShapeError) -> Tensor {
        let width = shape.channels
        return try Tensor(
            chosen.flatMap { elements[$0 * width..<($0 + 1) * width] }, shape: [chosen.count, width])
    }
}

extension StageFeatures {
    /// The maximum number of features to compute with at once: 300 MB in Double.
    static let maximumNumbers = 40_000_000

    /// The examples to compute with: all, or for very wide features an even sample that fits in memory.
    var manageableRows: [Int] { Self.manageableRows(of: values.shape[0], width: values.shape[1]) }

    package static func manageableRows(of count: Int, width: Int) -> [Int] {
        let limit = max(2, maximumNumbers / max(1, width))
        guard count > limit else { return Array(0..<count) }
        return (0..<limit).map { $0 * count / limit }
    }
}

extension DoubleMatrix {
    /// The position of each row's largest number, the first of equal ones; -1 where a number is undefined.
    var largestInRows: [Int] {
        (0..<rows).map { row in Statistics.positionOfLargest(elements[row * columns..<(row + 1) * columns]) ?? -1 }
    }

    /// Computes the mean row of each class, `[classes, width]`, and the number of its examples.
    func classMeans(labels: [Int], classes: Int) -> (means: DoubleMatrix, counts: [Int]) {
        var means = DoubleMatrix(repeating: 0, rows: classes, columns: columns)
        var counts = [Int](repeating: 0, count: classes)
        for (row, label) in labels.enumerated() {
            counts[label] += 1
            for column in 0..<columns { means[label, column] += self[row, column] }
        }
        for label in 0..<classes where counts[label] > 0 {
            for column in 0..<columns { means[label, column] /= Double(counts[label]) }
        }
        return (means, counts)
    }
}
