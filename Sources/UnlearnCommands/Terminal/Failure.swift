import ArgumentParser
import Foundation

/// An error that ends the program.
struct Failure {
    private let error: any Error
    /// The program's command.
    private let root: any ParsableCommand.Type

    init(_ error: any Error, of root: any ParsableCommand.Type) {
        (self.error, self.root) = (error, root)
    }

    /// Prints one line, and with `--json` an object too, and ends the program with the error's exit code.
    ///
    /// That is 64 where the command line itself is wrong, 128 and the signal's number after an interruption, and 1 otherwise.
    /// A verdict, such as a failed audit, has its own code and is printed already.
    func exit() -> Never {
        if let interrupted = error as? Interrupted {
            end(interrupted.exitCode, interrupted.message, "unlearn: \(interrupted.message)\n")
        }
        if error is ClosedPipe { Foundation.exit(ClosedPipe.exitCode) }
        if let verdict = error as? ExitCode { Foundation.exit(verdict.rawValue) }
        let code = root.exitCode(for: error)
        // Help and version come as errors too.
        if code == .success { root.exit(withError: error) }
        if code == .validationFailure {
            let message = root.fullMessage(for: error)
            let body = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
            end(code.rawValue, root.message(for: error), "unlearn: error: \(Self.lines(body))\n")
        }
        let message = String(describing: error)
        end(code.rawValue, message, "unlearn: error: \(message.visible().shortened(to: Self.longestLine))\n")
    }

    /// Names in a message may be of any length.
    private static let longestLine = 4000

    private func end(_ code: Int32, _ message: String, _ text: String) -> Never {
        StandardError.write(text)
        if ProgramArguments.askForJSON {
            // Without a reader of the object, the exit code must do.
            try? StandardOutput.writeJSON(FailureReport(error: FailureDetails(exitCode: code, message: message)))
        }
        Foundation.exit(code)
    }

    private struct FailureReport: Encodable {
        let error: FailureDetails
    }

    /// An explanation of the usage, without line breaks that an argument in it has.
    private static func lines(_ text: String) -> String {
        ProgramArguments.all.filter { $0.contains("\n") }
            .reduce(text) { $0.replacingOccurrences(of: $1, with: $1.visible()) }
    }
}

/// A failure as a script reads it.
struct FailureDetails: Encodable, Sendable {
    let exitCode: Int32
    let message: String
}

/// An error of the command line's own.
package struct CommandError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
