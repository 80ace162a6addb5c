import Foundation
import NeuralGraph

/// A setting's new value, as a configuration's file or an option of the command line gives it.
package struct SettingOverride: Sendable, Hashable {
    /// The key, whole or its last part where that is unique.
    package let key: String
    /// The value; where only a text is known, such as `3e-4`, it is read as what the setting is.
    package let value: JSONValue

    package init(_ key: String, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

/// Something whose settings can be replaced by their keys.
package struct ConfigurableSettings: Sendable {
    /// What messages call the owner, such as `method 'scrub'`.
    let owner: String
    let descriptions: [SettingDescription]

    package init(of owner: String, _ descriptions: [SettingDescription]) {
        self.owner = owner
        self.descriptions = descriptions
    }

    /// Returns a value with some settings replaced.
    /// - Throws: ``UnlearningError`` if a key is unknown or ambiguous, or a value is not what the setting may be.
    package func replacing<Value: Codable>(
        _ overrides: [SettingOverride], in value: Value
    ) throws(UnlearningError) -> Value {
        guard !overrides.isEmpty else { return value }
        do {
            var object = try JSONValue(encoding: value)
            for override in overrides { try apply(override, to: &object) }
            return try object.decoded(as: Value.self)
        } catch let error as UnlearningError {
            throw error
        } catch {
            throw .invalidSetting(
                name: owner, value: "configured so", remedy: "give the settings as 'unlearn methods NAME' lists them")
        }
    }

    private func apply(_ override: SettingOverride, to object: inout JSONValue) throws(UnlearningError) {
        // A part that is given as an object is given setting by setting.
        if case .object(let inner) = override.value, isPart(override.key) {
            for (key, value) in inner.sorted(by: { $0.key < $1.key }) {
                try apply(SettingOverride("\(override.key).\(key)", value), to: &object)
            }
            return
        }
        let (description, rest) = try find(override.key)
        let path = description.key.split(separator: ".").map(String.init)
        restoreParts(of: path, in: &object)
        let value = try SettingReader(description: description, current: object[path: path])
            .value(of: override.value, at: rest)
        object.set(value, at: path)
    }

    /// Whether a key is that of a part with settings of its own.
    private func isPart(_ key: String) -> Bool { descriptions.contains { $0.key.hasPrefix(key + ".") } }

    /// Brings a part back that is `none`, before one of its settings is set.
    private func restoreParts(of path: [String], in object: inout JSONValue) {
        for count in path.indices.dropFirst() {
            let part = Array(path.prefix(count))
            let key = part.joined(separator: ".")
            guard object[path: part] == nil, let description = descriptions.first(where: { $0.key == key }),
                case .group(let defaults) = description.values
            else { continue }
            object.set(defaults, at: part)
        }
    }

    /// The setting that a key means, and what the key has beyond it.
    private func find(_ key: String) throws(UnlearningError) -> (SettingDescription, rest: [String]) {
        if let found = descriptions.first(where: { $0.key == key }) { return (found, []) }
        func isForm(_ description: SettingDescription) -> Bool {
            if case .choice = description.values { true } else { false }
        }
        var candidates = descriptions.filter { $0.key.hasSuffix("." + key) }.map { ($0, [String]()) }
        if candidates.isEmpty {
            let parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            for count in stride(from: parts.count - 1, to: 0, by: -1) where candidates.isEmpty {
                let head = parts.prefix(count).joined(separator: ".")
                let rest = Array(parts.dropFirst(count))
                candidates = descriptions.filter { isForm($0) && ($0.key == head || $0.key.hasSuffix("." + head)) }
                    .map { ($0, rest) }
            }
        }
        if candidates.count == 1 { return candidates[0] }
        guard candidates.isEmpty else {
            throw .ambiguousSetting(key, of: owner, candidates.map(\.0.key))
        }
        throw .unknownSetting(key, of: owner, known: descriptions.map(\.key))
    }
}

extension UnlearningError {
    static func ambiguousSetting(_ key: String, of owner: String, _ keys: [String]) -> Self {
        Self(.invalidSetting, "\(owner) has several settings '\(key)'; give one of \(keys.joined(separator: ", "))")
    }

    static func unknownSetting(_ key: String, of owner: String, known: [String]) -> Self {
        guard !known.isEmpty else { return Self(.invalidSetting, "\(owner) has no settings; leave '\(key)' out") }
        // A wrong last part is found among the last parts, whatever stands before it.
        let ends = known.map { key.contains(".") ? $0 : $0.split(separator: ".").last.map(String.init) ?? $0 }
        let hint = NearestName.hint(for: key, in: known + ends)
        return Self(
            .invalidSetting,
            "\(owner) has no setting '\(key)'\(hint); its settings are \(known.joined(separator: ", "))")
    }
}

/// Reads one setting's value.
struct SettingReader {
    let description: SettingDescription
    /// The value so far; nil for none.
    let current: JSONValue?

    /// The value to store.
    /// - Parameter rest: what a key has beyond the setting's own: a form's name, a field of one, or both.
    func value(of given: JSONValue, at rest: [String]) throws(UnlearningError) -> JSONValue {
        if description.isOptional, rest.isEmpty, isNone(given) { return .null }
        switch description.values {
        case .integer(let range):
            guard let number = integer(given), range.contains(number) else { throw fault(given) }
            return .integer(number)
        case .number(let range):
            guard let number = number(given), range.contains(number) else { throw fault(given) }
            return .number(number)
        case .boolean:
            switch given {
            case .boolean: return given
            case .text("true"): return .boolean(true)
            case .text("false"): return .boolean(false)
            default: throw fault(given)
            }
        case .names: return .list(try names(given))
        case .integers(let range): return .list(try integers(given, in: range))
        case .group(let defaults):
            // `true` brings the part back.
            guard given == .boolean(true) || given == .text("true") else { throw fault(given) }
            return current ?? defaults
        case .choice(let choices): return try form(given, rest, choices)
        }
    }

    private func fault(_ given: JSONValue) -> UnlearningError {
        .invalidSetting(
            name: description.key, value: "'\(given.shortText.prefix(60))'", remedy: "use \(description.valuesText)")
    }

    private func isNone(_ given: JSONValue) -> Bool {
        switch given {
        case .null, .boolean(false), .text("none"), .text("null"), .text("false"): true
        default: false
        }
    }

    private func integer(_ given: JSONValue) -> Int? {
        switch given {
        case .integer(let value): value
        case .number(let value): Int(exactly: value)
        case .text(let text): Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
        default: nil
        }
    }

    private func number(_ given: JSONValue) -> Double? {
        switch given {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .text(let text): Double(text)
        default: nil
        }
    }

    private func names(_ given: JSONValue) throws(UnlearningError) -> [JSONValue] {
        switch given {
        case .null, .text(""), .text("none"): return []
        case .text(let text):
            return text.split(separator: ",").map { .text($0.trimmingCharacters(in: .whitespaces)) }
        case .list(let values):
            guard values.allSatisfy({ if case .text = $0 { true } else { false } }) else { throw fault(given) }
            return values
        default: throw fault(given)
        }
    }

    private func integers(_ given: JSONValue, in range: ClosedRange<Int>) throws(UnlearningError) -> [JSONValue] {
        let values: [JSONValue]
        switch given {
        case .null, .text(""), .text("none"): values = []
        case .text(let text):
            values = text.split(separator: ",").map { .text($0.trimmingCharacters(in: .whitespaces)) }
        case .list(let list): values = list
        default: values = [given]
        }
        var numbers: [JSONValue] = []
        for value in values {
            guard let number = integer(value), range.contains(number) else { throw fault(given) }
            numbers.append(.integer(number))
        }
        return numbers
    }

    // MARK: Forms

    private func form(
        _ given: JSONValue, _ rest: [String], _ choices: [SettingChoice]
    ) throws(UnlearningError) -> JSONValue {
        var (word, fields): (String?, [String: JSONValue]) = (nil, [:])
        if let first = rest.first {
            if let choice = choices.first(where: { $0.isNamed(first) }) {
                word = choice.name
                fields = try self.fields(given, Array(rest.dropFirst()), of: choice)
            } else if rest.count == 1, let choice = currentChoice(choices), choice.fields[first] != nil {
                // A field alone is one of the form that the setting has.
                (word, fields) = (choice.name, [first: given])
            }
        } else {
            switch given {
            case .text(let text): word = text
            case .object(let values) where values.count == 1:
                guard let (name, inner) = values.first else { break }
                word = name
                if case .object(let own) = inner { fields = own } else { fields = ["_0": inner] }
            default: break
            }
        }
        guard let word, let choice = choices.first(where: { $0.isNamed(word) }) else {
            throw fault(rest.isEmpty ? given : .text(rest.joined(separator: ".")))
        }
        return try choice.isText ? .text(choice.name) : .object([choice.name: complete(fields, of: choice)])
    }

    private func fields(
        _ given: JSONValue, _ rest: [String], of choice: SettingChoice
    ) throws(UnlearningError) -> [String: JSONValue] {
        if let field = rest.first {
            guard rest.count == 1 else { throw fault(.text(rest.joined(separator: "."))) }
            return [field: given]
        }
        if case .object(let values) = given { return values }
        return choice.fields["_0"] == nil ? [:] : ["_0": given]
    }

    private func currentChoice(_ choices: [SettingChoice]) -> SettingChoice? {
        guard case .object(let values)? = current, let name = values.keys.first, values.count == 1 else { return nil }
        return choices.first { $0.name == name }
    }

    /// A form's fields, those that are not given as they are or by default.
    private func complete(
        _ given: [String: JSONValue], of choice: SettingChoice
    ) throws(UnlearningError) -> JSONValue {
        var result = choice.fields
        if case .object(let own)? = current?[path: [choice.name]] { result.merge(own) { _, own in own } }
        for (name, value) in given {
            guard let usual = choice.fields[name] else {
                throw .invalidSetting(
                    name: description.key, value: "given a field '\(name)' of '\(choice.name)'",
                    remedy: "its fields are: \(choice.fields.keys.sorted().joined(separator: ", "))")
            }
            if case .boolean = usual {
                guard value == .boolean(true) || value == .text("true") || isNone(value) else { throw fault(value) }
                result[name] = .boolean(!isNone(value))
            } else if let number = number(value) {
                result[name] = Int(exactly: number).map { .integer($0) } ?? .number(number)
            } else {
                throw fault(value)
            }
        }
        if let missing = result.filter({ $0.value == .null }).keys.min() {
            throw .invalidSetting(
                name: description.key, value: "'\(choice.name)' alone",
                remedy: "give \(missing == "_0" ? "its number" : "its \(missing)") too, as in "
                    + "\(description.key).\(choice.name)\(missing == "_0" ? "" : "." + missing)=NUMBER")
        }
        return .object(result)
    }
}
