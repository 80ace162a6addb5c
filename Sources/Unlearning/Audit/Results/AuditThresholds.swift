/// The limits by which one measure of the unlearned model is judged.
public struct MeasureThreshold: Sendable, Codable, Hashable {
    /// The value that the unlearned model's value is compared with.
    public enum Reference: String, Sendable, Codable {
        /// The mean of the retrained models.
        case retrained
        /// The model before forgetting.
        case original
        /// Zero, so that the value itself is limited.
        case zero
    }

    /// The side of the reference on which a difference counts.
    public enum Side: String, Sendable, Codable {
        /// Values above the reference.
        case above
        /// Values below the reference.
        case below
        /// Values on either side of the reference.
        case either
    }

    /// The value to compare with.
    public var reference: Reference
    /// The side of the reference on which a difference counts.
    public var side: Side
    /// The largest difference that passes, in the measure's unit; 0 or more.
    public var pass: Double
    /// The largest difference that is judged partial, ``pass`` or more; a larger one fails.
    public var partial: Double

    /// Creates limits.
    public init(_ side: Side, _ reference: Reference, pass: Double, partial: Double) {
        self.reference = reference
        self.side = side
        self.pass = pass
        self.partial = partial
    }

    /// Judges a value; without a finite value and reference it is not judged.
    package func verdict(of value: Double, against reference: Double) -> MeasureVerdict {
        guard value.isFinite, reference.isFinite else { return .notJudged }
        return verdict(of: value...value, against: reference...reference)
    }

    /// Judges a value of which only bounds may be known.
    ///
    /// If the bounds leave open whether it passes, it is not judged; if they only leave open whether it fails, it is partial.
    func verdict(of value: ClosedRange<Double>, against reference: ClosedRange<Double>) -> MeasureVerdict {
        let (least, most) = deviations(of: value, from: reference)
        let (best, worst) = (verdict(ofDeviation: least), verdict(ofDeviation: most))
        if best == worst { return best }
        return best == .pass ? .notJudged : best
    }

    /// The least and the greatest possible difference that counts, 0 or more.
    private func deviations(
        of value: ClosedRange<Double>, from reference: ClosedRange<Double>
    ) -> (least: Double, most: Double) {
        let (above, below) = (value.lowerBound - reference.upperBound, reference.lowerBound - value.upperBound)
        let (mostAbove, mostBelow) = (value.upperBound - reference.lowerBound, reference.upperBound - value.lowerBound)
        return switch side {
        case .above: (max(0, above), max(0, mostAbove))
        case .below: (max(0, below), max(0, mostBelow))
        case .either: (max(0, above, below), max(mostAbove, mostBelow))
        }
    }

    private func verdict(ofDeviation deviation: Double) -> MeasureVerdict {
        if deviation <= pass { return .pass }
        return deviation <= partial ? .partial : .fail
    }
}

/// The limits that an audit judges by, one or several for each measure.
///
/// Of several, the first whose reference is available counts. A measure without limits is shown, but not judged.
public struct AuditThresholds: Sendable, Codable, Hashable {
    /// The limits by the measure's name.
    package var limits: [String: [MeasureThreshold]]

    /// Creates thresholds without limits, with which nothing is judged.
    public init() {
        limits = [:]
    }

    package init(limits: [String: [MeasureThreshold]]) {
        self.limits = limits
    }

    /// The limits of a measure; with an empty list it is not judged.
    public subscript(identifier: MeasureIdentifier) -> [MeasureThreshold] {
        get { limits[identifier.rawValue] ?? [] }
        set { limits[identifier.rawValue] = newValue.isEmpty ? nil : newValue }
    }
}

extension AuditThresholds {
    /// Reads limits; nothing is judged if there are none.
    public init(from decoder: any Decoder) throws {
        limits = try decoder.container(keyedBy: CodingKeys.self).decode(.limits, or: [:])
    }
}
