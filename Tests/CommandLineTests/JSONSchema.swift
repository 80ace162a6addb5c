import Foundation

/// One section of Docs/Formats.md: a table of JSON keys, and an example.
struct JSONSchema {
    struct Key {
        let type: String
        let isOptional: Bool
    }

    /// The keys by path, such as `rows[].accuracy.all`.
    private(set) var keys: [String: Key] = [:]
    private(set) var example = ""

    private static let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Docs/Formats.md")

    /// The sections with headings of the third level, by heading.
    static let all: [String: JSONSchema] = {
        var schemas: [String: JSONSchema] = [:]
        var (heading, isExample) = (nil as String?, false)
        for line in (try? String(contentsOf: page, encoding: .utf8))?.components(separatedBy: "\n") ?? [] {
            if line.hasPrefix("#") {
                heading = line.hasPrefix("### ") ? String(line.dropFirst(4)).replacing("`", with: "") : nil
                if let heading { schemas[heading] = JSONSchema() }
            } else if let heading {
                if line.hasPrefix("```") {
                    isExample = line == "```json"
                } else if isExample {
                    schemas[heading]?.example += line
                }
                schemas[heading]?.add(row: line)
            }
        }
        return schemas
    }()

    private mutating func add(row: String) {
        let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard row.hasPrefix("| `"), cells.count == 3 else { return }
        let isOptional = cells[1].hasSuffix(" (optional)")
        keys[cells[0].replacing("`", with: "")] = Key(
            type: isOptional ? String(cells[1].dropLast(11)) : cells[1], isOptional: isOptional)
    }

    /// What a JSON object has that the table has not, and the other way round; empty if they agree.
    func faults(of object: [String: Any]) -> [String] { faults(of: object, at: "") }

    private func faults(of object: [String: Any], at path: String) -> [String] {
        var faults: [String] = []
        for (name, value) in object {
            let own = path.isEmpty ? name : "\(path).\(name)"
            faults += self.faults(of: value, at: hasKey(own) ? own : path.isEmpty ? "*" : "\(path).*")
        }
        for name in requiredNames(below: path) where object[name] == nil {
            faults.append("\(path): \(name) is missing")
        }
        return faults
    }

    private func faults(of value: Any, at path: String) -> [String] {
        guard hasKey(path) else { return ["\(path) is not in the table"] }
        if let key = keys[path], !Self.isValue(value, of: key.type) {
            return ["\(path) is \(value) and not of the type \(key.type)"]
        }
        if let object = value as? [String: Any], hasKeys(below: path + ".") { return faults(of: object, at: path) }
        if let list = value as? [Any], hasKeys(below: path + "[].") {
            return list.flatMap { element in
                (element as? [String: Any]).map { faults(of: $0, at: path + "[]") } ?? ["\(path) has \(element)"]
            }
        }
        return []
    }

    private func hasKey(_ path: String) -> Bool {
        keys[path] != nil || hasKeys(below: path + ".") || hasKeys(below: path + "[].")
    }

    private func hasKeys(below path: String) -> Bool { keys.keys.contains { $0.hasPrefix(path) } }

    /// The names that every object at a path has.
    private func requiredNames(below path: String) -> Set<String> {
        let prefix = path.isEmpty ? "" : path + "."
        var names: Set<String> = []
        for (key, entry) in keys where key.hasPrefix(prefix) && !entry.isOptional {
            let name = String(key.dropFirst(prefix.count).prefix { $0 != "." }).replacing("[]", with: "")
            if name != "*", keys[prefix + name]?.isOptional != true { names.insert(name) }
        }
        return names
    }

    private static func isValue(_ value: Any, of type: String) -> Bool {
        if type.hasSuffix(" or null") {
            return value is NSNull || isValue(value, of: String(type.dropLast(8)))
        }
        return switch type {
        case "string": value is String
        case "boolean": isBoolean(value)
        case "integer":
            !isBoolean(value) && (value as? NSNumber).map { $0.doubleValue == Double($0.int64Value) } ?? false
        case "number": !isBoolean(value) && value is NSNumber
        case "object": value is [String: Any]
        case "list": value is [Any]
        case "list of objects": value is [[String: Any]]
        default: false
        }
    }

    private static func isBoolean(_ value: Any) -> Bool {
        (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? false
    }

    /// The paths of all values in an object, with `*` for names that the table leaves open.
    func paths(of object: [String: Any], at path: String = "") -> Set<String> {
        var paths: Set<String> = []
        for (name, value) in object {
            let own = path.isEmpty ? name : "\(path).\(name)"
            let place = hasKey(own) ? own : "\(path).*"
            if let inner = value as? [String: Any], hasKeys(below: place + ".") {
                paths.formUnion(self.paths(of: inner, at: place))
            } else if let list = value as? [[String: Any]], !list.isEmpty, hasKeys(below: place + "[].") {
                for element in list { paths.formUnion(self.paths(of: element, at: place + "[]")) }
            } else {
                paths.insert(place)
            }
        }
        return paths
    }
}
