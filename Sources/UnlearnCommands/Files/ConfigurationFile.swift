import Foundation
import Unlearning
import Yams

/// What a configuration's file sets; `unlearn methods NAME` lists what `settings` may have.
package struct ConfigurationFile: Sendable {
    /// The file; nil for an empty configuration.
    private(set) var path: String?
    private(set) var method: String?
    private(set) var preset: String?
    /// Settings of the method, or by method of several.
    private(set) var settings: [SettingOverride] = []
    /// Settings of a training of the network.
    private(set) var training: [SettingOverride] = []
    package private(set) var seed: UInt64?
    private(set) var precision: Precision?
    private(set) var samplesPerClass: Int?

    private static let largestFile = 1 << 20

    /// An empty configuration.
    init() {}

    /// Reads a file.
    /// - Throws: `CommandError` that names the file and the key.
    init(contentsOf path: String, for command: String) throws {
        self.path = path
        guard case .object(let values) = try Self.value(of: path) else {
            throw CommandError("\(path): is no list of keys with values; write keys such as method and settings")
        }
        let known = ["command", "method", "precision", "preset", "samplesPerClass", "seed", "settings", "training"]
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            switch (key, value) {
            case ("command", .text(let name)):
                guard name == command else {
                    throw CommandError("\(path): is for 'unlearn \(name)', not for 'unlearn \(command)'")
                }
            case ("method", .text(let name)): method = name
            case ("preset", .text(let name)): preset = name
            case ("samplesPerClass", .integer(let number)) where ClosedRange<Int>.samples.contains(number):
                samplesPerClass = number
            case ("seed", .integer(let number)) where number >= 0: seed = UInt64(number)
            // Beyond what integers here have.
            case ("seed", .text(let text)) where UInt64(text) != nil: seed = UInt64(text)
            case ("precision", .text(let name)) where Precision(rawValue: name) != nil:
                precision = Precision(rawValue: name)
            case ("settings", .object(let own)): settings = Self.overrides(own)
            case ("training", .object(let own)): training = Self.overrides(own)
            case ("settings", .null), ("training", .null): break
            default:
                guard known.contains(key) else {
                    throw CommandError(
                        "\(path): there is no key '\(key)'\(NearestName.hint(for: key, in: known)); the keys are "
                            + "\(known.joined(separator: ", ")), and what a method is set to goes under settings")
                }
                throw CommandError("\(path): \(key) cannot be '\(value.shortText.prefix(60))'; \(Self.remedy(key))")
            }
        }
        if method != nil, preset != nil {
            throw CommandError("\(path): method and preset exclude each other; give one")
        }
    }

    private static func overrides(_ values: [String: JSONValue]) -> [SettingOverride] {
        values.sorted { $0.key < $1.key }.map { SettingOverride($0.key, $0.value) }
    }

    private static func remedy(_ key: String) -> String {
        switch key {
        case "samplesPerClass": "use an integer from 1 to 1000000000"
        case "seed": "use an integer of 0 or more"
        case "precision": "use \(Precision.allCases.map(\.rawValue).joined(separator: " or "))"
        case "settings", "training": "give settings with their values"
        default: "give a name"
        }
    }

    /// Refuses keys that a command has no use for.
    /// - Parameter used: the keys that it uses.
    func check(uses used: Set<String>, in command: String) throws {
        let given = [
            ("method", method != nil), ("preset", preset != nil), ("settings", !settings.isEmpty),
            ("training", !training.isEmpty), ("samplesPerClass", samplesPerClass != nil),
        ]
        if let key = given.first(where: { $0.1 && !used.contains($0.0) })?.0 {
            throw CommandError("\(path ?? ""): \(key) has no effect on 'unlearn \(command)'; leave it out")
        }
    }

    /// Runs `body`, and names the file in what it throws.
    func naming<Result>(_ body: () throws -> Result) throws -> Result {
        guard let path else { return try body() }
        do {
            return try body()
        } catch {
            throw CommandError("\(path): \(error)")
        }
    }
}

extension ConfigurationFile {
    /// The deepest nesting of a YAML file, and the most values that it stands for once its aliases are followed.
    private static let (deepest, mostValues) = (32, 10_000)

    private static func value(of path: String) throws -> JSONValue {
        let file = try InputFile(URL(fileURLWithPath: path), remedy: "give a JSON or YAML file with settings")
        guard file.size <= largestFile else {
            throw CommandError("\(path): \(file.size) bytes are too many for settings; give a JSON or YAML file")
        }
        var bytes = [UInt8](repeating: 0, count: file.size)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
        guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
            throw CommandError("\(path): is no text in UTF-8; give a JSON or YAML file")
        }
        guard let first = text.first(where: { !$0.isWhitespace }) else { return .object([:]) }
        if first == "{" {
            do {
                return try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
            } catch {
                throw CommandError("\(path): is not JSON, although it begins with a brace; correct it")
            }
        }
        guard nesting(of: text) <= deepest else {
            throw CommandError("\(path): is nested more than \(deepest) levels deep, as no settings are")
        }
        do {
            guard let node = try Yams.compose(yaml: text) else { return .object([:]) }
            var left = mostValues
            return try value(of: node, path, &left)
        } catch let error as YamlError {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? ""
            throw CommandError("\(path): is not YAML (\(reason.prefix(200))); correct it")
        }
    }

    /// A bound of a YAML text's nesting: its parser calls itself for each level.
    private static func nesting(of text: String) -> Int {
        var (brackets, deepestBrackets, deepestLine) = (0, 0, 0)
        for line in text.split(whereSeparator: \.isNewline) {
            // Each level of blocks takes a column or a dash more.
            let indent = line.prefix { $0 == " " || $0 == "-" || $0 == "?" || $0 == "\t" || $0 == ":" }
            deepestLine = max(deepestLine, indent.count { $0 != " " } + indent.count { $0 == " " } / 2)
            for character in line where "[]{}".contains(character) {
                brackets += "[{".contains(character) ? 1 : -1
                deepestBrackets = max(deepestBrackets, brackets)
            }
        }
        return deepestBrackets + deepestLine
    }

    private static func value(of node: Node, _ path: String, _ left: inout Int) throws -> JSONValue {
        left -= 1
        guard left >= 0 else {
            throw CommandError("\(path): stands for more than \(mostValues) values, as no settings do")
        }
        switch node {
        case .mapping(let mapping):
            var values: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw CommandError("\(path): has a key that is no name")
                }
                guard values.updateValue(try self.value(of: value, path, &left), forKey: scalar.string) == nil else {
                    throw CommandError("\(path): has the key '\(scalar.string)' twice; give it once")
                }
            }
            return .object(values)
        case .sequence(let sequence): return .list(try sequence.map { try value(of: $0, path, &left) })
        case .scalar(let scalar): return Self.value(of: scalar)
        default: throw CommandError("\(path): has an alias that stands for nothing")
        }
    }

    private static func value(of scalar: Node.Scalar) -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain else { return .text(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: break
        }
        if let integer = Int(text) { return .integer(integer) }
        if UInt64(text) != nil { return .text(text) }
        // Swift reads some texts as numbers that YAML does not, such as nan and 0x1p3.
        if text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }), let number = Double(text) {
            return .number(number)
        }
        return .text(text)
    }
}
