import ImageDatasets
import NeuralGraph

/// Principal components: the directions in which features of examples vary most (Hotelling 1933), for pictures of them
/// in two dimensions.
///
/// Of the two directions along a component, the one is taken whose largest entry by magnitude is positive.
package struct PrincipalComponents: Sendable {
    private let means: [Double]
    /// `[count, width]`, unit rows; rows of zeros where the features vary in fewer directions.
    private let directions: DoubleMatrix

    /// Fits the components, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`, two examples or more.
    ///   - count: how many components, 1 to the width.
    /// - Throws: `ShapeError` if there are too few examples or too narrow ones, and `LinearAlgebraError` if a feature is
    ///   undefined.
    package init(features: Tensor, count: Int = 2) throws {
        guard features.shape.rank == 2, features.shape[0] >= 2, (1...max(1, features.shape[1])).contains(count) else {
            throw ShapeError(
                "features",
                "\(features.shape) has no \(count) principal components; give two examples or more, of "
                    + "\(count) features or more")
        }
        let matrix = try DoubleMatrix(features)
        means = matrix.columnMeans
        let x = matrix.subtracting(means)
        let name = "the features' covariance"
        var found: (values: [Double], vectors: DoubleMatrix)
        if x.columns <= x.rows {
            found = try x.times(x, transposingSelf: true).largestEigenpairs(count, named: name)
        } else {
            // By way of examples, of which there are fewer: v = Xᵀ u for eigenvectors u of X Xᵀ.
            found = try x.times(x, transposingOther: true).largestEigenpairs(min(count, x.rows), named: name)
            found.vectors = found.vectors.times(x)
        }
        let least = 1e-12 * x.squaredNorm
        directions = Self.unitRows(found.vectors, count: count) { found.values[$0] > least }
    }

    /// The components of features, `[examples, count]` row after row.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    package func coordinates(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: means.count)
        // [examples x count] = (X - means) [examples x width] · Vᵀ [width x count]
        return try DoubleMatrix(features).subtracting(means).times(directions, transposingOther: true).elements
    }

    /// What share of some features' variance each component explains, 0 to 1; 0 where nothing varies.
    /// - Parameter features: `[examples, width]`; those that the components were fitted to, or others.
    /// - Throws: `ShapeError` if the width is another.
    package func explainedVariance(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: means.count)
        let matrix = try DoubleMatrix(features)
        let x = matrix.subtracting(matrix.columnMeans)
        let total = x.squaredNorm
        let projected = x.times(directions, transposingOther: true)
        return (0..<directions.rows).map { component in
            let part = (0..<projected.rows).reduce(0) { $0 + projected[$1, component] * projected[$1, component] }
            return total > 0 ? part / total : 0
        }
    }

    private static func unitRows(_ rows: DoubleMatrix, count: Int, where varies: (Int) -> Bool) -> DoubleMatrix {
        var result = DoubleMatrix(repeating: 0, rows: count, columns: rows.columns)
        for row in 0..<rows.rows where varies(row) {
            let values = (0..<rows.columns).map { rows[row, $0] }
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let extreme = values.max { abs($0) < abs($1) } ?? 0
            let factor = (extreme < 0 ? -1 : 1) / length
            for column in 0..<rows.columns { result[row, column] = factor * values[column] }
        }
        return result
    }
}

/// A picture of penultimate features: test examples on the first two principal components. The unlearned model's are
/// shown on the original's components, so that what moved is seen to move; a retrained model's axes are its own.
struct EmbeddingDrawing: BuiltInMeasure {
    let descriptions: [MeasureDescription] = []
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features]

    /// Examples of each class that are shown at most.
    static let examplesPerClass = 60

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard evidence.configuration.makesFigures, let original = evidence.models.original.test.features.last else {
            return
        }
        let shown = rows(of: evidence)
        var entries: [(AuditedModel, StageFeatures?)] = [
            (.original, original), (.unlearned, evidence.models.unlearned.test.features.last),
        ]
        if let retrained = evidence.models.retrained.first {
            entries.append((.retrained, retrained.test.features.last))
        }
        let labels = shown.map { evidence.test.labels[$0] }
        do {
            let reference = try original.values.rows(shown)
            let components = try PrincipalComponents(features: reference)
            for (model, features) in entries {
                guard let features = try features?.values.rows(shown) else { continue }
                let isComparable = model != .retrained && features.shape == reference.shape
                let axes = isComparable ? components : try PrincipalComponents(features: features)
                let points = try axes.coordinates(of: features)
                findings.figures.embeddings.append(
                    EmbeddingFigure(
                        model: model, x: shown.indices.map { points[2 * $0] },
                        y: shown.indices.map { points[2 * $0 + 1] }, labels: labels,
                        explainedVariance: try axes.explainedVariance(of: features)))
            }
        } catch is LinearAlgebraError, is ShapeError {
            // Features of one number, or undefined ones, have no picture; the measures say why.
            findings.figures.embeddings = []
        }
    }

    /// The examples that are shown: so many of each class, drawn at random.
    private func rows(of evidence: AuditEvidence) -> [Int] {
        (0..<evidence.classCount).flatMap { label in
            var members = evidence.test.labels.indices.filter { evidence.test.labels[$0] == label }
            let count = min(Self.examplesPerClass, members.count)
            var random = SeededRandom(seed: evidence.context.seed("embedding"), stream: "\(label)")
            random.draw(count, toFrontOf: &members)
            return members.prefix(count).sorted()
        }
    }
}
