import ImageDatasets
import NeuralGraph

/// Something for the original, the unlearned and each retrained model.
struct PerModel<Value> {
    var original: Value
    var unlearned: Value
    var retrained: [Value]

    func map<Result>(_ transform: (Value) throws -> Result) rethrows -> PerModel<Result> {
        PerModel<Result>(
            original: try transform(original), unlearned: try transform(unlearned),
            retrained: try retrained.map(transform))
    }
}

extension PerModel: Sendable where Value: Sendable {}

extension PerModel where Value == Double? {
    /// The values as a report has them: the mean over the retrained models.
    var byModel: ByModel<Double> {
        let known = retrained.compactMap { $0 }
        return ByModel(
            original: original, unlearned: unlearned,
            retrained: known.count == retrained.count ? Statistics.mean(known) : nil)
    }
}

/// What one model computes from examples.
struct ExampleOutputs: Sendable {
    /// The answers.
    let predictions: Predictions
    /// The features by stage, from input to output; the last stage's are the penultimate features.
    let features: [StageFeatures]
}

/// What one model computes from all examples of an audit, in one forward pass over each.
struct ModelEvidence: Sendable {
    /// The model.
    let model: Model
    /// On ``AuditEvidence/test``.
    let test: ExampleOutputs
    /// On ``AuditEvidence/training``; nil if there is none.
    let training: ExampleOutputs?
}

/// What all measures of an audit share: the models, the examples, and what the ones compute from the others.
struct AuditEvidence: Sendable {
    /// The settings.
    let configuration: AuditConfiguration
    /// The forgotten classes.
    let forgottenClasses: Set<Int>
    /// Whether samples of classes that stay were to be forgotten.
    let supportsSamples: Bool
    /// The classes' names; their numbers if they have none.
    let classNames: [String]
    /// The retained classes that the original confuses most with the forgotten ones, the most confused first.
    let adjacentClasses: [Int]
    /// Test examples.
    let test: AuditSamples
    /// Training examples, if there are any.
    let training: AuditSamples?
    /// The models and their outputs.
    let models: PerModel<ModelEvidence>
    /// Threads, seed, cancellation.
    let context: RunContext
    /// Takes reports of finished work.
    let progress: AuditProgress

    /// A model's answers to what was to be forgotten: to test examples of the classes, or to the samples.
    func forgottenAnswers(of model: ModelEvidence) -> Predictions {
        guard supportsSamples, let training, let answers = model.training else {
            return model.test.predictions[test.forgotten]
        }
        return answers.predictions[training.forgotten]
    }

    /// The number of classes.
    var classCount: Int { classNames.count }

    /// The other retained classes.
    var remoteClasses: [Int] {
        (0..<classCount).filter { !forgottenClasses.contains($0) && !adjacentClasses.contains($0) }
    }

    /// A result from scores of the same examples by every model, whose means are the measure: values, gap and, where
    /// asked for, confidence intervals. The gap's interval is paired: model against model on each example.
    /// - Parameters:
    ///   - scores: one score an example; nil for a model to which the measure does not apply.
    ///   - strata: how many examples of each kind there are, in the order of the scores, where every kind counts the same
    ///     in the mean; empty if all are of one.
    func result(
        _ measure: MeasureDescription, meanOf scores: PerModel<[Double]?>, strata: [Int] = [],
        rows: [MeasureRow] = [], rowKind: MeasureResult.RowKind? = nil, note: String? = nil
    ) -> MeasureResult {
        let retrained = scores.retrained.compactMap { $0 }
        var columns: [[Double]] = []
        func add(_ column: [Double]?) -> Int? {
            guard let column, !column.isEmpty else { return nil }
            columns.append(column)
            return columns.count - 1
        }
        let original = add(scores.original)
        let unlearned = add(scores.unlearned)
        let references = retrained.map(add)
        let difference = scores.unlearned.flatMap { unlearned in
            Statistics.mean(of: retrained).map { zip(unlearned, $0).map(-) }
        }
        let gap = add(difference)
        let intervals = configuration.bootstrap?.intervals(
            ofMeans: columns, seed: context.seed("bootstrap.\(measure.identifier)"), strata: strata)
        func interval(_ column: Int) -> ConfidenceInterval? {
            guard let drawn = intervals?[column] else { return nil }
            guard measure.unit == .share else { return drawn }
            let scores = columns[column]
            let sound = ScoreIntervals(strata: strata.isEmpty ? [scores.count] : strata, level: drawn.level)
            if column == gap { return drawn.lower < drawn.upper ? drawn : sound.constant(drawn.lower) }
            return sound.proportion(scores) ?? drawn
        }
        func value(_ column: Int?) -> MeasureValue? {
            column.flatMap { column in
                Statistics.mean(columns[column]).map { MeasureValue($0, interval: interval(column)) }
            }
        }
        return MeasureResult(
            measure, original: value(original), unlearned: value(unlearned),
            retrained: references.compactMap(value), gap: value(gap), rows: rows, rowKind: rowKind, note: note)
    }
}
