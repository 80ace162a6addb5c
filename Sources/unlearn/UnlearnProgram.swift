import UnlearnCommands

/// `unlearn`, all of whose commands but those of ledgers are built into it.
@main
enum UnlearnProgram {
    static func main() {
        LedgerProgram.becomeIfAskedFor()
        EntryPoint.run(UnlearnCommand.self)
    }
}
