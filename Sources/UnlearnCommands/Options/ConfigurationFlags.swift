import ArgumentParser
import Foundation
import Unlearning

/// Settings from a file and from single options, and the folder that keeps what a run was made with.
package struct ConfigurationFlags: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "A JSON or YAML file with settings, such as a run folder's configuration.json; options win over it.",
            valueName: "file"),
        completion: .file(extensions: ["json", "yaml", "yml"]))
    var file: String?

    @Option(
        name: .customLong("set"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "One setting, as in learningRate=3e-4 or training.schedule=cosine; give it once for each. 'unlearn methods NAME' "
                + "lists a method's settings.", valueName: "key=value"),
        transform: SettingOverride.init(argument:))
    var sets: [SettingOverride] = []

    @Option(
        help: ArgumentHelp(
            "The folder for the resolved configuration, the command and the log. (default: with --config or --set, a folder "
                + "beside the output, named after it with .run)", valueName: "folder"),
        completion: .directory)
    var runFolder: String?

    package init() {}

    /// The files that the options name.
    var files: [String] { [file].compactMap(\.self) }

    /// The run folder, if there is to be one.
    /// - Parameter output: the file or folder that the run writes, if it writes one.
    func folder(beside output: String?) -> URL? {
        if let runFolder { return URL(fileURLWithPath: runFolder, isDirectory: true) }
        guard file != nil || !sets.isEmpty, let output else { return nil }
        // Two outputs that differ in their extension have folders of their own.
        return URL(fileURLWithPath: output + ".run", isDirectory: true)
    }

    /// Reads the file; an empty configuration if there is none.
    /// - Parameter command: the command, which a file that names one has to be for.
    package func read(for command: String) throws -> ConfigurationFile {
        guard let file else { return ConfigurationFile() }
        return try ConfigurationFile(contentsOf: file, for: command)
    }
}

extension SettingOverride {
    /// Takes an argument apart, such as `training.epochs=3`.
    init(argument text: String) throws {
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
            throw ValidationError("write a setting and its value, as in learningRate=3e-4")
        }
        let value = String(text[text.index(after: sign)...])
        let key = text[..<sign].trimmingCharacters(in: .whitespaces)
        guard value.hasPrefix("{") || value.hasPrefix("[") else {
            self.init(key, .text(value))
            return
        }
        guard let json = try? JSONDecoder().decode(JSONValue.self, from: Data(value.utf8)) else {
            throw ValidationError("'\(value)' begins as JSON does, and is none; correct it")
        }
        self.init(key, json)
    }
}
