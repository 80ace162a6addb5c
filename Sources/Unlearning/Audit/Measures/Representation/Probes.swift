package import NeuralGraph

/// A linear probe, a linear classifier of a network's frozen features (Alain and Bengio 2016, "Understanding
/// intermediate layers using linear classifier probes").
///
/// What it recognizes is still in the features, whatever the network predicts. It is ridge regression of one-hot
/// classes in closed form, without a penalty on the intercept: `W = (Xᵀ X + a I)⁻¹ Xᵀ Y` over centered features X and
/// targets Y. With weights, the means are weighted, and rows of X and Y are multiplied by the weights' square roots, as by
/// scikit-learn's `Ridge.fit(sample_weight:)`. An audit weights its training examples by ``AuditSamples/weights``. The
/// measure is the recall of the forgotten classes, the share of their test examples that the probe recognizes, 0 to 1.
/// The retrained models' value is the target, which is far from 0, since features of other classes describe a new class
/// too.
package struct LinearProbe: Sendable {
    private let weights: DoubleMatrix
    private let intercepts: [Double]

    /// Fits the probe, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`.
    ///   - labels: each example's class, the forgotten ones' true class among them.
    ///   - classes: the number of classes.
    ///   - weights: each example's weight, above 0; nil weights all alike.
    ///   - regularization: the penalty `a` relative to the features' mean variance times the sum of the weights, above 0;
    ///     being relative, it does not depend on the features' scale.
    /// - Throws: `ShapeError` if features and labels do not belong together, and `LinearAlgebraError` if a feature is
    ///   undefined, or all examples have the same features.
    package init(
        features: Tensor, labels: [Int], classes: Int, weights: [Double]? = nil, regularization: Double = 1e-3
    ) throws {
        try LabeledFeatures.check(features, labels: labels, classes: classes)
        guard regularization > 0, regularization.isFinite else {
            throw UnlearningError.invalidSetting(
                name: "probe regularization", value: "\(regularization)", remedy: "use a finite number above 0")
        }
        if let weights, weights.count != labels.count || !weights.allSatisfy({ $0 > 0 && $0.isFinite }) {
            throw ShapeError(
                "weights", "\(weights.count) came with \(labels.count) examples; give each a finite number above 0")
        }
        try self.init(
            features: DoubleMatrix(features), labels: labels, classes: classes, weights: weights,
            regularization: regularization)
    }

    init(
        features: DoubleMatrix, labels: [Int], classes: Int, weights sampleWeights: [Double]?,
        regularization: Double = 1e-3
    ) throws {
        let means = features.columnMeans(weights: sampleWeights)
        let x = features.subtracting(means).scalingRows(weights: sampleWeights)
        var targets = DoubleMatrix(repeating: 0, rows: x.rows, columns: classes)
        for (row, label) in labels.enumerated() { targets[row, label] = 1 }
        let targetMeans = targets.columnMeans(weights: sampleWeights)
        let y = targets.subtracting(targetMeans).scalingRows(weights: sampleWeights)
        let penalty = regularization * x.squaredNorm / Double(x.columns)
        if x.columns <= x.rows {
            // W [width x classes] = (Xᵀ X + a I)⁻¹ [width x width] · Xᵀ Y [width x classes]
            weights = try x.times(x, transposingSelf: true).addingToDiagonal(penalty)
                .solvingPositiveDefinite(x.times(y, transposingSelf: true), named: "the probe's features")
        } else {
            // The dual form, with fewer examples than features:
            // W [width x classes] = Xᵀ [width x examples] · (X Xᵀ + a I)⁻¹ Y [examples x classes]
            let dual = try x.times(x, transposingOther: true).addingToDiagonal(penalty)
                .solvingPositiveDefinite(y, named: "the probe's features")
            weights = x.times(dual, transposingSelf: true)
        }
        let offsets = DoubleMatrix(rows: 1, columns: x.columns, elements: means).times(weights)
        intercepts = zip(targetMeans, offsets.elements).map { $0 - $1 }
    }

    /// Computes the probe's outputs for each class, of which the largest is its prediction.
    /// - Parameter features: `[examples, width]`.
    /// - Returns: `[examples, classes]` in row-major order.
    /// - Throws: `ShapeError` if the width is another.
    package func scores(of features: Tensor) throws -> [Double] {
        try LabeledFeatures.check(features, width: weights.rows)
        return scores(of: try DoubleMatrix(features)).elements
    }

    /// Predicts each example's class, the first of equal ones.
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

    package static let description = MeasureDescription(
        .linearProbe, title: "Linear probe",
        definition: "Recall of the forgotten classes' test images by a linear classifier (ridge regression) of the "
            + "penultimate features, fitted on training images of all classes, weighted by the classes' "
            + "shares of the data.",
        source: "Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes "
            + "(arXiv 1610.01644)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}

/// The nearest class centroid: each example gets the class whose mean features are closest by Euclidean distance.
///
/// Unlike a linear probe it fits nothing; it only needs the class to form a cluster. The measure is the recall of the
/// forgotten classes' test examples with centroids of training examples, 0 to 1. The retrained models' value is the
/// target. Papyan, Han and Donoho (2020) show why trained networks approach this rule.
package struct NearestCentroid: Sendable {
    private let centroids: DoubleMatrix
    private let isKnown: [Bool]

    /// Computes the centroids, in Double.
    /// - Parameters:
    ///   - features: `[examples, width]`.
    ///   - labels: each example's class.
    ///   - classes: the number of classes; those without examples are never predicted.
    /// - Throws: `ShapeError` if features and labels do not belong together, and `LinearAlgebraError` if a feature is
    ///   undefined.
    package init(features: Tensor, labels: [Int], classes: Int) throws {
        try LabeledFeatures.check(features, labels: labels, classes: classes)
        try self.init(features: DoubleMatrix(features), labels: labels, classes: classes)
    }

    init(features: DoubleMatrix, labels: [Int], classes: Int) throws {
        let (means, counts) = features.classMeans(labels: labels, classes: classes)
        guard means.isFinite else { throw LinearAlgebraError.notFinite(matrix: "the class centroids' features") }
        centroids = means
        isKnown = counts.map { $0 > 0 }
    }

    /// Predicts the class of the closest centroid, the first of equal ones.
    /// - Parameter features: `[examples, width]`.
    /// - Throws: `ShapeError` if the width is another.
    package func predictions(of features: Tensor) throws -> [Int] {
        try LabeledFeatures.check(features, width: centroids.columns)
        return predictions(of: try DoubleMatrix(features))
    }

    func predictions(of features: DoubleMatrix) -> [Int] {
        let lengths = (0..<centroids.rows).map { label in
            (0..<centroids.columns).reduce(0) { $0 + centroids[label, $1] * centroids[label, $1] }
        }
        // |x - c|^2 = |x|^2 - 2 <x, c> + |c|^2, and |x|^2 is the same for all centroids:
        // [examples x classes] = X [examples x width] · Cᵀ [width x classes]
        var closeness = features.times(centroids, transposingOther: true)
            .subtracting(lengths.map { $0 / 2 })
        for label in isKnown.indices where !isKnown[label] {
            for row in 0..<closeness.rows { closeness[row, label] = -.infinity }
        }
        return closeness.largestInRows
    }

    static let description = MeasureDescription(
        .nearestCentroid, title: "Nearest class centroid",
        definition: "Recall of the forgotten classes' test images by the class whose mean penultimate features, over "
            + "training images, are closest.",
        source: "Papyan, Han and Donoho 2020, Prevalence of neural collapse (arXiv 2008.08186)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}

/// Takes linear probe and nearest class centroid at every stage, fitted to training examples.
struct ProbeMeasures: BuiltInMeasure {
    let descriptions = [LinearProbe.description, NearestCentroid.description]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .forgottenTest, .forgottenTraining, .retainedTraining,
    ]

    func cost(_ plan: AuditPlan) -> Int {
        plan.configuration.examinesRepresentation ? plan.modelCount * plan.trainingCount / 4 : 0
    }

    /// The scores at one stage: 1 for each test example that is recognized, else 0.
    private struct Recall {
        var probe: [Double]
        var centroid: [Double]
        var retainedProbe: [Double]
    }

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        guard let training = evidence.training else { return }
        let labels = training.labels
        let recalls: PerModel<[String: Recall]>
        do {
            recalls = try evidence.models.map { try recall(of: $0, training: training, evidence) }
        } catch let error as LinearAlgebraError {
            findings.results += descriptions.map { MeasureResult($0, omitted: "\(error)") }
            return
        }
        let stages = evidence.models.original.test.features.map(\.node)
        let note =
            "Fitted to \(labels.count) training images, tested on \(evidence.test.forgotten.count) test images; "
            + "rows: the ends of the network's blocks"
            + (training.weights(of: []) == nil
                ? "" : "; the probe weights images by how many of their class were drawn")
        for (measure, scores) in [
            (LinearProbe.description, recalls.map { $0.mapValues(\.probe) }),
            (NearestCentroid.description, recalls.map { $0.mapValues(\.centroid) }),
        ] {
            let means = scores.map { $0.compactMapValues { Statistics.mean($0) } }
            let kept = recalls.map { $0.compactMapValues { Statistics.mean($0.retainedProbe) } }
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
            let knowing = stages.filter { stage in
                guard let own = means.unlearned[stage], !means.retrained.isEmpty else { return false }
                return means.retrained.allSatisfy { $0[stage].map { own > $0 } ?? false }
            }
            let refitted = try refitted(measure, evidence, training)
            let found = knowing.isEmpty ? "" : "; above every retrained model at: \(knowing.joined(separator: ", "))"
            findings.results.append(
                evidence.result(
                    measure, meanOf: penultimate, refitted: refitted, rows: rows, rowKind: .layers, note: note + found))
            for row in rows {
                findings.figures.updateLayer(row.name, of: evidence.models.original.model.graph) { layer in
                    if measure.identifier == .linearProbe {
                        layer.probeRecall = row.values
                        layer.retainedProbeAccuracy = kept.map { $0[row.name] }.byModel
                    } else {
                        layer.centroidRecall = row.values
                    }
                }
            }
        }
    }

    /// The recall in resamples of the images, for each of which probe or centroids of the penultimate features are fitted
    /// again.
    private func refitted(
        _ measure: MeasureDescription, _ evidence: AuditEvidence, _ training: AuditSamples
    ) throws -> PerModel<[Double?]?>? {
        guard evidence.configuration.bootstrap != nil else { return nil }
        typealias Rule = (kinds: [Int], refits: Int, recalls: ([[[Double]]]) -> [Double?])
        let asked = evidence.test.forgotten.map { evidence.test.labels[$0] }
        let rules = try evidence.models.map { model -> Rule? in
            guard let fitted = model.training?.features.last, let tried = model.test.features.last else { return nil }
            let rows = fitted.manageableRows
            let labels = rows.map { training.labels[$0] }
            let features = try DoubleMatrix(fitted.values, rows: rows)
            let examples = try DoubleMatrix(tried.values, rows: evidence.test.forgotten)
            guard measure.identifier == .linearProbe else {
                let rule = RefittedCentroids(
                    features: features, labels: labels, classes: evidence.classCount, asking: examples,
                    labels: asked)
                return (rule.kinds, Bootstrap.refits, rule.recalls)
            }
            return RefittedProbe(
                features: features, labels: labels, classes: evidence.classCount, weights: training.weights(of: rows),
                asking: examples, labels: asked
            ).map { ($0.kinds, $0.refits, $0.recalls) }
        }
        guard let (kinds, refits, _) = rules.original else { return nil }
        return try evidence.refitted(measure, kinds: kinds, limit: refits) { draws in
            // A network with very wide features is measured on other images.
            rules.map { rule in rule.flatMap { $0.kinds == kinds ? $0.recalls(draws) : nil } }
        }
    }

    private func recall(
        of model: ModelEvidence, training samples: AuditSamples, _ evidence: AuditEvidence
    ) throws -> [String: Recall] {
        guard let training = model.training else { return [:] }
        let truth = evidence.test.forgotten.map { evidence.test.labels[$0] }
        var recalls: [String: Recall] = [:]
        for (fitted, tried) in zip(training.features, model.test.features) {
            try evidence.context.checkCancellation()
            let rows = fitted.manageableRows
            let labels = rows.map { samples.labels[$0] }
            let features = try DoubleMatrix(fitted.values, rows: rows)
            let examples = try DoubleMatrix(tried.values, rows: evidence.test.forgotten)
            let isRetained = Set(evidence.test.retained)
            let others = tried.manageableRows.filter { isRetained.contains($0) }
            let probe = try LinearProbe(
                features: features, labels: labels, classes: evidence.classCount, weights: samples.weights(of: rows))
            let centroid = try NearestCentroid(features: features, labels: labels, classes: evidence.classCount)
            func scores(_ predicted: [Int]) -> [Double] { Accuracies.scores(predicted, labels: truth) }
            recalls[fitted.node] = Recall(
                probe: scores(probe.predictions(of: examples)), centroid: scores(centroid.predictions(of: examples)),
                retainedProbe: others.isEmpty
                    ? []
                    : Accuracies.scores(
                        probe.predictions(of: try DoubleMatrix(tried.values, rows: others)),
                        labels: others.map { evidence.test.labels[$0] }))
            try evidence.progress.advance(by: labels.count / 4 / max(1, training.features.count))
        }
        return recalls
    }
}
