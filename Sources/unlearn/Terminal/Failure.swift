import ArgumentParser
import Foundation

/// How the program ends when it cannot do what it was asked to.
struct Failure {
    private let error: any Error

    init(_ error: any Error) {
        self.error = error
    }

    /// Prints one line, and with `--json` an object too, and ends the program: 1 for what went wrong, 64 for wrong usage, 128
    /// and the signal's number after an interruption. A finding, such as a failed audit, has its own code and was printed
    /// already.
    func exit() -> Never {
        if let interrupted = error as? Interrupted {
            end(interrupted.exitCode, interrupted.message, "unlearn: \(interrupted.message)\n")
        }
        if error is ClosedPipe { Foundation.exit(ClosedPipe.exitCode) }
        if let finding = error as? ExitCode { Foundation.exit(finding.rawValue) }
        let code = UnlearnCommand.exitCode(for: error)
        // Help and version come as errors too.
        if code == .success { UnlearnCommand.exit(withError: error) }
        if code == .validationFailure {
            let message = UnlearnCommand.fullMessage(for: error)
            let body = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
            end(code.rawValue, UnlearnCommand.message(for: error), "unlearn: error: \(Self.lines(body))\n")
        }
        let message = String(describing: error)
        end(code.rawValue, message, "unlearn: error: \(message.visible().shortened(to: Self.longestLine))\n")
    }

    /// Names in a message may be of any length.
    private static let longestLine = 4000

    private func end(_ code: Int32, _ message: String, _ text: String) -> Never {
        StandardError.write(text)
        if ProgramArguments.askForJSON {
            // Where nobody reads the object, the exit code says enough.
            try? StandardOutput.writeJSON(Report(error: Report.Details(exitCode: code, message: message)))
        }
        Foundation.exit(code)
    }

    /// A failure as a script reads it.
    private struct Report: Encodable {
        let error: Details

        struct Details: Encodable {
            let exitCode: Int32
            let message: String
        }
    }

    /// An explanation of the usage, whose lines are its own and not those of an argument in it.
    private static func lines(_ text: String) -> String {
        ProgramArguments.all.filter { $0.contains("\n") }
            .reduce(text) { $0.replacingOccurrences(of: $1, with: $1.visible()) }
    }
}

/// Something wrong that the library does not know about.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
