import ArgumentParser
import Foundation
import Unlearning

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
        if let verdict = error as? ExitCode { ParallelJob.exit(verdict.rawValue) }
        let code = root.exitCode(for: error)
        // Help and version come as errors too.
        if code == .success { showHelp() }
        let place = ParallelJob.place(ofErrorInterrupting: error is Interrupted)
        if let interrupted = error as? Interrupted {
            end(interrupted.exitCode, interrupted.message, "unlearn: ", "\(interrupted.message)\n", place)
        }
        if error is ClosedPipe { ParallelJob.exit(ClosedPipe.exitCode, othersGoOn: place != nil) }
        if code == .validationFailure {
            let message = root.fullMessage(for: error)
            let body = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
            end(
                code.rawValue, root.message(for: error), "unlearn: error: ", "\(Self.lines(body))\n", place)
        }
        let message = String(describing: error)
        end(
            code.rawValue, message, "unlearn: error: ", "\(message.visible().shortened(to: Self.longestLine))\n",
            place)
    }

    private func showHelp() -> Never {
        guard ParallelJob.processes != nil else { root.exit(withError: error) }
        try? StandardOutput.write("\(root.fullMessage(for: error))\n")
        ParallelJob.exit(0)
    }

    /// Names in a message may be of any length.
    private static let longestLine = 4000

    /// - Parameter place: which of several processes this is, if the others have no error; their work ends, too.
    private func end(_ code: Int32, _ message: String, _ start: String, _ text: String, _ place: String?) -> Never {
        StandardError.write(start + (place ?? "") + text, fromAnyProcess: place != nil)
        if ProgramArguments.askForJSON {
            // Without a reader of the object, the exit code must do.
            try? StandardOutput.writeJSON(FailureReport(error: FailureDetails(exitCode: code, message: message)))
        }
        ParallelJob.exit(code, othersGoOn: place != nil)
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
package struct CommandError: DescribedError {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
