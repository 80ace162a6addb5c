import Foundation
import TestSupport
import Testing

/// The built program, run as a person or a script would.
struct Program {
    /// How a run ended and what it said.
    struct Ending {
        let status: Int32
        let output: String
        let errors: String

        /// Standard output as one JSON object.
        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }

        /// The lines on standard error.
        var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    /// A run that goes on.
    final class Run {
        let process = Process()
        private let outputFile: URL
        private let errorFile: URL

        /// - Parameter wrapper: a command that runs the program, with arguments of its own.
        init(_ arguments: [String], folder: URL, under wrapper: [String] = [], output: FileHandle? = nil) throws {
            let name = UUID().uuidString
            outputFile = folder.appendingPathComponent("\(name).stdout")
            errorFile = folder.appendingPathComponent("\(name).stderr")
            let command = try wrapper + [Program.executable().path] + arguments
            process.executableURL = URL(fileURLWithPath: command[0])
            process.arguments = Array(command.dropFirst())
            // Files, not pipes: nobody has to read while the program runs.
            process.standardOutput = try output ?? Self.handle(outputFile)
            process.standardError = try Self.handle(errorFile)
            process.standardInput = FileHandle.nullDevice
            // What a killed program leaves goes with the tests.
            process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": TemporaryFolder.root.path]) {
                $1
            }
            try process.run()
        }

        /// Waits for the end.
        func ending() -> Ending {
            process.waitUntilExit()
            return Ending(
                status: process.terminationStatus, output: text(outputFile), errors: text(errorFile))
        }

        /// Waits until standard error has a text, or the program has ended.
        func waitForErrors(containing wanted: String) {
            while process.isRunning, !text(errorFile).contains(wanted) { usleep(10_000) }
        }

        private func text(_ file: URL) -> String {
            (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        }

        private static func handle(_ file: URL) throws -> FileHandle {
            try Data().write(to: file)
            return try FileHandle(forWritingTo: file)
        }
    }

    /// Runs the program to its end.
    /// - Parameter wrapper: a command that runs the program, with arguments of its own.
    static func run(_ arguments: [String], under wrapper: [String] = []) throws -> Ending {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        return try Run(arguments, folder: folder.url, under: wrapper).ending()
    }

    /// Where the build put the program: beside the tests.
    static func executable() throws -> URL {
        let starts = [Bundle.main.bundleURL, URL(fileURLWithPath: CommandLine.arguments[0])]
        for start in starts + Bundle.allBundles.map(\.bundleURL) {
            var folder = start.resolvingSymlinksInPath()
            for _ in 0..<5 {
                let candidate = folder.appendingPathComponent("unlearn")
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder),
                    !isFolder.boolValue
                {
                    return candidate
                }
                folder.deleteLastPathComponent()
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }
}
