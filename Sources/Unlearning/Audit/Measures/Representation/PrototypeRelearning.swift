import ImageDatasets
package import NeuralGraph

/// Prototype relearning: forget accuracy after the last layer's row is rewritten from a few examples, without training.
///
/// The row is an imprinted weight (Qi, Brown and Lowe 2018, "Low-Shot Learning with Imprinted Weights"): what the
/// network then recognizes was in its features all along. With m the mean features of the examples, mₖ those of the
/// retained classes, μ their mean, w̄ the mean row of the retained classes and s the mean of |wₖ - w̄|, the new row is
/// `w̄ + s (m - μ) / |m - μ|`, as far from the mean row as the others, in the direction of its own class. Its bias
/// makes the logit at m the mean of the retained classes' logits at their mₖ. The measure is the accuracy on test
/// examples of the forgotten classes, 0 to 1. The retrained models' value is the target, since a network that never saw
/// the class learns it from a prototype too.
package struct PrototypeRelearning: Sendable {
    let head: LinearHead
    private let center: [Double]
    private let meanRow: [Double]
    private let length: Double
    private let level: Double

    /// Computes the retained classes' mean features and rows.
    /// - Parameters:
    ///   - head: the network's last layer.
    ///   - features: penultimate features of training examples, `[examples, width]`; those of forgotten classes are
    ///     ignored.
    ///   - labels: each example's class.
    ///   - forgotten: the forgotten classes.
    /// - Throws: `ShapeError` if features, labels and head do not belong together or no class is retained, and
    ///   `LinearAlgebraError` if a feature is undefined.
    package init(head: LinearHead, features: Tensor, labels: [Int], forgotten: Set<Int>) throws {
        try LabeledFeatures.check(features, labels: labels, classes: head.weights.rows)
        try LabeledFeatures.check(features, width: head.width)
        let (means, counts) = try DoubleMatrix(features).classMeans(labels: labels, classes: head.weights.rows)
        guard means.isFinite else { throw LinearAlgebraError.notFinite(matrix: "the class means' features") }
        let retained = counts.indices.filter { counts[$0] > 0 && !forgotten.contains($0) }
        guard !retained.isEmpty else {
            throw ShapeError("labels", "no example is of a retained class; give some of every class")
        }
        self.head = head
        let rows = head.weights
        func mean(_ matrix: DoubleMatrix) -> [Double] {
            (0..<matrix.columns).map { column in
                retained.reduce(0) { $0 + matrix[$1, column] } / Double(retained.count)
            }
        }
        let (center, meanRow) = (mean(means), mean(rows))
        self.center = center
        self.meanRow = meanRow
        length =
            retained.reduce(0) { sum, label in
                sum + Self.norm(meanRow.indices.map { rows[label, $0] - meanRow[$0] })
            } / Double(retained.count)
        level =
            retained.reduce(0) { sum, label in
                sum + meanRow.indices.reduce(head.biases[label]) { $0 + rows[label, $1] * means[label, $1] }
            } / Double(retained.count)
    }

    /// Rewrites one class's row of the head.
    /// - Parameters:
    ///   - label: the class.
    ///   - features: penultimate features of some of its examples, `[examples, width]`, one or more.
    /// - Throws: `ShapeError` if there are none, or the width is another, and `LinearAlgebraError` if a feature is
    ///   undefined.
    package func head(rewriting label: Int, from features: Tensor) throws -> LinearHead {
        try LabeledFeatures.check(features, width: head.width)
        guard features.shape[0] > 0, (0..<head.weights.rows).contains(label) else {
            throw ShapeError(
                "prototype", "class \(label) cannot be rewritten from \(features.shape[0]) examples; give one or more")
        }
        var result = head
        try rewrite(label, from: DoubleMatrix(features), in: &result)
        return result
    }

    func rewrite(_ label: Int, from features: DoubleMatrix, in head: inout LinearHead) throws {
        let prototype = features.columnMeans
        guard prototype.allSatisfy(\.isFinite) else {
            throw LinearAlgebraError.notFinite(matrix: "the prototype's features")
        }
        let (row, bias) = row(for: prototype)
        for (column, weight) in row.enumerated() { head.weights[label, column] = weight }
        head.biases[label] = bias
    }

    /// Computes the row and the bias of a prototype.
    func row(for prototype: [Double]) -> (weights: [Double], bias: Double) {
        let direction = zip(prototype, center).map { $0 - $1 }
        let distance = Self.norm(direction)
        var product = 0.0
        let weights = direction.indices.map { column in
            // A prototype at the center of the others has no direction.
            let part = distance > 0 ? length * direction[column] / distance : 0
            let weight = meanRow[column] + part
            product += weight * prototype[column]
            return weight
        }
        return (weights, level - product)
    }

    private static func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    static let description = MeasureDescription(
        .prototypeRelearning, title: "Prototype relearning",
        definition: "Test accuracy of the forgotten classes after the last layer's row of each was rewritten from the "
            + "mean features of a few of its training images, without training.",
        source: "Qi, Brown and Lowe 2018, Low-Shot Learning with Imprinted Weights (arXiv 1712.07136)",
        group: .representation, unit: .share, direction: .closerToRetrained)
}

