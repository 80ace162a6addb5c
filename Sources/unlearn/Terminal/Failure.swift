import ArgumentParser
import Foundation

/// How the program ends when it cannot do what it was asked to.
struct Failure {
    private let error: any Error

    init(_ error: any Error) {
        self.error = error
    }

    /// Prints one line and ends the program: 1 for what went wrong, 64 for wrong usage, 128 and the signal's number
    /// after an interruption. A finding, such as a failed audit, has its own code and was printed already.
    func exit() -> Never {
        if let interrupted = error as? Interrupted {
            StandardError.write("unlearn: interrupted, \(interrupted.note)\n")
            Foundation.exit(interrupted.exitCode)
        }
        if error is ClosedPipe { Foundation.exit(ClosedPipe.exitCode) }
        if let finding = error as? ExitCode { Foundation.exit(finding.rawValue) }
        let code = UnlearnCommand.exitCode(for: error)
        // Help and version come as errors too.
        if code == .success { UnlearnCommand.exit(withError: error) }
        if code == .validationFailure {
            let message = UnlearnCommand.fullMessage(for: error)
            let body = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
            StandardError.write("unlearn: error: \(body)\n")
        } else {
            StandardError.write("unlearn: error: \(Self.line(for: error))\n")
        }
        Foundation.exit(code.rawValue)
    }

    /// An error's message, kept to one line: paths and names come from outside.
    private static func line(for error: any Error) -> String {
        let message = String(describing: error)
        return String(
            String.UnicodeScalarView(
                message.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}

/// Something wrong that the library does not know about.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
