import ArgumentParser
import Logging
import Unlearning

/// A command that works for a while and then has something to report.
protocol ReportingCommand: AsyncParsableCommand, Sendable {
    associatedtype Outcome: Report

    /// Seed, threads and output.
    var flags: RunFlags { get }

    /// What an interruption means for the files, in the message about it.
    var interruptionNote: String { get }

    /// Does the work. Files are written last, so that an interruption leaves none.
    func perform(_ console: Console) async throws -> Outcome
}

extension ReportingCommand {
    var interruptionNote: String { "nothing was written" }

    mutating func run() async throws {
        let command = self
        let console = Console(flags: flags)
        defer { console.finish() }
        flags.warn(console)
        let outcome = try await Interruption.cancelling(
            note: interruptionNote, cleanUp: { console.finish() }
        ) {
            try await command.perform(console)
        }
        console.finish()
        console.logger.info("peak memory \(ProcessMemory.peak >> 20) MiB")
        if flags.json { try StandardOutput.writeJSON(outcome) } else { try StandardOutput.write(outcome.text) }
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }
}
