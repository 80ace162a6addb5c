import Unlearning

extension RecordChecker {
    /// Checks shares of examples: they are integer numbers of examples, with the intervals that follow from these.
    mutating func checkShares() {
        let samples = audit.samples
        let counts: [(MeasureIdentifier, Int)] = [
            (.forgetAccuracyTest, samples.forgottenTest), (.forgetAccuracyTraining, samples.forgottenTraining),
            (.retainAccuracyTest, samples.retainedTest), (.retainAccuracyTraining, samples.retainedTraining),
            (.membershipEntropy, samples.forgottenTraining), (.membershipConfidence, samples.forgottenTraining),
            (.linearProbe, samples.forgottenTest), (.nearestCentroid, samples.forgottenTest),
        ]
        for (identifier, count) in counts {
            guard let result = audit[identifier], !result.isOmitted, result.unlearned != nil else { continue }
            if count < audit.configuration.minimumSamples {
                contradict(
                    "\(identifier) was measured on \(count) examples, but takes \(audit.configuration.minimumSamples)")
            }
            let values = [result.original, result.unlearned].compactMap(\.self) + (result.retrained?.values ?? [])
            for value in values where !isShare(value, of: count, wider: Self.refitted.contains(identifier)) {
                contradict(
                    "\(identifier) has the value \(value.value), which with its interval is not a share of \(count) "
                        + "examples")
            }
        }
    }

    /// Shares whose intervals are wider than the exact ones, since what they depend on was fitted again.
    private static let refitted: Set<MeasureIdentifier> = [
        .membershipEntropy, .membershipConfidence, .linearProbe, .nearestCentroid,
    ]

    private func isShare(_ value: MeasureValue, of count: Int, wider: Bool) -> Bool {
        let successes = (value.value * Double(count)).rounded()
        guard let proportion = Int(exactly: successes).flatMap({ BinomialProportion(successes: $0, trials: count) }),
            Self.areEqual(proportion.share, value.value)
        else { return false }
        // In version 1 these intervals came from the bootstrap.
        guard audit.schemaVersion > 1, let interval = value.interval else { return true }
        guard interval.level > 0, interval.level < 1 else { return false }
        let expected = proportion.interval(level: interval.level)
        let isExact = Self.areEqual(expected.lower, interval.lower) && Self.areEqual(expected.upper, interval.upper)
        let holds = interval.lower <= expected.lower && interval.upper >= expected.upper
        return isExact || wider && holds
    }

    /// Checks that accuracies of groups of classes are between those of their classes.
    mutating func checkClassAccuracies() {
        guard let classes = audit[.classAccuracy], !classes.isOmitted else { return }
        let rows = classes.rows
        for row in rows {
            guard let index = row.index, audit.classNames.indices.contains(index), audit.classNames[index] == row.name
            else {
                contradict("class-accuracy has a row '\(row.name)', which is not a class")
                continue
            }
        }
        let forgotten = Set(audit.forgottenClasses)
        checkWorstClass(rows.filter { $0.index.map(forgotten.contains) ?? false })
        let adjacent = Set(audit.adjacentClasses)
        let groups: [(MeasureIdentifier, (Int) -> Bool)] = [
            (.forgetAccuracyTest, forgotten.contains), (.retainAccuracyTest, { !forgotten.contains($0) }),
            (.adjacentAccuracy, adjacent.contains),
            (.remoteAccuracy, { !forgotten.contains($0) && !adjacent.contains($0) }),
        ]
        for (identifier, includes) in groups {
            guard let result = audit[identifier], !result.isOmitted else { continue }
            let members = rows.filter { $0.index.map(includes) ?? false }
            let models: [(String, Double?, KeyPath<ByModel<Double>, Double?>)] = [
                ("original", result.original?.value, \.original), ("unlearned", result.unlearned?.value, \.unlearned),
                ("retrained", result.retrained?.mean, \.retrained),
            ]
            for (model, value, path) in models {
                let parts = members.compactMap { $0.values[keyPath: path] }
                guard let value, let least = parts.min(), let greatest = parts.max() else { continue }
                if value < least - 1e-9 || value > greatest + 1e-9 {
                    contradict(
                        "\(identifier) of the \(model) model is \(value), but its classes are between \(least) and "
                            + "\(greatest)")
                }
            }
        }
    }

    /// Checks the highest accuracy among forgotten classes against the accuracies of all classes.
    private mutating func checkWorstClass(_ rows: [MeasureRow]) {
        guard let result = audit[.forgetAccuracyWorstClass], !result.isOmitted else { return }
        let models: [(String, Double?, KeyPath<ByModel<Double>, Double?>)] = [
            ("original", result.original?.value, \.original), ("unlearned", result.unlearned?.value, \.unlearned),
        ]
        for (model, value, path) in models {
            guard let value, let worst = rows.compactMap({ $0.values[keyPath: path] }).max(),
                !Self.areEqual(value, worst)
            else { continue }
            contradict(
                "forget-accuracy-worst-class of the \(model) model is \(value), but the highest of its classes is \(worst)"
            )
        }
    }

    /// Checks the anamnesis index against the relearn times.
    mutating func checkAnamnesis() {
        guard let times = audit[.relearnTime], let index = audit[.anamnesisIndex], !index.isOmitted,
            let retrained = times.retrained
        else { return }
        let models = [(index.original, times.original), (index.unlearned, times.unlearned)]
        for case let (index?, time?) in models {
            let expected = AnamnesisIndex.value(time: time.value, retrained: retrained.mean)
            let bounds = (time.isLowerBound, retrained.isLowerBound)
            guard
                !Self.areEqual(index.value, expected)
                    || audit.schemaVersion > 1 && (index.isLowerBound, index.isUpperBound) != bounds
            else { continue }
            contradict("anamnesis-index is \(index.value), but the relearn times give \(expected)")
        }
    }
}
