import Foundation

extension AuditThresholds {
    /// Judges measures, each by the limits whose references are available.
    ///
    /// Limits that follow from the spread of retrained models share the false alarm rate, so that they depend on how
    /// many there are.
    /// - Parameter ofClasses: whether classes were to be forgotten. A model may recognize forgotten samples of retained
    ///   classes like others of their class, so that accuracy on them has no absolute limit.
    package func judged(_ results: [MeasureResult], ofClasses: Bool = true) -> [MeasureResult] {
        let applied = results.map { applicable(to: $0, ofClasses: ofClasses) }
        let shares = applied.joined().count { $0.spread != nil }
        let rate = falseAlarmRate / Double(max(1, shares))
        var judged = zip(results, applied).map { result, thresholds in
            result.judged(by: thresholds.map { $0.fixed(for: result, rate: rate) })
        }
        Self.direct(&judged)
        return judged
    }

    /// Judges one measure by itself.
    package func judged(_ result: MeasureResult, ofClasses: Bool = true) -> MeasureResult {
        judged([result], ofClasses: ofClasses)[0]
    }

    /// The limits that count for a measure: for each finding the first whose reference is available.
    private func applicable(to result: MeasureResult, ofClasses: Bool) -> [MeasureThreshold] {
        guard !result.isOmitted, result.unlearned != nil else { return [] }
        var found: [MeasureThreshold] = []
        for threshold in self[result.measure.identifier]
        where !found.contains(where: { $0.finding == threshold.finding }) {
            let isAvailable =
                switch threshold.reference {
                case .retrained: result.retrained != nil
                case .original: result.original != nil
                case .zero: ofClasses || result.measure.identifier != .forgetAccuracyTraining
                }
            if isAvailable { found.append(threshold) }
        }
        return found
    }

    /// Decides what a distance means that is larger than the retrained models' from each other.
    ///
    /// A distance has no direction. If the model gives the true class no more probability than retrained models do, its
    /// predictions are not those of a model that knows the class: they show that something was removed.
    private static func direct(_ results: inout [MeasureResult]) {
        func verdict(_ identifier: MeasureIdentifier) -> MeasureVerdict? {
            results.first { $0.measure.identifier == identifier }?.verdict
        }
        guard verdict(.forgetConfidence) == .pass, verdict(.forgetAccuracyTest) != .leak else { return }
        for index in results.indices where MeasureIdentifier.distances.contains(results[index].measure.identifier) {
            if results[index].verdict == .leak { results[index].verdict = .overForgotten }
        }
    }

    /// Lists the limits that are looser than the default ones, or missing, by the measures' names.
    package func looser(than defaults: AuditThresholds = .default) -> [LooserLimit] {
        defaults.limits.sorted { $0.key < $1.key }.flatMap { name, expected in
            expected.compactMap { usual in
                let used = limits[name]?.first {
                    $0.reference == usual.reference && $0.side == usual.side && $0.finding == usual.finding
                }
                if let used, used.limit <= usual.limit, used.spread == nil || used.spread == usual.spread { return nil }
                return LooserLimit(measure: MeasureIdentifier(rawValue: name), used: used, usual: usual)
            }
        }
    }
}

extension MeasureThreshold {
    /// The limit for a result: the least one, or what the spread of its retrained models gives.
    fileprivate func fixed(for result: MeasureResult, rate: Double) -> MeasureThreshold {
        guard let spread, let retrained = result.retrained else { return self }
        var threshold = self
        let areDistances = MeasureIdentifier.distances.contains(result.measure.identifier)
        let values = retrained.values.map(\.value)
        threshold.limit = max(limit, spread.limit(side, rate: rate, values: values, areDistances: areDistances))
        return threshold
    }
}

extension MeasureResult {
    /// The result with limits, its verdict, and whether the same limits find the original.
    fileprivate func judged(by limits: [MeasureThreshold]) -> MeasureResult {
        var result = self
        result.limits = limits
        result.verdict = verdict(of: unlearned, by: limits)
        result.findsOriginal = nil
        if let original, !limits.isEmpty {
            let leaks = limits.filter { $0.finding == .leak }
            result.findsOriginal = leaks.isEmpty ? nil : verdict(of: original, by: leaks) == .leak
        }
        return result
    }

    private func verdict(of value: MeasureValue?, by limits: [MeasureThreshold]) -> MeasureVerdict {
        guard let value = value?.possible(measure.least, measure.greatest) else { return .notJudged }
        let verdicts = limits.map { threshold -> MeasureVerdict in
            let reference: ClosedRange<Double>? =
                switch threshold.reference {
                case .retrained: retrained?.possible(measure.greatest)
                case .original: original?.possible(measure.least, measure.greatest)
                case .zero: 0...0
                }
            return reference.map { threshold.verdict(of: value, against: $0) } ?? .notJudged
        }
        return verdicts.first { $0 == .leak } ?? verdicts.first { $0 == .overForgotten }
            ?? verdicts.first { $0 == .notJudged } ?? (verdicts.isEmpty ? .notJudged : .pass)
    }
}

/// A limit that lets more pass than the default one.
package struct LooserLimit: Sendable, Hashable, Codable {
    /// The measure.
    package let measure: MeasureIdentifier
    /// The limit in use; nil without one.
    package let used: MeasureThreshold?
    /// The default limit.
    package let usual: MeasureThreshold
}

extension LooserLimit: CustomStringConvertible {
    /// The measure and both limits, in one line.
    package var description: String {
        func text(_ threshold: MeasureThreshold) -> String {
            guard let spread = threshold.spread else { return threshold.limit.formattedShortly }
            let factor = spread.scale == .logarithmic ? "a factor of \(exp(spread.deviation).formattedShortly)" : nil
            return "the retrained models' spread (usually \(factor ?? spread.deviation.formattedShortly)), "
                + "at least \(threshold.limit.formattedShortly)"
        }
        let reference =
            switch usual.reference {
            case .retrained: "retrained"
            case .original: "the original"
            case .zero: "zero"
            }
        return "\(measure) \(usual.side.rawValue) \(reference): \(used.map(text) ?? "no limit"), the default is "
            + text(usual)
    }
}

extension RetrainedValue {
    /// The range of possible true means; nil if the mean is not finite.
    fileprivate func possible(_ greatest: Double?) -> ClosedRange<Double>? {
        guard mean.isFinite else { return nil }
        return mean...(isLowerBound ? max(mean, greatest ?? .infinity) : mean)
    }
}
