import NeuralGraph

/// The nearest class centroid: each example is put into the class whose mean features are nearest to its own, by
/// Euclidean distance. It asks for less than a linear probe: that the class lies together, with nothing fitted.
///
/// The measure is the recall of the forgotten class on test examples, with centers from training examples. 0 to 1; a
/// retrained model's own figure is the target (Papyan, Han and Donoho 2020 on why trained networks come to this rule).
public struct NearestCentroid: Sendable {
    private let centers: DoubleMatrix
    private let isKnown: [Bool]

    /// Computes the centers, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`.
    ///   - labels: each example's class.
    ///   - classes: the number of classes; one without examples is nobody's nearest.
    /// - Throws: `ShapeError` if features and labels do not belong together, and `LinearAlgebraError` if a feature is
    ///   undefined.
    public init(features: Tensor, labels: [Int], classes: Int) throws {
        try LabeledFeatures.check(features, labels: labels, classes: classes)
        try self.init(features: DoubleMatrix(features), labels: labels, classes: classes)
    }

    init(features: DoubleMatrix, labels: [Int], classes: Int) throws {
        let (means, counts) = features.classMeans(labels: labels, classes: classes)
        guard means.isFinite else { throw LinearAlgebraError.notFinite(matrix: "the class centers' features") }
        centers = means
        isKnown = counts.map { $0 > 0 }
    }

    /// The class whose center is nearest to each example, the first of equals.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    public func predictions(of features: Tensor) throws -> [Int] {
        try LabeledFeatures.check(features, width: centers.columns)
        return predictions(of: try DoubleMatrix(features))
    }

    func predictions(of features: DoubleMatrix) -> [Int] {
        let lengths = (0..<centers.rows).map { label in
            (0..<centers.columns).reduce(0) { $0 + centers[label, $1] * centers[label, $1] }
        }
        // |x - c|^2 = |x|^2 - 2 <x, c> + |c|^2, and |x|^2 is the same for all centers:
        // [examples x classes] = X [examples x width] · Cᵀ [width x classes]
        var closeness = features.times(centers, transposingOther: true)
            .subtracting(lengths.map { $0 / 2 })
        for label in isKnown.indices where !isKnown[label] {
            for row in 0..<closeness.rows { closeness[row, label] = -.infinity }
        }
        return closeness.largestInRows
    }

    static let measure = MeasureDescription(
        .nearestCentroid, title: "Nearest class centroid",
        definition: "Recall of the forgotten classes' test images when each is put into the class whose mean "
            + "penultimate features, over training images, are nearest.",
        source: "Papyan, Han and Donoho 2020, Prevalence of neural collapse (arXiv 2008.08186)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}
