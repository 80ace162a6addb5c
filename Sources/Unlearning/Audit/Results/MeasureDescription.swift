/// What a measure is: enough to read its numbers without looking anything up.
public struct MeasureDescription: Sendable, Codable, Hashable {
    /// What the numbers count.
    public enum Unit: String, Sendable, Codable {
        /// A part of a whole, 0 to 1, shown as percent.
        case share
        /// A distance or similarity without a unit.
        case number
        /// Optimizer steps.
        case steps
        /// A quotient of two numbers, 1 where they are equal.
        case ratio
        /// Information in bits.
        case bits
    }

    /// What good forgetting looks like.
    public enum Direction: String, Sendable, Codable {
        /// The retrained model's figure is the target: more is as wrong as less.
        case closerToRetrained
        /// Smaller is better.
        case lower
        /// Larger is better.
        case higher
        /// Neither is better: it is shown to be looked at.
        case none
    }

    /// Where a measure looks.
    public enum Group: String, Sendable, Codable, CaseIterable {
        /// What the model answers.
        case outputs
        /// Whether answers tell what was trained on.
        case membership
        /// How fast the forgotten comes back.
        case relearning
        /// What is left in features and weights.
        case representation
    }

    /// The name in records.
    public let identifier: MeasureIdentifier
    /// A short name for people.
    public let title: String
    /// What it is, in one sentence.
    public let definition: String
    /// Where the definition comes from.
    public let source: String
    /// Where it looks.
    public let group: Group
    /// What the numbers count.
    public let unit: Unit
    /// The least possible value; nil if there is none.
    public let least: Double?
    /// The greatest possible value; nil if there is none.
    public var greatest: Double?
    /// What good forgetting looks like.
    public let direction: Direction

    /// Describes a measure.
    public init(
        _ identifier: MeasureIdentifier, title: String, definition: String, source: String, group: Group,
        unit: Unit, least: Double? = 0, greatest: Double? = nil, direction: Direction
    ) {
        self.identifier = identifier
        self.title = title
        self.definition = definition
        self.source = source
        self.group = group
        self.unit = unit
        self.least = least
        self.greatest = greatest ?? (unit == .share ? 1 : nil)
        self.direction = direction
    }
}
