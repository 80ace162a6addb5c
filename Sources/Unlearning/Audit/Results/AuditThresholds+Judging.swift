extension AuditThresholds {
    /// Judges a measure by the first of its limits whose reference is available.
    /// - Parameter ofClasses: whether classes were to be forgotten. A model may recognize forgotten samples of retained
    ///   classes like others of their class, so that accuracy on them has no absolute limit.
    package func judged(_ result: MeasureResult, ofClasses: Bool = true) -> MeasureResult {
        var result = result
        result.threshold = nil
        result.verdict = .notJudged
        let measure = result.measure
        guard !result.isOmitted, let value = result.unlearned?.possible(measure.least, measure.greatest) else {
            return result
        }
        for threshold in self[measure.identifier] {
            let reference: ClosedRange<Double>? =
                switch threshold.reference {
                case .retrained: result.retrained?.possible(measure.greatest)
                case .original: result.original?.possible(measure.least, measure.greatest)
                case .zero: ofClasses || measure.identifier != .forgetAccuracyTraining ? 0...0 : nil
                }
            guard let reference else { continue }
            result.threshold = threshold
            result.verdict = threshold.verdict(of: value, against: reference)
            break
        }
        return result
    }

    /// Lists the limits that are looser than the default ones, or missing, by the measures' names.
    package func looser(than defaults: AuditThresholds = .default) -> [LooserLimit] {
        defaults.limits.sorted { $0.key < $1.key }.flatMap { name, expected in
            expected.compactMap { usual in
                let used = limits[name]?.first { $0.reference == usual.reference && $0.side == usual.side }
                if let used, used.pass <= usual.pass, used.partial <= usual.partial { return nil }
                return LooserLimit(measure: MeasureIdentifier(rawValue: name), used: used, usual: usual)
            }
        }
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
            "\(threshold.pass.formattedShortly) and \(threshold.partial.formattedShortly)"
        }
        let reference =
            switch usual.reference {
            case .retrained: "retrained"
            case .original: "the original"
            case .zero: "zero"
            }
        return "\(measure) against \(reference): \(used.map(text) ?? "no limit"), the default is \(text(usual))"
    }
}

extension RetrainedValue {
    /// The range of possible true means; nil if the mean is not finite.
    fileprivate func possible(_ greatest: Double?) -> ClosedRange<Double>? {
        guard mean.isFinite else { return nil }
        return mean...(isLowerBound ? max(mean, greatest ?? .infinity) : mean)
    }
}
