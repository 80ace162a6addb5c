package import ArgumentParser
import Logging
import Unlearning

/// A command's result: as JSON, and as text for people.
package protocol Report: Encodable, Sendable {
    /// A few aligned lines, each ended by a line break.
    var text: String { get }
    /// How the program ends once this is printed: 0 unless a pipeline should stop at the result.
    var exitCode: Int32 { get }
    /// The error that the result is, for exit code 1; nil otherwise.
    var error: String? { get }
    /// The version of the JSON's keys.
    var schemaVersion: Int { get }
}

extension Report {
    package var exitCode: Int32 { 0 }
    package var error: String? { nil }
    package var schemaVersion: Int { StandardOutput.schemaVersion }
}

/// A command that works for a while and then prints a report.
package protocol ReportingCommand: AsyncParsableCommand, Sendable {
    associatedtype Flags: CommandFlags
    associatedtype Outcome: Report

    /// What is printed, and how the command computes.
    var flags: Flags { get }

    /// What an interruption means for the files, for the message about it.
    var interruptionNote: String { get }

    /// Does the work. Files are written last, so that an interruption leaves none.
    func perform(_ console: Console) async throws -> Outcome
}

extension ReportingCommand {
    package var interruptionNote: String { "nothing was written" }

    package mutating func run() async throws {
        let command = self
        let console = Console(flags: flags.printing, threads: flags.threads)
        defer { console.finish() }
        flags.warn(console)
        let outcome = try await Interruption.cancelling(
            note: interruptionNote, cleanUp: { console.finish() }
        ) {
            try await command.perform(console)
        }
        console.finish()
        console.logger.info("peak memory \(ProcessMemory.peak >> 20) MiB")
        if flags.json {
            try StandardOutput.writeJSON(outcome, schemaVersion: outcome.schemaVersion)
        } else {
            try StandardOutput.write(outcome.text)
        }
        if let error = outcome.error { StandardError.write("unlearn: error: \(error)\n") }
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }
}
