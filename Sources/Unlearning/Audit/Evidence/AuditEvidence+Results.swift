extension AuditEvidence {
    /// Makes a result of a measure that is one number for each model.
    /// - Parameters:
    ///   - description: the measure.
    ///   - note: what a reader should know besides.
    ///   - value: a model's number; nil where the measure does not apply to the model.
    /// - Returns: the values and the gap to retraining, without confidence intervals.
    public func result(
        of description: MeasureDescription, note: String? = nil, _ value: (ModelEvidence) throws -> Double?
    ) rethrows -> MeasureResult {
        let values = try models.map { model in try value(model).map { MeasureValue($0) } }
        return MeasureResult(
            description, original: values.original, unlearned: values.unlearned,
            retrained: values.retrained.compactMap { $0 }, note: note)
    }

    /// Makes a result of a measure that is a mean over examples.
    ///
    /// Values and gap have confidence intervals if ``AuditConfiguration/bootstrap`` is set. The gap's is paired: it
    /// comes from the difference between the models on each example.
    /// - Parameters:
    ///   - description: the measure.
    ///   - note: what a reader should know besides.
    ///   - scores: a model's score of each example, of the same examples in the same order for every model; nil where
    ///     the measure does not apply to the model.
    /// - Throws: ``AuditError`` if the models have different numbers of scores, or a score is infinite or undefined.
    public func meanResult(
        of description: MeasureDescription, note: String? = nil, _ scores: (ModelEvidence) throws -> [Double]?
    ) throws -> MeasureResult {
        let scores = try models.map(scores)
        let lists = ([scores.original, scores.unlearned] + scores.retrained).compactMap { $0 }
        let counts = Set(lists.map(\.count)).sorted()
        if let fewest = counts.first, let most = counts.last, fewest < most {
            throw AuditError.invalidResult(
                of: description.identifier, "\(fewest) scores for one model and \(most) for another",
                remedy: "give one for each example, of the same examples for every model")
        }
        if let wrong = lists.joined().first(where: { !$0.isFinite }) {
            throw AuditError.invalidResult(
                of: description.identifier, "the score \(wrong)",
                remedy: "give finite numbers, or leave the measure out")
        }
        return result(description, meanOf: scores, note: note)
    }

    /// Makes a result of scores of the same examples by every model, whose means are the measure.
    /// - Parameters:
    ///   - scores: one score an example; nil for a model to which the measure does not apply.
    ///   - strata: the number of examples of each kind in the order of the scores, where every kind has the same weight
    ///     in the mean; empty if all are of one kind.
    ///   - refitted: the measure of each model in the same resamples, for each of which what the scores depend on was
    ///     fitted again. An interval is then as wide as this or the scores alone make it, whichever is wider.
    func result(
        _ measure: MeasureDescription, meanOf scores: PerModel<[Double]?>, strata: [Int] = [],
        refitted: PerModel<[Double?]?>? = nil, rows: [MeasureRow] = [], rowKind: MeasureResult.RowKind? = nil,
        note: String? = nil
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
        let columnsOfRetrained = retrained.map(add)
        let difference = scores.unlearned.flatMap { unlearned in
            Statistics.mean(of: retrained).map { zip(unlearned, $0).map(-) }
        }
        let gap = add(difference)
        let intervals = configuration.bootstrap?.intervals(
            ofMeans: columns, seed: context.seed("bootstrap.\(measure.identifier)"), strata: strata)
        func interval(_ column: Int) -> ConfidenceInterval? {
            guard let drawn = intervals?[column] else { return nil }
            // Equal scores have equal resamples, which would claim certainty.
            guard measure.unit == .share else { return drawn.lower < drawn.upper ? drawn : nil }
            let scores = columns[column]
            let sound = ScoreIntervals(strata: strata.isEmpty ? [scores.count] : strata, level: drawn.level)
            if column == gap { return drawn.lower < drawn.upper ? drawn : sound.constant(drawn.lower) }
            return sound.proportion(scores) ?? drawn
        }
        func value(_ column: Int?, _ refitted: [Double?]?) -> MeasureValue? {
            column.flatMap { column in
                let wider = refitted.flatMap { configuration.bootstrap?.interval(of: $0) }
                return Statistics.mean(columns[column]).map {
                    MeasureValue($0, interval: interval(column).map { $0.union(wider) } ?? wider)
                }
            }
        }
        let references = zip(scores.retrained, refitted?.retrained ?? scores.retrained.map { _ in nil })
            .filter { $0.0 != nil }.map(\.1)
        return MeasureResult(
            measure, original: value(original, refitted?.original), unlearned: value(unlearned, refitted?.unlearned),
            retrained: zip(columnsOfRetrained, references).compactMap { value($0, $1) },
            gap: value(gap, refitted?.gaps), rows: rows, rowKind: rowKind, note: note)
    }
}

extension AuditEvidence {
    /// Computes a measure in resamples for each of which something is fitted again, the same resamples for every model.
    /// - Parameters:
    ///   - kinds: the number of examples of each kind, each drawn from its own kind; nil gives no values.
    ///   - limit: the maximum number of resamples.
    ///   - values: takes how often each example of each kind was drawn, resample by resample, and gives the models' values.
    /// - Returns: nil without kinds, or if the audit has no intervals.
    func refitted(
        _ measure: MeasureDescription, kinds: [Int]?, limit: Int = Bootstrap.refits,
        _ values: ([[[Double]]]) throws -> PerModel<[Double?]?>
    ) throws -> PerModel<[Double?]?>? {
        guard let bootstrap = configuration.bootstrap, let kinds else { return nil }
        var draws = Bootstrap.Draws(
            min(bootstrap.resamples, limit), of: kinds, seed: context.seed("refits.\(measure.identifier)"))
        var result: PerModel<[Double?]?>?
        // A few at a time, since the counts of all would take as much memory as the features.
        while true {
            try checkCancellation()
            let drawn = draws.next(50)
            guard !drawn.isEmpty else { return result }
            let next = try values(drawn)
            result = result.map { $0.appending(next) } ?? next
        }
    }
}

extension PerModel where Value == [Double?]? {
    fileprivate func appending(_ other: PerModel<[Double?]?>) -> PerModel<[Double?]?> {
        func joined(_ first: [Double?]?, _ second: [Double?]?) -> [Double?]? {
            first.flatMap { first in second.map { first + $0 } }
        }
        return PerModel(
            original: joined(original, other.original), unlearned: joined(unlearned, other.unlearned),
            retrained: zip(retrained, other.retrained).map(joined))
    }

    /// The unlearned model's values less the mean of the retrained models', resample by resample; nil without both.
    var gaps: [Double?]? {
        let others = retrained.compactMap(\.self)
        guard let unlearned, !others.isEmpty, others.allSatisfy({ $0.count == unlearned.count }) else { return nil }
        return unlearned.indices.map { index in
            let references = others.compactMap { $0[index] }
            guard let own = unlearned[index], references.count == others.count, let mean = Statistics.mean(references)
            else { return nil }
            return own - mean
        }
    }
}
