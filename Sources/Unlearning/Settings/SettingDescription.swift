import Foundation

/// A setting of a method or of a training: its key, what it may be, and where it comes from.
package struct SettingDescription: Sendable, Hashable {
    /// The key, with the keys of the parts that it is in before it, such as `training.learningRate`.
    package let key: String
    /// What it may be.
    package let values: SettingValues
    /// Whether it may be `none`.
    package let isOptional: Bool
    /// What it does, in a few words.
    package let meaning: String
    /// Where its definition or default comes from; nil where its method's source says so.
    package let source: String?

    package init(
        _ key: String, _ values: SettingValues, optional isOptional: Bool = false, _ meaning: String,
        source: String? = nil
    ) {
        self.key = key
        self.values = values
        self.isOptional = isOptional
        self.meaning = meaning
        self.source = source
    }

    /// What it may be, in words.
    package var valuesText: String { values.text + (isOptional ? ", or none" : "") }

    /// The same without the fields of forms, for a table.
    package var shortValuesText: String {
        guard case .choice(let choices) = values else { return valuesText }
        return choices.map(\.name).joined(separator: " | ")
    }

    /// The same setting in a part with a key of its own.
    /// - Parameter source: its source there, unless it has one.
    func under(_ part: String, source: String? = nil) -> SettingDescription {
        SettingDescription(
            "\(part).\(key)", values, optional: isOptional, meaning, source: self.source ?? source)
    }
}

extension [SettingDescription] {
    /// The settings in a part with a key of its own.
    func under(_ part: String, source: String? = nil) -> [SettingDescription] {
        map { $0.under(part, source: source) }
    }
}

/// The values that a setting may have.
package enum SettingValues: Sendable, Hashable {
    case integer(ClosedRange<Int>)
    case number(NumberRange)
    case boolean
    /// A list of names of parameters or nodes.
    case names
    /// A list of integers.
    case integers(ClosedRange<Int>)
    /// One of several forms, some with fields of their own.
    case choice([SettingChoice])
    /// Settings that are there or not as a whole; the defaults that they come back with.
    case group(defaults: JSONValue)

    static func number(above bound: Double) -> SettingValues {
        .number(NumberRange(lower: bound, includesLower: false))
    }

    static func number(atLeast bound: Double) -> SettingValues { .number(NumberRange(lower: bound)) }

    static func within(_ range: ClosedRange<Double>) -> SettingValues {
        .number(NumberRange(lower: range.lowerBound, upper: range.upperBound))
    }

    /// In words.
    package var text: String {
        switch self {
        case .integer(let range):
            range.upperBound == .max
                ? "integer of \(range.lowerBound) or more" : "integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): range.text
        case .boolean: "true or false"
        case .names: "names, comma-separated"
        case .integers(let range): "integers from \(range.lowerBound) to \(range.upperBound), comma-separated"
        case .choice(let choices): choices.map(\.text).joined(separator: " | ")
        case .group: "the settings below"
        }
    }
}

/// An interval of numbers.
package struct NumberRange: Sendable, Hashable {
    package var lower: Double
    package var includesLower = true
    package var upper: Double?
    package var includesUpper = true

    package func contains(_ value: Double) -> Bool {
        guard value.isFinite, includesLower ? value >= lower : value > lower else { return false }
        guard let upper else { return true }
        return includesUpper ? value <= upper : value < upper
    }

    var text: String {
        let (low, high) = (lower.formattedShortly, upper?.formattedShortly)
        return switch (includesLower, high, includesUpper) {
        case (true, nil, _): "\(low) or more"
        case (false, nil, _): "above \(low)"
        case (true, let high?, true): "\(low) to \(high)"
        case (true, let high?, false): "\(low) to below \(high)"
        case (false, let high?, true): "above \(low), at most \(high)"
        case (false, let high?, false): "above \(low), below \(high)"
        }
    }
}

/// One form of a setting that has several.
package struct SettingChoice: Sendable, Hashable {
    package let name: String
    /// Its fields with their defaults; null for one that must be given. The key `_0` is a value without a name.
    package let fields: [String: JSONValue]
    /// Whether it is written as its name alone and not as an object.
    package let isText: Bool

    package init(_ name: String, _ fields: [String: JSONValue] = [:], isText: Bool = false) {
        self.name = name
        self.fields = fields
        self.isText = isText
    }

    /// Whether a word means it: `one-cycle` is `oneCycle`.
    func isNamed(_ word: String) -> Bool {
        name.lowercased() == word.lowercased().replacing("-", with: "").replacing("_", with: "")
    }

    var text: String {
        let names = fields.keys.sorted().map { $0 == "_0" ? "number" : $0 }
        return names.isEmpty ? name : "\(name) (\(names.joined(separator: ", ")))"
    }
}
