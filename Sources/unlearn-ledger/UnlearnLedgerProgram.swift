import ArgumentParser
import UnlearnCommands

/// `unlearn` with the commands of ledgers, which `unlearn ledger` becomes.
@main
enum UnlearnLedgerProgram {
    static func main() {
        EntryPoint.run(UnlearnWithLedger.self)
    }
}

/// The program's commands.
struct UnlearnWithLedger: AsyncParsableCommand {
    static let configuration = UnlearnCommand.withLedger(LedgerCommand.self)
}
