import ArgumentParser
import Foundation
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// `unlearn ledger rollback`
struct LedgerRollback: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Makes the model from before a job the current one, and marks the job's requests.",
        discussion: "Later jobs are rolled back too, since they began with the model of this one.")

    @OptionGroup var ledger: LedgerArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The job. (default: the last one that passed)", valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var job: Int?

    @Option(help: ArgumentHelp("Why, for the ledger.", valueName: "text"))
    var reason: String?

    @Option(
        help: ArgumentHelp("The file that the restored model is written to.", valueName: "file"), completion: .model)
    var output: String?

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerReport {
        let ledger = try ledger.open()
        let file = try self.ledger.checkOutput(output, of: ledger)
        let lease = try JobLease(in: self.ledger.url)
        let state = try ledger.rollBack(job: job, reason: reason)
        withExtendedLifetime(lease) {}
        let model = state.currentModel
        if let file { try AtomicFile.copy(ledger.folder.url(of: model.path), to: file) }
        let requests = state.requests.filter { $0.state == .rolledBack }.map { String($0.number) }
        return LedgerReport(
            state, "The current model is \(model.path) again; rolled back: request \(requests.joined(separator: ", "))")
    }
}

/// `unlearn ledger policy`
struct LedgerPolicyCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Sets what a model must fulfil to leave a ledger, for jobs from now on.")

    @OptionGroup var ledger: LedgerArgument

    @Argument(
        help: ArgumentHelp("The policy, a JSON file.", valueName: "file"), completion: .file(extensions: ["json"]))
    var policy: String

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerReport {
        let policy = try LedgerPolicy(contentsOf: URL(fileURLWithPath: policy))
        let ledger = try ledger.open()
        try ledger.set(policy)
        return LedgerReport(try ledger.state(), "Set the policy of \(self.ledger.path)")
    }
}

/// `unlearn ledger derived`
struct LedgerDerived: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "derived",
        abstract: "Notes files that were made from a ledger's model, such as exports and quantized copies.",
        discussion: "'status' lists those that are still there although the model they were made from is not current.")

    @OptionGroup var ledger: LedgerArgument

    @Argument(help: ArgumentHelp("The files.", valueName: "files"), completion: .file())
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "The SHA-256 digest of the model that they were made from. (default: the current model's)",
            valueName: "digest"))
    var from: String?

    @OptionGroup var flags: PlainFlags

    func validate() throws {
        if let from, SHA256Digest(from) == nil {
            throw ValidationError("--from \(from): a digest has 64 hexadecimal digits.")
        }
    }

    func perform(_ console: Console) async throws -> LedgerReport {
        let ledger = try ledger.open()
        let state = try ledger.derive(files.map { URL(fileURLWithPath: $0) }, from: from.flatMap { SHA256Digest($0) })
        return LedgerReport(state, "Noted \(files.joined(separator: ", "))")
    }
}

/// `unlearn ledger prune`
struct LedgerPrune: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Removes a ledger's former models, which still know what was forgotten.",
        discussion: "Their digests and records stay. A job whose model of before is removed cannot be rolled back.")

    @OptionGroup var ledger: LedgerArgument
    @OptionGroup var flags: PlainFlags

    var interruptionNote: String { "the same command removes what is left" }

    func perform(_ console: Console) async throws -> LedgerReport {
        let ledger = try ledger.open()
        let lease = try JobLease(in: self.ledger.url)
        let files = try ledger.prune()
        withExtendedLifetime(lease) {}
        let names = files.map(\.path).joined(separator: ", ")
        return LedgerReport(try ledger.state(), files.isEmpty ? "There is nothing to remove" : "Removed \(names)")
    }
}

/// `unlearn ledger export`
struct LedgerExport: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a ledger as JSON, alone or in a folder with its records and reports.")

    @OptionGroup var ledger: LedgerArgument

    @Option(
        help: ArgumentHelp(
            "A file that ends in .json, or a new folder that gets records and reports too. (default: standard output)",
            valueName: "path"), completion: .file())
    var output: String?

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerExportReport {
        let ledger = try ledger.open()
        let export = try LedgerDocument(ledger)
        guard let output else { return LedgerExportReport(document: export, output: nil) }
        let place = try self.ledger.checkOutside(output)
        if place.pathExtension.lowercased() == "json" {
            try AtomicFile.write(try export.json(), to: place)
        } else {
            try export.write(to: place, from: ledger.folder)
        }
        return LedgerExportReport(document: export, output: output)
    }
}
