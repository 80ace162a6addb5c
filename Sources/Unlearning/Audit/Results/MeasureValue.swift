/// A measured value.
public struct MeasureValue: Sendable, Codable, Hashable {
    /// The number; finite.
    public var value: Double
    /// The confidence interval over samples of examples, if there is one.
    public var interval: ConfidenceInterval?
    /// Whether measuring stopped at this value, so that the true value is this or more.
    public var isLowerBound: Bool
    /// Whether the true value is this or less, since a divisor or subtrahend is a lower bound.
    ///
    /// With ``isLowerBound`` too, the true value is unknown.
    public var isUpperBound: Bool

    /// Creates a value.
    public init(
        _ value: Double, interval: ConfidenceInterval? = nil, isLowerBound: Bool = false, isUpperBound: Bool = false
    ) {
        self.value = value
        self.interval = interval
        self.isLowerBound = isLowerBound
        self.isUpperBound = isUpperBound
    }

    /// Reads a value. Records of version 1 have no upper bounds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        value = try container.decode(Double.self, forKey: .value)
        interval = try container.decodeIfPresent(ConfidenceInterval.self, forKey: .interval)
        isLowerBound = try container.decode(.isLowerBound, or: false)
        isUpperBound = try container.decode(.isUpperBound, or: false)
    }

    /// The range of possible true values; nil if the value is not finite.
    /// - Parameters:
    ///   - least: the least possible value of the measure; nil without a lower limit.
    ///   - greatest: the greatest possible value of the measure; nil without an upper limit.
    func possible(_ least: Double?, _ greatest: Double?) -> ClosedRange<Double>? {
        guard value.isFinite else { return nil }
        let low = isUpperBound ? min(value, least ?? -.infinity) : value
        return low...(isLowerBound ? max(value, greatest ?? .infinity) : value)
    }
}

/// A confidence interval over samples of examples.
///
/// For shares it is the exact binomial interval (Clopper and Pearson 1934), otherwise the percentile bootstrap's (Efron and
/// Tibshirani 1993, section 13.3).
public struct ConfidenceInterval: Sendable, Codable, Hashable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double
    /// The confidence level, such as 0.95.
    public var level: Double

    /// Creates an interval.
    public init(lower: Double, upper: Double, level: Double) {
        self.lower = lower
        self.upper = upper
        self.level = level
    }
}

/// A measure's values for the retrained models, with their mean and range.
public struct RetrainedValue: Sendable, Codable, Hashable {
    /// The models' values in the order of the models; never empty.
    public let values: [MeasureValue]
    /// The mean of the values.
    public let mean: Double
    /// The smallest value.
    package let lowest: Double
    /// The largest value.
    package let highest: Double
    /// Whether one of the values, and therefore the mean, is a lower bound.
    public let isLowerBound: Bool

    /// Summarizes values; nil for an empty list.
    public init?(_ values: [MeasureValue]) {
        guard let lowest = values.map(\.value).min(), let highest = values.map(\.value).max() else { return nil }
        self.values = values
        self.lowest = lowest
        self.highest = highest
        mean = values.reduce(0) { $0 + $1.value } / Double(values.count)
        isLowerBound = values.contains(where: \.isLowerBound)
    }
}

/// One of the models that an audit compares.
package enum AuditedModel: String, Sendable, Codable, CaseIterable {
    /// The model before forgetting.
    case original
    /// The model after forgetting.
    case unlearned
    /// A model trained without the forgotten classes.
    case retrained
}

/// A value for each of the audited models; nil where a model is missing or has no value.
public struct ByModel<Value> {
    /// The value of the model before forgetting.
    public var original: Value?
    /// The value of the model after forgetting.
    public var unlearned: Value?
    /// The value of the retrained model; of several models the mean of numbers, and otherwise the first model's value.
    public var retrained: Value?

    /// Groups values.
    public init(original: Value? = nil, unlearned: Value? = nil, retrained: Value? = nil) {
        self.original = original
        self.unlearned = unlearned
        self.retrained = retrained
    }

    /// The value of one model.
    package subscript(model: AuditedModel) -> Value? {
        get {
            switch model {
            case .original: original
            case .unlearned: unlearned
            case .retrained: retrained
            }
        }
        set {
            switch model {
            case .original: original = newValue
            case .unlearned: unlearned = newValue
            case .retrained: retrained = newValue
            }
        }
    }
}

extension ByModel: Sendable where Value: Sendable {}
extension ByModel: Equatable where Value: Equatable {}
extension ByModel: Hashable where Value: Hashable {}
extension ByModel: Encodable where Value: Encodable {}
extension ByModel: Decodable where Value: Decodable {}
