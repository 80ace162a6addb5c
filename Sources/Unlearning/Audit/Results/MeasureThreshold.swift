/// The limit by which one measure of the unlearned model is judged, and what it means to be beyond it.
public struct MeasureThreshold: Sendable, Hashable {
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

    /// What a value beyond a limit says about the model.
    public enum Finding: String, Sendable, Codable {
        /// It still holds something of what was to be forgotten.
        case leak
        /// It lost more than a retrained model, which shows what was forgotten or damages the rest.
        case overForgotten = "over-forgotten"
    }

    /// The value to compare with.
    public var reference: Reference
    /// The side of the reference on which a difference counts.
    public var side: Side
    /// The largest difference that passes, in the measure's unit; 0 or more.
    ///
    /// With the spread of retrained models it is the least limit: differences up to it pass however close retrained models are to each
    /// other.
    public var limit: Double
    /// What a larger difference means.
    public var finding: Finding
    /// How much retrained models usually differ, where the limit follows from their spread; nil for a fixed limit.
    package var spread: ReferenceSpread?

    /// Creates a fixed limit.
    public init(_ side: Side, _ reference: Reference, limit: Double, finding: Finding = .leak) {
        self.init(side, reference, limit: limit, finding: finding, spread: nil)
    }

    package init(
        _ side: Side, _ reference: Reference, limit: Double, finding: Finding = .leak, spread: ReferenceSpread?
    ) {
        self.reference = reference
        self.side = side
        self.limit = limit
        self.finding = finding
        self.spread = spread
    }

    /// Judges a value; without a finite value and reference it is not judged.
    package func verdict(of value: Double, against reference: Double) -> MeasureVerdict {
        guard value.isFinite, reference.isFinite else { return .notJudged }
        return verdict(of: value...value, against: reference...reference)
    }

    /// Judges a value of which only bounds may be known; if they leave open whether it passes, it is not judged.
    func verdict(of value: ClosedRange<Double>, against reference: ClosedRange<Double>) -> MeasureVerdict {
        let (least, most) = deviations(of: value, from: reference)
        let (best, worst) = (verdict(ofDeviation: least), verdict(ofDeviation: most))
        return best == worst ? best : .notJudged
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
        deviation <= limit ? .pass : MeasureVerdict(finding)
    }
}

extension MeasureThreshold: Codable {
    private enum CodingKeys: String, CodingKey {
        case finding, limit, reference, side, spread
    }

    /// Keys of record versions 1 to 3.
    private enum FormerKeys: String, CodingKey {
        case partial
    }

    /// Reads a limit. Versions 1 to 3 had two; up to the second a model was acceptable.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        reference = try container.decode(Reference.self, forKey: .reference)
        side = try container.decode(Side.self, forKey: .side)
        limit =
            try container.decodeIfPresent(Double.self, forKey: .limit)
            ?? decoder.container(keyedBy: FormerKeys.self).decode(Double.self, forKey: .partial)
        finding = try container.decode(.finding, or: .leak)
        spread = try container.decodeIfPresent(ReferenceSpread.self, forKey: .spread)
    }
}
