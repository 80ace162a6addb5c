import NeuralGraph

/// Checks of features that come with a class each.
enum LabeledFeatures {
    /// Checks that features `[examples, width]` and labels belong together.
    /// - Throws: `ShapeError` that says what is wrong.
    static func check(_ features: Tensor, labels: [Int], classes: Int) throws(ShapeError) {
        guard features.shape.rank == 2, features.shape[1] > 0 else {
            throw ShapeError("features", "\(features.shape) is not [examples, width]; give one vector an example")
        }
        guard features.shape[0] == labels.count, !labels.isEmpty else {
            throw ShapeError(
                "features", "\(features.shape[0]) examples came with \(labels.count) labels; give one each")
        }
        if let wrong = labels.first(where: { !(0..<classes).contains($0) }) {
            throw ShapeError("labels", "\(wrong) is none of the classes 0 to \(classes - 1)")
        }
    }

    /// Checks that features have the width that something was made for.
    /// - Throws: `ShapeError` that says what is wrong.
    static func check(_ features: Tensor, width: Int) throws(ShapeError) {
        guard features.shape.rank == 2, features.shape[1] == width else {
            throw ShapeError("features", "\(features.shape) is not [examples, \(width)]; give the same network's")
        }
    }
}

extension Tensor {
    /// Some rows of a tensor `[rows, width]`.
    func rows(_ chosen: [Int]) throws(ShapeError) -> Tensor {
        let width = shape.channels
        return try Tensor(
            chosen.flatMap { elements[$0 * width..<($0 + 1) * width] }, shape: [chosen.count, width])
    }
}

extension StageFeatures {
    /// Numbers that are worked on at once, at most: 300 MB in Double.
    static let mostNumbers = 40_000_000

    /// The examples whose features are worked on: all of them, or of very wide features as many as memory allows,
    /// evenly spread.
    var manageableRows: [Int] { Self.manageableRows(of: values.shape[0], width: values.shape[1]) }

    static func manageableRows(of count: Int, width: Int) -> [Int] {
        let limit = max(2, mostNumbers / max(1, width))
        guard count > limit else { return Array(0..<count) }
        return (0..<limit).map { $0 * count / limit }
    }
}

extension DoubleMatrix {
    /// The position of each row's largest number, the first of equals.
    var largestInRows: [Int] {
        (0..<rows).map { row in
            var best = 0
            for column in 0..<columns where self[row, column] > self[row, best] { best = column }
            return best
        }
    }

    /// The mean row of each class, `[classes, width]`, and how many examples each class has.
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
