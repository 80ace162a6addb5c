import NeuralGraph

/// A linear probe (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes"): a linear
/// classifier of a network's frozen features. What it recognizes is still there to be read, whatever the network
/// answers.
///
/// Ridge regression of one-hot classes in closed form, the intercept not being penalized:
/// `W = (Xᵀ X + a I)⁻¹ Xᵀ Y` over centered features X and targets Y. The measure is the recall of the forgotten class:
/// the share of its test examples for which the probe's largest output is that class. 0 to 1; a retrained model's own
/// figure is the target, which is far from 0, since features of other classes describe a new class too.
public struct LinearProbe: Sendable {
    private let weights: DoubleMatrix
    private let intercepts: [Double]

    /// Fits the probe, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`.
    ///   - labels: each example's class, the forgotten ones' true class among them.
    ///   - classes: the number of classes.
    ///   - regularization: the penalty `a` as a multiple of the centered features' mean variance times their number,
    ///     above 0, so that the same network in other units has the same probe.
    /// - Throws: `ShapeError` if features and labels do not belong together, and `LinearAlgebraError` if a feature is
    ///   undefined, or all examples have the same features.
    public init(features: Tensor, labels: [Int], classes: Int, regularization: Double = 1e-3) throws {
        try LabeledFeatures.check(features, labels: labels, classes: classes)
        guard regularization > 0, regularization.isFinite else {
            throw UnlearningError.invalidSetting(
                name: "probe regularization", value: "\(regularization)", remedy: "use a finite number above 0")
        }
        try self.init(
            features: DoubleMatrix(features), labels: labels, classes: classes, regularization: regularization)
    }

    init(features: DoubleMatrix, labels: [Int], classes: Int, regularization: Double = 1e-3) throws {
        let means = features.columnMeans
        let x = features.subtracting(means)
        var targets = DoubleMatrix(repeating: 0, rows: x.rows, columns: classes)
        for (row, label) in labels.enumerated() { targets[row, label] = 1 }
        let targetMeans = targets.columnMeans
        let y = targets.subtracting(targetMeans)
        let penalty = regularization * x.squaredNorm / Double(x.columns)
        if x.columns <= x.rows {
            // W [width x classes] = (Xᵀ X + a I)⁻¹ [width x width] · Xᵀ Y [width x classes]
            weights = try x.times(x, transposingSelf: true).addingToDiagonal(penalty)
                .solvingPositiveDefinite(x.times(y, transposingSelf: true), named: "the probe's features")
        } else {
            // The same by way of examples, of which there are fewer:
            // W [width x classes] = Xᵀ [width x examples] · (X Xᵀ + a I)⁻¹ Y [examples x classes]
            let dual = try x.times(x, transposingOther: true).addingToDiagonal(penalty)
                .solvingPositiveDefinite(y, named: "the probe's features")
            weights = x.times(dual, transposingSelf: true)
        }
        let offsets = DoubleMatrix(rows: 1, columns: x.columns, elements: means).times(weights)
        intercepts = zip(targetMeans, offsets.elements).map { $0 - $1 }
    }

    /// The probe's outputs, one a class; the largest is its answer.
    /// - Parameter features: `[examples, width]`.
    /// - Returns: `[examples, classes]` row after row.
    /// - Throws: `ShapeError` if the width is another.
    public func scores(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: weights.rows)
        return scores(of: try DoubleMatrix(features)).elements
    }

    /// The class that the probe puts each example into, the first of equals.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    public func predictions(of features: Tensor) throws -> [Int] {
        try LabeledFeatures.check(features, width: weights.rows)
        return predictions(of: try DoubleMatrix(features))
    }

    func predictions(of features: DoubleMatrix) -> [Int] { scores(of: features).largestInRows }

    private func scores(of features: DoubleMatrix) -> DoubleMatrix {
        // [examples x classes] = X [examples x width] · W [width x classes]
        features.times(weights).subtracting(intercepts.map { -$0 })
    }

    static let measure = MeasureDescription(
        .linearProbe, title: "Linear probe",
        definition: "Recall of the forgotten classes' test images by a linear classifier (ridge regression) of the "
            + "penultimate features, fitted on training images of all classes.",
        source: "Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes "
            + "(arXiv 1610.01644)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}
