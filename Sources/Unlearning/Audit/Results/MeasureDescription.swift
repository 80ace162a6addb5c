/// A measure's definition, source, unit and range: what a reader needs to understand its numbers.
public struct MeasureDescription: Sendable, Codable, Hashable {
    /// The unit of a measure.
    public enum Unit: String, Sendable, Codable {
        /// A share, 0 to 1, shown as percent.
        case share
        /// A number without a unit, such as a distance.
        case number
        /// Optimizer steps.
        case steps
        /// A ratio of two numbers, 1 where they are equal.
        case ratio
        /// Information in bits.
        case bits
    }

    /// The direction of better values.
    public enum Direction: String, Sendable, Codable {
        /// The retrained models' value is the target; more is as wrong as less.
        case closerToRetrained
        /// Smaller is better.
        case lower
        /// Larger is better.
        case higher
        /// Neither direction is better.
        case none
    }

    /// The part of a model that a measure examines.
    public enum Group: String, Sendable, Codable, CaseIterable {
        /// Predictions.
        case outputs
        /// Membership in the training data, inferred from predictions.
        case membership
        /// Speed of learning the forgotten classes again.
        case relearning
        /// Features and weights.
        case representation
    }

    /// The name in records, limits and on the command line.
    public let identifier: MeasureIdentifier
    /// A short name for people.
    public let title: String
    /// The definition in one sentence.
    public let definition: String
    /// The publication of the definition.
    public let source: String
    /// The part of a model that it examines.
    public let group: Group
    /// The unit of its values.
    public let unit: Unit
    /// The least possible value; nil without a lower limit.
    public let least: Double?
    /// The greatest possible value; nil without an upper limit.
    public var greatest: Double?
    /// The direction of better values.
    public let direction: Direction

    /// Describes a measure. The greatest value of a share is 1 by default.
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
