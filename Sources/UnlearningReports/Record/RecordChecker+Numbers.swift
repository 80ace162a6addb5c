import Unlearning

extension RecordChecker {
    /// Shares of examples whose number the record states: they are whole numbers of examples, with the interval that
    /// follows from these.
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
            if count < audit.configuration.leastSamples {
                contradict(
                    "\(identifier) was measured on \(count) examples, and takes \(audit.configuration.leastSamples)")
            }
            let values = [result.original, result.unlearned].compactMap(\.self) + (result.retrained?.values ?? [])
            for value in values where !isShare(value, of: count) {
                contradict(
                    "\(identifier) has the value \(value.value), and that is not a share of \(count) examples with its "
                        + "interval")
            }
        }
    }

    private func isShare(_ value: MeasureValue, of count: Int) -> Bool {
        let successes = (value.value * Double(count)).rounded()
        guard let proportion = Int(exactly: successes).flatMap({ BinomialProportion(successes: $0, trials: count) }),
            Self.areEqual(proportion.share, value.value)
        else { return false }
        // Version 1 drew these intervals.
        guard audit.schemaVersion > 1, let interval = value.interval else { return true }
        guard interval.level > 0, interval.level < 1 else { return false }
        let expected = proportion.interval(level: interval.level)
        return Self.areEqual(expected.lower, interval.lower) && Self.areEqual(expected.upper, interval.upper)
    }

    /// Accuracies of groups of classes, which lie between those of their classes.
    mutating func checkClassAccuracies() {
        guard let classes = audit[.classAccuracy], !classes.isOmitted else { return }
        let rows = classes.rows
        for row in rows {
            guard let index = row.index, audit.classNames.indices.contains(index), audit.classNames[index] == row.name
            else {
                contradict("class-accuracy has a row '\(row.name)' that is none of the classes")
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
                        "\(identifier) of the \(model) model is \(value), and its classes are between \(least) and "
                            + "\(greatest)")
                }
            }
        }
    }

    /// The forgotten class that is known best, among the accuracies of all classes.
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
                "forget-accuracy-worst-class of the \(model) model is \(value), and the worst of its classes is \(worst)"
            )
        }
    }

    /// The anamnesis index, which follows from the relearn times.
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
            contradict("anamnesis-index is \(index.value), and the relearn times give \(expected)")
        }
    }
}
