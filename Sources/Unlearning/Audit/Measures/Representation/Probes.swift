import NeuralGraph

/// A linear probe (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes"): a linear
/// classifier of a network's frozen features. What it recognizes is still there to be read, whatever the network
/// answers.
///
/// Ridge regression of one-hot classes in closed form, the intercept not being penalized:
/// `W = (Xᵀ X + a I)⁻¹ Xᵀ Y` over centered features X and targets Y. The measure is the recall of the forgotten class:
/// the share of its test examples for which the probe's largest output is that class. 0 to 1; a retrained model's own
/// figure is the target, which is far from 0, since features of other classes describe a new class too.
package struct LinearProbe: Sendable {
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
    package init(features: Tensor, labels: [Int], classes: Int, regularization: Double = 1e-3) throws {
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
    package func scores(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: weights.rows)
        return scores(of: try DoubleMatrix(features)).elements
    }

    /// The class that the probe puts each example into, the first of equals.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    package func predictions(of features: Tensor) throws -> [Int] {
        try LabeledFeatures.check(features, width: weights.rows)
        return predictions(of: try DoubleMatrix(features))
    }

    func predictions(of features: DoubleMatrix) -> [Int] { scores(of: features).largestInRows }

    private func scores(of features: DoubleMatrix) -> DoubleMatrix {
        // [examples x classes] = X [examples x width] · W [width x classes]
        features.times(weights).subtracting(intercepts.map { -$0 })
    }

    static let description = MeasureDescription(
        .linearProbe, title: "Linear probe",
        definition: "Recall of the forgotten classes' test images by a linear classifier (ridge regression) of the "
            + "penultimate features, fitted on training images of all classes.",
        source: "Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes "
            + "(arXiv 1610.01644)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}

/// The nearest class centroid: each example is put into the class whose mean features are nearest to its own, by
/// Euclidean distance. It asks for less than a linear probe: that the class lies together, with nothing fitted.
///
/// The measure is the recall of the forgotten class on test examples, with centers from training examples. 0 to 1; a
/// retrained model's own figure is the target (Papyan, Han and Donoho 2020 on why trained networks come to this rule).
package struct NearestCentroid: Sendable {
    private let centers: DoubleMatrix
    private let isKnown: [Bool]

    /// Computes the centers, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`.
    ///   - labels: each example's class.
    ///   - classes: the number of classes; one without examples is nobody's nearest.
    /// - Throws: `ShapeError` if features and labels do not belong together, and `LinearAlgebraError` if a feature is
    ///   undefined.
    package init(features: Tensor, labels: [Int], classes: Int) throws {
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
    package func predictions(of features: Tensor) throws -> [Int] {
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

    static let description = MeasureDescription(
        .nearestCentroid, title: "Nearest class centroid",
        definition: "Recall of the forgotten classes' test images when each is put into the class whose mean "
            + "penultimate features, over training images, are nearest.",
        source: "Papyan, Han and Donoho 2020, Prevalence of neural collapse (arXiv 2008.08186)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}

/// Linear probe and nearest class centroid at every stage, fitted on training examples, tried on test examples of the
/// forgotten classes.
struct ProbeMeasures: BuiltInMeasure {
    let descriptions = [LinearProbe.description, NearestCentroid.description]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .forgottenTest, .forgottenTraining, .retainedTraining,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        plan.configuration.examinesRepresentation ? plan.modelCount * plan.trainingCount / 4 : 0
    }

    /// What the two rules recover at one stage: 1 for each forgotten test example that is recognized, else 0.
    private struct Recall {
        var probe: [Double]
        var center: [Double]
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let labels = evidence.training?.labels else { return }
        let recalls: PerModel<[String: Recall]>
        do {
            recalls = try evidence.models.map { try recall(of: $0, labels: labels, evidence) }
        } catch let error as LinearAlgebraError {
            findings.results += descriptions.map { MeasureResult($0, omitted: "\(error)") }
            return
        }
        let stages = evidence.models.original.test.features.map(\.node)
        let note =
            "fitted on \(labels.count) training images, tried on \(evidence.test.forgotten.count) test images; "
            + "rows: the ends of the network's blocks"
        for (measure, scores) in [
            (LinearProbe.description, recalls.map { $0.mapValues(\.probe) }),
            (NearestCentroid.description, recalls.map { $0.mapValues(\.center) }),
        ] {
            let means = scores.map { $0.compactMapValues { Statistics.mean($0) } }
            let rows = stages.map { stage in MeasureRow(name: stage, values: means.map { $0[stage] }.byModel) }
            let last = PerModel(
                original: evidence.models.original, unlearned: evidence.models.unlearned,
                retrained: evidence.models.retrained
            ).map { $0.test.features.last?.node }
            let penultimate = PerModel(
                original: last.original.flatMap { scores.original[$0] },
                unlearned: last.unlearned.flatMap { scores.unlearned[$0] },
                retrained: zip(last.retrained, scores.retrained).map { stage, scores in
                    stage.flatMap { scores[$0] }
                })
            findings.results.append(
                evidence.result(measure, meanOf: penultimate, rows: rows, rowKind: .layers, note: note))
            for row in rows {
                findings.figures.updateLayer(row.name, of: evidence.models.original.model.graph) { layer in
                    if measure.identifier == .linearProbe {
                        layer.probeRecall = row.values
                    } else {
                        layer.centroidRecall = row.values
                    }
                }
            }
        }
    }

    private func recall(
        of model: ModelEvidence, labels: [Int], _ evidence: AuditEvidence
    ) throws -> [String: Recall] {
        guard let training = model.training else { return [:] }
        let truth = evidence.test.forgotten.map { evidence.test.labels[$0] }
        var recalls: [String: Recall] = [:]
        for (fitted, tried) in zip(training.features, model.test.features) {
            try evidence.context.checkCancellation()
            let rows = fitted.manageableRows
            let labels = rows.map { labels[$0] }
            let features = try DoubleMatrix(fitted.values, rows: rows)
            let examples = try DoubleMatrix(tried.values, rows: evidence.test.forgotten)
            let probe = try LinearProbe(features: features, labels: labels, classes: evidence.classCount)
            let center = try NearestCentroid(features: features, labels: labels, classes: evidence.classCount)
            func scores(_ predictions: [Int]) -> [Double] { zip(predictions, truth).map { $0 == $1 ? 1 : 0 } }
            recalls[fitted.node] = Recall(
                probe: scores(probe.predictions(of: examples)), center: scores(center.predictions(of: examples)))
            try evidence.progress.advance(by: labels.count / 4 / max(1, training.features.count))
        }
        return recalls
    }
}
