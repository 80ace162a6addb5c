package import NeuralGraph

/// Similarity of two networks' features of the same examples by linear centered kernel alignment, 0 to 1 (Kornblith et
/// al. 2019, "Similarity of Neural Network Representations Revisited", section 3).
///
/// `CKA(X, Y) = |Yᵀ X|² / (|Xᵀ X| |Yᵀ Y|)` in Frobenius norms, over centered features; 1 for features that are equal up
/// to rotation and scale. Neither high nor low is better: the retrained models' alignment with the original is the
/// target.
package struct FeatureAlignment: Sendable {
    private let reference: DoubleMatrix
    private let referenceNorm: Double

    /// Takes the features to compare others with.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the tensor does not have two axes.
    package init(reference features: Tensor) throws {
        let matrix = try DoubleMatrix(features)
        reference = matrix.subtracting(matrix.columnMeans)
        referenceNorm = Self.selfProductNorm(reference)
    }

    /// Computes the alignment of the same examples' features in another network or at another stage, 0 to 1.
    /// - Parameter features: `[examples, any width]`.
    /// - Returns: the alignment; nil if all examples have the same features in one of the two.
    /// - Throws: `ShapeError` if the number of examples differs, and `LinearAlgebraError` if a feature is undefined.
    package func value(with features: Tensor) throws -> Double? {
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

    static let description = MeasureDescription(
        .kernelAlignment, title: "Alignment with the original (CKA)",
        definition: "Linear centered kernel alignment of the penultimate features of all test images with the "
            + "original's: 1 if they are equal up to rotation and scale.",
        source: "Kornblith et al. 2019, Similarity of Neural Network Representations Revisited (arXiv 1905.00414)",
        group: .representation, unit: .number, greatest: 1, direction: .closerToRetrained)
}

/// Takes the linear CKA of each stage's features with the original's, over all test examples.
struct AlignmentMeasure: BuiltInMeasure {
    let descriptions = [FeatureAlignment.description]
    let requirements: [EvidenceRequirement] = [.forgottenClasses, .features, .forgottenTest, .retainedTest]

    func cost(_ plan: AuditPlan) -> Int {
        plan.configuration.examinesRepresentation ? plan.modelCount * plan.testCount / 16 : 0
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        let models = evidence.models
        var stages: [MeasureRow] = []
        var last: PerModel<Double?> = PerModel(original: nil, unlearned: nil, retrained: [])
        do {
            for stage in models.original.test.features {
                try evidence.context.checkCancellation()
                let rows = stage.manageableRows
                let alignment = try FeatureAlignment(reference: stage.values.rows(rows))
                func value(_ model: ModelEvidence) throws -> Double? {
                    try model.test.features.first { $0.node == stage.node }.flatMap {
                        try alignment.value(with: $0.values.rows(rows))
                    }
                }
                last = PerModel(
                    original: nil, unlearned: try value(models.unlearned), retrained: try models.retrained.map(value))
                stages.append(MeasureRow(name: stage.node, values: last.byModel))
            }
        } catch let error as LinearAlgebraError {
            findings.results.append(MeasureResult(FeatureAlignment.description, omitted: "\(error)"))
            return
        }
        guard let unlearned = last.unlearned else {
            findings.results.append(
                MeasureResult(
                    FeatureAlignment.description,
                    omitted:
                        "the unlearned model does not have the original's last stage, or its features are the same for "
                        + "all images"))
            return
        }
        findings.results.append(
            MeasureResult(
                FeatureAlignment.description, unlearned: MeasureValue(unlearned),
                retrained: last.retrained.compactMap { $0 }.map { MeasureValue($0) }, rows: stages, rowKind: .layers,
                note: "Over \(evidence.test.labels.count) test images; rows: the ends of the network's blocks"))
        for row in stages {
            findings.figures.updateLayer(row.name, of: models.original.model.graph) { $0.alignment = row.values }
        }
    }
}
