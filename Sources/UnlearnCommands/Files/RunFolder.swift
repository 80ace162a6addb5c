import Foundation
import Unlearning
import UnlearningReports

/// A folder beside a run's output with what it was made with: the resolved configuration, the command and the log.
struct RunFolder: Sendable {
    let url: URL

    var configurationFile: URL { url.appendingPathComponent("configuration.json") }
    private var commandFile: URL { url.appendingPathComponent("command.txt") }
    private var logFile: URL { url.appendingPathComponent("log.txt") }

    /// All files.
    var files: [URL] { [configurationFile, commandFile, logFile] }

    /// The line that says where it is.
    var text: String { "Wrote \(url.relativePath)\n" }

    /// Checks that the folder can be made and filled.
    /// - Throws: `FileError` that names the file.
    func check(_ inputs: InputFiles) throws {
        try inputs.checkNotRead(files)
        try inputs.check(folder: url)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { throw FileError(url.path, "is no folder; give another --run-folder") }
            for file in files { try AtomicFile.checkDestination(file) }
        } else {
            // The folder above has to be there and take new entries.
            let above = url.deletingLastPathComponent()
            try AtomicFile.checkDestination(above.appendingPathComponent(url.lastPathComponent))
        }
    }

    /// Writes all files.
    /// - Parameters:
    ///   - configuration: the resolved configuration.
    ///   - log: the run's messages.
    ///   - redact: takes out of a text what must not be kept.
    func write(_ configuration: RunConfiguration, log: [String], redact: (String) -> String = { $0 }) throws {
        guard ParallelJob.isFirst else { return }
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(configuration), as: UTF8.self)
        try AtomicFile.write(Data("\(redact(text))\n".utf8), to: configurationFile)
        try AtomicFile.write(Data("\(redact(Self.command))\n".utf8), to: commandFile)
        try AtomicFile.write(Data(log.map { redact($0) + "\n" }.joined().utf8), to: logFile)
    }

    /// The command as it can be typed into a shell again.
    private static var command: String {
        (["unlearn"] + ProgramArguments.all).map { argument in
            let plain = argument.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:=,+@%".contains($0)) }
            return plain && !argument.isEmpty ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
        }.joined(separator: " ")
    }
}
