/// A number that was measured.
public struct MeasureValue: Sendable, Codable, Hashable {
    /// The number; finite.
    public var value: Double
    /// Where it would lie with other examples drawn alike, if that was worked out.
    public var interval: ConfidenceInterval?
    /// Whether the measuring was ended here: the true value is this or more.
    public var isLowerBound: Bool
    /// Whether what it was divided by, or subtracted, was ended so: the true value is this or less. With
    /// ``isLowerBound`` too, nothing is known of it.
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

    /// Reads a value; records of version 1 have no upper bounds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        value = try container.decode(Double.self, forKey: .value)
        interval = try container.decodeIfPresent(ConfidenceInterval.self, forKey: .interval)
        isLowerBound = try container.decode(.isLowerBound, or: false)
        isUpperBound = try container.decode(.isUpperBound, or: false)
    }

    /// Where the true value may lie; nil if the number is none.
    /// - Parameters:
    ///   - least: the least possible value; nil if there is none.
    ///   - greatest: the greatest possible value; nil if there is none.
    func possible(_ least: Double?, _ greatest: Double?) -> ClosedRange<Double>? {
        guard value.isFinite else { return nil }
        let low = isUpperBound ? min(value, least ?? -.infinity) : value
        return low...(isLowerBound ? max(value, greatest ?? .infinity) : value)
    }
}

/// Where a figure would lie with other examples drawn alike: a percentile bootstrap interval (Efron and Tibshirani 1993,
/// section 13.3), or for a share the exact binomial one (Clopper and Pearson 1934).
public struct ConfidenceInterval: Sendable, Codable, Hashable {
    /// The lower end.
    public var lower: Double
    /// The upper end.
    public var upper: Double
    /// How often such an interval holds the true value, such as 0.95.
    public var level: Double

    /// Creates an interval.
    public init(lower: Double, upper: Double, level: Double) {
        self.lower = lower
        self.upper = upper
        self.level = level
    }
}

/// One measure of models retrained without the forgotten classes, from one seed or several.
public struct RetrainedValue: Sendable, Codable, Hashable {
    /// Each model's value, in the order that the models were given in; never empty.
    public let values: [MeasureValue]
    /// Their mean.
    public let mean: Double
    /// The smallest of them.
    public let lowest: Double
    /// The largest of them.
    public let highest: Double
    /// Whether one of the values is a lower bound, which makes the mean one.
    public let isLowerBound: Bool

    /// Summarizes values; nil if there are none.
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
public enum AuditedModel: String, Sendable, Codable, CaseIterable {
    /// As it was before forgetting.
    case original
    /// As it is after forgetting.
    case unlearned
    /// Trained anew without the forgotten classes.
    case retrained
}

/// Something for each of the audited models; nil for a model that there is none of.
public struct ByModel<Value> {
    /// Of the model before forgetting.
    public var original: Value?
    /// Of the model after forgetting.
    public var unlearned: Value?
    /// Of the retrained model; of several, the mean for numbers and the first one's for anything else.
    public var retrained: Value?

    /// Puts values side by side.
    public init(original: Value? = nil, unlearned: Value? = nil, retrained: Value? = nil) {
        self.original = original
        self.unlearned = unlearned
        self.retrained = retrained
    }

    /// One model's.
    public subscript(model: AuditedModel) -> Value? {
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
