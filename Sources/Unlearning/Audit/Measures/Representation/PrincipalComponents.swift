import ImageDatasets
package import NeuralGraph

/// Principal components of features, the directions in which they vary most (Hotelling 1933), for drawing them in a
/// plane.
///
/// A component's sign makes its entry of the largest magnitude positive.
package struct PrincipalComponents: Sendable {
    private let means: [Double]
    /// `[count, width]`, unit rows; rows of zeros if the features vary in fewer directions.
    private let directions: DoubleMatrix

    /// Fits the components, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`, two examples or more.
    ///   - count: the number of components, 1 to the width.
    /// - Throws: `ShapeError` if there are too few examples or features, and `LinearAlgebraError` if a feature is
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
            // With fewer examples than features: v = Xᵀ u for eigenvectors u of X Xᵀ.
            found = try x.times(x, transposingOther: true).largestEigenpairs(min(count, x.rows), named: name)
            found.vectors = found.vectors.times(x)
        }
        let least = 1e-12 * x.squaredNorm
        directions = Self.unitRows(found.vectors, count: count) { found.values[$0] > least }
    }

    /// Projects features onto the components, to `[examples, count]` in row-major order.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    package func coordinates(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: means.count)
        // [examples x count] = (X - means) [examples x width] · Vᵀ [width x count]
        return try DoubleMatrix(features).subtracting(means).times(directions, transposingOther: true).elements
    }

    /// Computes the share of the features' variance that each component explains, 0 to 1; 0 without variance.
    /// - Parameter features: `[examples, width]`, which the components need not be fitted to.
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

/// Draws penultimate features of test examples on the first two principal components.
///
/// The unlearned model's features are on the original's components, so that changes are visible; a retrained model has
/// components of its own.
struct EmbeddingDrawing: BuiltInMeasure {
    let descriptions: [MeasureDescription] = []
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features]

    /// The maximum number of examples of each class.
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
            // Features of one number, or undefined ones, cannot be drawn; the measures give the reason.
            findings.figures.embeddings = []
        }
    }

    /// Draws the examples of each class at random.
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
