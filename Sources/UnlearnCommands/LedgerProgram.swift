import ArgumentParser
import CProgramStart
import Foundation

/// The program with the commands of ledgers, `unlearn-ledger`, which `unlearn ledger` becomes.
///
/// It links SQLite by GRDB, which takes long to compile, so `unlearn` is built without it.
package enum LedgerProgram {
    private static let name = "unlearn-ledger"

    /// What `unlearn ledger` does, for help.
    package static let abstract =
        "Keeps requests to forget, and what became of them, in a folder that can be checked."

    /// How the program is built, where it is missing.
    static let remedy =
        "build it by: swift build -c release --product \(name)"

    /// Becomes the program if the arguments are for it. Returns if they are not, or if it is not there.
    ///
    /// Called first in `main`: arguments, environment and streams are handed over as they came.
    package static func becomeIfAskedFor() {
        guard areForLedger(ProgramArguments.all) else { return }
        // They return where that fails.
        for file in candidates { ProgramArguments.run(file) }
    }

    /// Whether the arguments are of a ledger's command, or need its options, as a completion script does.
    private static func areForLedger(_ arguments: [String]) -> Bool {
        arguments.first(where: { $0 != "help" }) == "ledger"
            || arguments.contains { $0.hasPrefix("--generate-completion-script") }
    }

    /// Where it may be: beside this program, and in the folders of `PATH`.
    static var candidates: [String] {
        let own = ownFile
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders =
            (own.map { [$0.deletingLastPathComponent()] } ?? [])
            + path.split(separator: ":").map { URL(fileURLWithPath: String($0), isDirectory: true) }
        // A link of its name to this program would run this program forever.
        return folders.map { $0.appendingPathComponent(name) }.filter { $0.resolvingSymlinksInPath() != own }.map(
            \.path)
    }

    /// This program's file, without symbolic links.
    private static var ownFile: URL? {
        if let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            return URL(fileURLWithPath: path)
        }
        return Bundle.main.executableURL?.resolvingSymlinksInPath()
    }
}

/// `unlearn ledger` where the program that has the command is missing.
struct MissingLedger: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: LedgerProgram.abstract,
        discussion: "The command is in a program of its own, which was not found; \(LedgerProgram.remedy)")

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var arguments: [String] = []

    func run() throws {
        throw CommandError(
            "the program of 'unlearn ledger' is neither beside this one nor in PATH; \(LedgerProgram.remedy)")
    }
}
