import ArgumentParser

/// A command whose work several processes share.
protocol SharedCommand: ParsableCommand {}

extension Train: SharedCommand {}
extension Forget: SharedCommand {}
extension Tune: SharedCommand {}
extension Evaluate: SharedCommand {}
extension AuditCommand: SharedCommand {}
extension Predict: SharedCommand {}
extension Compare: SharedCommand {}
extension CompareMethods: SharedCommand {}

extension ParallelJob {
    /// Checks that several processes can share a command.
    /// - Throws: `ValidationError` if they cannot.
    static func check(_ command: any ParsableCommand) throws {
        guard count > 1, !(command is any SharedCommand) else { return }
        // Help and the list of commands have no work to share either, and are printed once.
        guard type(of: command).configuration.subcommands.isEmpty else { return }
        let name = type(of: command).configuration.commandName ?? String(describing: type(of: command)).lowercased()
        throw ValidationError("'\(name)' runs on one process, and \(count) were started; leave out mpirun.")
    }
}
