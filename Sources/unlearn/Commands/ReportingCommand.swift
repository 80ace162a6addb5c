import ArgumentParser
import Foundation
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
        try flags.options.validate()
        let outcome = try await Interruption.cancelling(
            note: interruptionNote, onSecondSignal: { console.finish() }
        ) {
            try await command.perform(console)
        }
        console.finish()
        console.logger.info("peak memory \(ProcessMemory.peak >> 20) MiB")
        try StandardOutput.write(flags.json ? outcome.json : outcome.text)
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }
}

extension Report {
    /// One object on one line, its keys in order.
    fileprivate var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.dateEncodingStrategy = .iso8601
            encoder.nonConformingFloatEncodingStrategy = .convertToString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }
}
