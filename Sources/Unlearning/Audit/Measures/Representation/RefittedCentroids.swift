package import NeuralGraph

/// The recall by the nearest class centroid, where centroids and recall are those of resampled examples.
package struct RefittedCentroids {
    /// The features of each class's training examples, and their rows among all.
    private let classes: [(features: DoubleMatrix, rows: [Int])]
    private let examples: DoubleMatrix
    private let labels: [Int]

    /// Splits training examples by class.
    /// - Parameters:
    ///   - features: of the training examples, `[examples, width]`.
    ///   - trainingLabels: the class of each of them.
    ///   - examples: features of the examples in question, `[examples, width]`.
    ///   - labels: the class of each of these.
    package init(
        features: DoubleMatrix, labels trainingLabels: [Int], classes: Int, asking examples: DoubleMatrix, labels: [Int]
    ) {
        self.classes = (0..<classes).map { label in
            let rows = trainingLabels.indices.filter { trainingLabels[$0] == label }
            let elements = rows.flatMap { features.elements[$0 * features.columns..<($0 + 1) * features.columns] }
            return (DoubleMatrix(rows: rows.count, columns: features.columns, elements: elements), rows)
        }
        (self.examples, self.labels) = (examples, labels)
    }

    /// The number of examples of each kind: training examples by class where there are any, then the examples in question.
    package var kinds: [Int] { classes.map(\.rows.count).filter { $0 > 0 } + [labels.count] }

    /// Computes the recall in each of several resamples at once.
    /// - Parameter draws: for each resample, how often each example of each kind was drawn.
    /// - Returns: nil for a resample with an undefined value.
    package func recalls(drawn draws: [[[Double]]]) -> [Double?] {
        guard !draws.isEmpty, let last = kinds.indices.last else { return [] }
        var best = [Double](repeating: -.infinity, count: labels.count * draws.count)
        var isOwn = [Bool](repeating: false, count: best.count)
        var kind = 0
        for (label, members) in classes.enumerated() where !members.rows.isEmpty {
            // An example counts as its share of its class's draws.
            let weights = DoubleMatrix(
                rows: draws.count, columns: members.rows.count,
                elements: draws.flatMap { draw in draw[kind].map { $0 / Double(members.rows.count) } })
            kind += 1
            // Centroids [resamples x width] = weights [resamples x members] · X [members x width]
            let centroids = weights.times(members.features)
            let lengths = (0..<centroids.rows).map { row in
                (0..<centroids.columns).reduce(0) { $0 + centroids[row, $1] * centroids[row, $1] } / 2
            }
            // As in ``NearestCentroid``: closeness [examples x resamples] = X · centroidsᵀ - |c|^2 / 2
            let closeness = examples.times(centroids, transposingOther: true).subtracting(lengths).elements
            for index in best.indices where closeness[index] > best[index] {
                best[index] = closeness[index]
                isOwn[index] = labels[index / draws.count] == label
            }
        }
        return draws.indices.map { number in
            var (right, total) = (0.0, 0.0)
            for (row, count) in draws[number][last].enumerated() {
                total += count
                if isOwn[row * draws.count + number] { right += count }
            }
            return total > 0 ? right / total : nil
        }
    }
}