/// Takes prototype relearning from a few training examples, averaged over several draws of them.
struct PrototypeRelearningMeasure: BuiltInMeasure {
    let descriptions = [PrototypeRelearning.description]
    let requirements: [EvidenceRequirement] = [
        .forgottenClasses, .features, .forgottenTest, .retainedTest, .forgottenTraining, .retainedTraining,
    ]

    /// The number of training examples of each forgotten class for a prototype.
    static let examples = 10
    /// The number of draws, over which accuracy is averaged.
    static let draws = 5

    func examine(_ evidence: AuditEvidence, into findings: inout AuditFindings) throws {
        do {
            let scores = try evidence.models.map { try recognized(by: $0, evidence) }
            guard scores.original != nil || scores.unlearned != nil else {
                findings.results.append(
                    MeasureResult(PrototypeRelearning.description, omitted: HeadShare.noHead))
                return
            }
            let rows = [
                MeasureRow(
                    name: "forgotten classes",
                    values: scores.map { $0.flatMap { Statistics.mean($0.forgotten) } }.byModel),
                MeasureRow(
                    name: "retained classes", values: scores.map { $0.flatMap { Statistics.mean($0.retained) } }.byModel
                ),
            ]
            findings.results.append(
                evidence.result(
                    PrototypeRelearning.description, meanOf: scores.map { $0?.forgotten },
                    refitted: try refitted(evidence), rows: rows, rowKind: .variants,
                    note: "From \(Self.examples) images of each class, mean of \(Self.draws) draws; "
                        + "rows: test accuracy afterwards"))
        } catch let error as LinearAlgebraError {
            findings.results.append(MeasureResult(PrototypeRelearning.description, omitted: "\(error)"))
        }
    }

    /// The accuracy in resamples, for each of which the prototypes' images are chosen again.
    private func refitted(_ evidence: AuditEvidence) throws -> PerModel<[Double?]?>? {
        guard evidence.configuration.bootstrap != nil, let training = evidence.training else { return nil }
        let rules = try evidence.models.map { model -> RefittedPrototypes? in
            guard let head = LinearHead(of: model.model), let features = model.training?.features.last,
                let test = model.test.features.last, features.node == model.model.graph.penultimate
            else { return nil }
            let relearning = try PrototypeRelearning(
                head: head, features: features.values, labels: training.labels, forgotten: evidence.forgottenClasses)
            let members = Dictionary(grouping: training.forgotten) { training.labels[$0] }
            return RefittedPrototypes(
                relearning, members: try members.mapValues { try DoubleMatrix(features.values, rows: $0) },
                asking: try DoubleMatrix(test.values, rows: evidence.test.forgotten),
                labels: evidence.test.forgotten.map { evidence.test.labels[$0] })
        }
        guard let counts = (rules.original ?? rules.unlearned)?.memberCounts else { return nil }
        var random = SeededRandom(seed: evidence.context.seed("prototype"), stream: "refits")
        return try evidence.refitted(PrototypeRelearning.description, kinds: [evidence.test.forgotten.count]) { draws in
            // The same images for every model. Few that are drawn from a resample are few drawn with repetition.
            let choices = draws.map { _ in
                (0..<Self.draws).map { _ in
                    counts.map { count in
                        (0..<min(Self.examples, count)).map { _ in random.integer(below: count) }
                    }
                }
            }
            return rules.map { rule in rule.map { $0.accuracies(choices, drawn: draws.map { $0[0] }) } }
        }
    }

    /// Computes the share of draws for which each test example is recognized; nil for a model without a linear last
    /// layer.
    private func recognized(
        by model: ModelEvidence, _ evidence: AuditEvidence
    ) throws -> (forgotten: [Double], retained: [Double])? {
        guard let head = LinearHead(of: model.model), let training = evidence.training,
            let features = model.training?.features.last, let test = model.test.features.last,
            features.node == model.model.graph.penultimate
        else { return nil }
        let relearning = try PrototypeRelearning(
            head: head, features: features.values, labels: training.labels, forgotten: evidence.forgottenClasses)
        let examples = try DoubleMatrix(test.values)
        let labels = evidence.test.labels
        var hits = [Double](repeating: 0, count: labels.count)
        for draw in 0..<Self.draws {
            var rewritten = head
            for label in evidence.forgottenClasses.sorted() {
                // The same images for every model.
                var members = training.forgotten.filter { training.labels[$0] == label }
                guard !members.isEmpty else { continue }
                var random = SeededRandom(seed: evidence.context.seed("prototype"), stream: "\(label).\(draw)")
                let count = min(Self.examples, members.count)
                random.draw(count, toFrontOf: &members)
                let prototype = try DoubleMatrix(features.values, rows: Array(members.prefix(count)))
                try relearning.rewrite(label, from: prototype, in: &rewritten)
            }
            for (row, predicted) in rewritten.predictions(of: examples).enumerated() where predicted == labels[row] {
                hits[row] += 1 / Double(Self.draws)
            }
        }
        return (evidence.test.forgotten.map { hits[$0] }, evidence.test.retained.map { hits[$0] })
    }
}
