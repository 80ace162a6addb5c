import Foundation

/// Settings as lines of a path and a value, from their JSON.
struct SettingsList {
    /// Names and values in the order of the names.
    let lines: [[String]]

    /// Lists the settings of a value.
    init(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        self.init(json: String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Lists the settings of a JSON text; none for nil or a text that is not JSON.
    init(json: String?) {
        guard let json,
            let object = try? JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        else {
            lines = []
            return
        }
        var lines: [[String]] = []
        Self.add(object, under: "", to: &lines)
        self.lines = lines
    }

    private static func add(_ value: Any, under path: String, to lines: inout [[String]]) {
        func joined(_ name: String) -> String { path.isEmpty ? name : "\(path), \(name)" }
        switch value {
        case let object as [String: Any] where !object.isEmpty:
            for (key, inner) in object.sorted(by: { $0.key < $1.key }) {
                // The keys of an enumeration's unnamed values say nothing.
                add(inner, under: key.hasPrefix("_") ? path : joined(words(key)), to: &lines)
            }
        case let list as [Any] where list.contains { $0 is [String: Any] }:
            for (number, inner) in list.enumerated() { add(inner, under: joined("\(number + 1)"), to: &lines) }
        case let list as [Any]:
            lines.append([path, list.map { "\($0)" }.joined(separator: ", ")])
        case let number as NSNumber:
            lines.append([path, isBoolean(number) ? (number.boolValue ? "yes" : "no") : number.description])
        case is [String: Any]:
            lines.append([path, "yes"])
        default:
            lines.append([path, "\(value)"])
        }
    }

    private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

    /// A key in camel case as words.
    private static func words(_ key: String) -> String {
        key.reduce(into: "") { text, character in
            if character.isUppercase { text += " " + character.lowercased() } else { text.append(character) }
        }
    }
}
