import NeuralGraph

/// How alike two sets of features of the same examples are: linear centered kernel alignment (Kornblith et al. 2019,
/// "Similarity of Neural Network Representations Revisited", section 3).
///
/// `CKA(X, Y) = |Yᵀ X|² / (|Xᵀ X| |Yᵀ Y|)` in Frobenius norms, over centered features. 0 to 1; 1 for features that are
/// the same but for rotation and scale. Neither much nor little is better in itself: the retrained model's alignment
/// with the original shows how far an honest change goes.
public struct FeatureAlignment: Sendable {
    private let reference: DoubleMatrix
    private let referenceNorm: Double

    /// Takes the features that others are compared with.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the tensor has not two axes.
    public init(reference features: Tensor) throws {
        let matrix = try DoubleMatrix(features)
        reference = matrix.subtracting(matrix.columnMeans)
        referenceNorm = Self.selfProductNorm(reference)
    }

    /// The alignment of the same examples' features in another network or at another stage, 0 to 1.
    /// - Parameter features: `[examples, any width]`.
    /// - Returns: nil if all examples have the same features in one of the two, since there is nothing to align then.
    /// - Throws: `ShapeError` if the number of examples is another, and `LinearAlgebraError` if a feature is undefined.
    public func value(with features: Tensor) throws -> Double? {
        let matrix = try DoubleMatrix(features)
        guard matrix.rows == reference.rows else {
            throw ShapeError(
                "features", "\(matrix.rows) examples cannot be aligned with \(reference.rows); give the same ones")
        }
        guard matrix.isFinite, reference.isFinite else {
            throw LinearAlgebraError.notFinite(matrix: "the features to be aligned")
        }
        let other = matrix.subtracting(matrix.columnMeans)
        let norm = Self.selfProductNorm(other)
        guard norm > 0, referenceNorm > 0 else { return nil }
        return min(1, Self.sharedSquare(reference, other) / norm / referenceNorm)
    }

    /// `|Yᵀ X|²`, by way of the smaller matrices: Yᵀ X itself, or the examples' Gram matrices, whose inner product is
    /// the same.
    private static func sharedSquare(_ x: DoubleMatrix, _ y: DoubleMatrix) -> Double {
        guard x.columns * y.columns > x.rows * x.rows else { return y.times(x, transposingSelf: true).squaredNorm }
        let first = x.times(x, transposingOther: true)
        let second = y.times(y, transposingOther: true)
        return zip(first.elements, second.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// `|Xᵀ X|`, by way of the smaller of `Xᵀ X` and `X Xᵀ`, whose norms are the same.
    private static func selfProductNorm(_ x: DoubleMatrix) -> Double {
        let product =
            x.columns <= x.rows ? x.times(x, transposingSelf: true) : x.times(x, transposingOther: true)
        return product.squaredNorm.squareRoot()
    }

    static let measure = MeasureDescription(
        .kernelAlignment, title: "Alignment with the original (CKA)",
        definition: "Linear centered kernel alignment of the penultimate features of all test images with the "
            + "original's: 1 where nothing but rotation and scale has changed.",
        source: "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited (arXiv 1905.00414)",
        group: .representation, unit: .number, greatest: 1, direction: .closerToRetrained)
}
