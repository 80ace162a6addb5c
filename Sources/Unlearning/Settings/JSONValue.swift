package import Foundation

/// A value of JSON, for settings whose type only their owner knows.
package enum JSONValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            // A seed may be beyond `Int`; its digits are kept.
            self = .text(String(value))
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSONValue {
    /// Encodes a value.
    package init(encoding value: any Encodable) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    }

    /// Decodes a value.
    package func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
    }

    /// The JSON with sorted keys.
    /// - Parameter isPretty: whether there is one key on each line.
    package func json(isPretty: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(self)
    }

    /// The value on one line for people: texts without quotes, an enumeration's case as its name.
    package var shortText: String {
        switch self {
        case .null: return "none"
        case .boolean(let value): return value ? "true" : "false"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .text(let value): return value
        case .list(let values): return values.isEmpty ? "none" : values.map(\.shortText).joined(separator: ", ")
        case .object(let values):
            func fields(_ values: [String: JSONValue]) -> String {
                values.sorted { $0.key < $1.key }
                    .map { $0.key.hasPrefix("_") ? $0.value.shortText : "\($0.key) \($0.value.shortText)" }
                    .joined(separator: ", ")
            }
            guard values.count == 1, let (name, value) = values.first, case .object(let inner) = value else {
                return fields(values)
            }
            return inner.isEmpty ? name : "\(name) (\(fields(inner)))"
        }
    }

    /// The value at a path of keys; nil if there is none.
    package subscript(path path: [String]) -> JSONValue? {
        guard let first = path.first else { return self }
        guard case .object(let values) = self, let value = values[first] else { return nil }
        return value[path: Array(path.dropFirst())]
    }

    /// Sets the value at a path of keys; null removes it.
    package mutating func set(_ value: JSONValue, at path: [String]) {
        guard let first = path.first else {
            self = value
            return
        }
        var values: [String: JSONValue] = if case .object(let own) = self { own } else { [:] }
        if path.count == 1, value == .null {
            values[first] = nil
        } else {
            var inner = values[first] ?? .object([:])
            inner.set(value, at: Array(path.dropFirst()))
            values[first] = inner
        }
        self = .object(values)
    }
}
