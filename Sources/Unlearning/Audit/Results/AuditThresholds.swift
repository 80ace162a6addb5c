/// Limits to one measure of the unlearned model.
public struct MeasureThreshold: Sendable, Codable, Hashable {
    /// What the unlearned model's value is compared with.
    public enum Reference: String, Sendable, Codable {
        /// The mean of the retrained models.
        case retrained
        /// The model before forgetting.
        case original
        /// Nothing: the value itself is limited.
        case zero
    }

    /// Which differences count.
    public enum Side: String, Sendable, Codable {
        /// Being above the reference.
        case above
        /// Being below the reference.
        case below
        /// Being away from the reference, to either side.
        case either
    }

    /// What the value is compared with.
    public var reference: Reference
    /// Which differences count.
    public var side: Side
    /// The largest difference that passes, in the measure's unit; at least 0.
    public var pass: Double
    /// The largest difference that is judged partial; at least ``pass``. Beyond it is a fail.
    public var partial: Double

    /// Creates limits.
    public init(_ side: Side, _ reference: Reference, pass: Double, partial: Double) {
        self.reference = reference
        self.side = side
        self.pass = pass
        self.partial = partial
    }

    /// Judges a value; one that is not finite, or has no finite reference, is not judged.
    public func verdict(of value: Double, against reference: Double) -> MeasureVerdict {
        guard value.isFinite, reference.isFinite else { return .notJudged }
        return verdict(of: value...value, against: reference...reference)
    }

    /// Judges a value of which only bounds may be known. Where they leave open whether it passes, it is not judged; where
    /// they leave open by how much it does not, it is partial.
    func verdict(of value: ClosedRange<Double>, against reference: ClosedRange<Double>) -> MeasureVerdict {
        let (least, most) = deviations(of: value, from: reference)
        let (best, worst) = (verdict(ofDeviation: least), verdict(ofDeviation: most))
        if best == worst { return best }
        return best == .pass ? .notJudged : best
    }

    /// The least and the greatest difference that counts, 0 or more.
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

/// The limits that an audit judges by: for each measure one or several, of which the first counts whose reference is at
/// hand. A measure without limits is shown and not judged.
public struct AuditThresholds: Sendable, Codable, Hashable {
    /// Limits by the measure's name.
    public var limits: [String: [MeasureThreshold]]

    /// Creates thresholds.
    public init(limits: [String: [MeasureThreshold]] = [:]) {
        self.limits = limits
    }

    /// A measure's limits; an empty list leaves it unjudged.
    public subscript(identifier: MeasureIdentifier) -> [MeasureThreshold] {
        get { limits[identifier.rawValue] ?? [] }
        set { limits[identifier.rawValue] = newValue.isEmpty ? nil : newValue }
    }
}

extension AuditThresholds {
    /// Reads limits; without any nothing is judged.
    public init(from decoder: any Decoder) throws {
        limits = try decoder.container(keyedBy: CodingKeys.self).decode(.limits, or: [:])
    }
}
