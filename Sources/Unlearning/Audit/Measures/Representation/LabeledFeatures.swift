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

extension DoubleMatrix {
    /// Computes the weighted mean of every column; 0 without rows.
    /// - Parameter weights: one above 0 for each row; nil weights all rows alike.
    func columnMeans(weights: [Double]?) -> [Double] {
        guard let weights else { return columnMeans }
        let total = max(weights.reduce(0, +), .leastNonzeroMagnitude)
        // [1 x columns] = weights [1 x rows] · self [rows x columns]
        return DoubleMatrix(rows: 1, columns: rows, elements: weights).times(self).elements.map { $0 / total }
    }

    /// Returns the matrix with every row times the square root of its weight, whose products are weighted sums.
    func scalingRows(weights: [Double]?) -> DoubleMatrix {
        guard let weights else { return self }
        var result = self
        for (row, weight) in weights.enumerated() {
            let factor = weight.squareRoot()
            for column in 0..<columns { result[row, column] *= factor }
        }
        return result
    }
}

extension AuditSamples {
    /// The weights of some rows; nil if all examples weigh alike.
    func weights(of rows: [Int]) -> [Double]? {
        weights.allSatisfy { $0 == 1 } ? nil : rows.map { weights[$0] }
    }
}
