import ArgumentParser
import Foundation
import NeuralGraph
import Unlearning
import UnlearningReports

/// `unlearn methods`
struct MethodsCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods",
        abstract: "Lists methods, or one method's settings with ranges, defaults and sources.",
        discussion: """
            A setting is changed by --set KEY=VALUE, or under the key 'settings' of a --config file. The last part of a \
            key is enough where only one key ends in it.

            EXAMPLES
              unlearn methods
              unlearn methods scrub
              unlearn forget model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub --set temperature=2 --set training.learningRate=3e-4 \\
                --output out.safetensors
            """)

    @Argument(
        help: ArgumentHelp("A method, to show with its settings.", valueName: "name"),
        completion: MethodArgument.completion, transform: MethodArgument.init(parsing:))
    var method: MethodArgument?

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> MethodsReport {
        MethodsReport(methods: method.map { [$0.method] } ?? UnlearningMethods.all, isFull: method != nil)
    }
}

/// Methods with their settings.
struct MethodsReport: Report {
    let methods: [any UnlearningMethod]
    let isFull: Bool

    enum CodingKeys: CodingKey {
        case methods
    }

    private struct Method: Encodable {
        let name: String
        let preset: String?
        let requirements: [Requirement]
        let settings: [Setting]
        let source: String?
        let summary: String
        let supportsSamples: Bool

        enum CodingKeys: CodingKey {
            case name, preset, requirements, settings, source, summary, supportsSamples
        }

        // Written out, so that a missing preset is null and not a missing key.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(preset, forKey: .preset)
            try container.encode(requirements, forKey: .requirements)
            try container.encode(settings, forKey: .settings)
            try container.encode(source, forKey: .source)
            try container.encode(summary, forKey: .summary)
            try container.encode(supportsSamples, forKey: .supportsSamples)
        }
    }

    private struct Setting: Encodable {
        let key: String
        let meaning: String
        let source: String?
        let value: JSONValue
        let values: String
        /// The values without the fields of forms, for a table.
        let shortValues: String

        enum CodingKeys: CodingKey {
            case key, meaning, source, value, values
        }

        // Written out, so that a missing source is null and not a missing key.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
            try container.encode(meaning, forKey: .meaning)
            try container.encode(source, forKey: .source)
            try container.encode(value, forKey: .value)
            try container.encode(values, forKey: .values)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(
            try methods.map { method in
                let listed = ListedMethod(method: method)
                return Method(
                    name: method.name, preset: listed.preset?.rawValue, requirements: listed.requirements,
                    settings: try Self.settings(of: method), source: method.source, summary: method.summary,
                    supportsSamples: method.supportsSamples)
            }, forKey: .methods)
    }

    private static func settings(of method: any UnlearningMethod) throws -> [Setting] {
        let values = try JSONValue(encoding: method)
        return (method.settings ?? []).map { setting in
            Setting(
                key: setting.key, meaning: setting.meaning, source: setting.source ?? method.source,
                value: values[path: setting.key.split(separator: ".").map(String.init)] ?? .null,
                values: setting.valuesText, shortValues: setting.shortValuesText)
        }
    }

    var text: String {
        var table = TextTable(alignsAllLeft: true)
        guard isFull, let method = methods.first else {
            table.add(ListCommand.Subject.methods.header)
            for item in methods.map(ListedMethod.init) { table.add([item.name] + item.cells) }
            return table.text + "\n'unlearn methods NAME' shows a method's settings.\n"
        }
        let listed = ListedMethod(method: method)
        table.add(["method", method.name])
        for (title, value) in listed.description + [("source", method.source ?? "-")] { table.add([title, value]) }
        guard let settings = try? Self.settings(of: method), !settings.isEmpty else {
            return table.text + "\nIt has no settings.\n"
        }
        var list = TextTable(alignsAllLeft: true)
        list.add(["setting", "default", "may be", "what it is", "source"])
        for setting in settings {
            let isOwn = setting.source != method.source
            list.add([
                setting.key, text(of: setting), setting.shortValues, setting.meaning,
                isOwn ? setting.source ?? "-" : "-",
            ])
        }
        return table.text + "\n" + list.text
    }

    private func text(of setting: Setting) -> String {
        // A part that is there has its values in the lines below.
        setting.values.hasPrefix("the settings below") && setting.value != .null ? "below" : setting.value.shortText
    }
}
