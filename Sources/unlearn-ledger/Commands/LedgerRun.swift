import ArgumentParser
import Foundation
import Logging
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// `unlearn ledger run`
struct LedgerRun: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Makes the model forget what waits in a ledger.",
        discussion: """
            All waiting requests about classes become one job, each about samples one of its own. With --validation the new \
            model is audited, and the policy decides whether it may leave: then it is the ledger's current model. Exit \
            code 2 means that a job was refused, 1 that it failed; --retry takes such requests up again.

            A job that was killed goes on with the next run, if it has the same options; with others it starts over.

            EXAMPLES
              unlearn ledger run requests --retain fashion-mnist --validation fashion-mnist
              unlearn ledger run requests --retain fashion-mnist \\
                --validation fashion-mnist --retrained gold.safetensors \\
                --sign key.pem --output forgotten.safetensors
            """)

    @OptionGroup var ledger: LedgerArgument
    @OptionGroup var forgetting: ForgettingRunFlags

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Models trained without the classes, to compare with.", valueName: "model"),
        completion: .model)
    var retrained: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many models to train without the classes, to compare with.", valueName: "number"),
        transform: NumberParsing.integer(.repetitions))
    var retrain: Int?

    @OptionGroup var audit: AuditFlags
    @OptionGroup var request: RequestFlags

    @Flag(help: "Take up requests again whose job failed or was refused.")
    var retry = false

    @Option(
        help: ArgumentHelp(
            "The file that the current model is written to in the end, if no job was refused or failed.",
            valueName: "file"), completion: .model)
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Sign the records by this private key, ECDSA over P-256 or Ed25519 in PEM.", valueName: "key"),
        completion: .file(extensions: ["pem"]))
    var sign: String?

    @OptionGroup var flags: RunFlags

    var interruptionNote: String { "the same command goes on with the job" }

    func validate() throws {
        try forgetting.check()
        if retrain != nil, !retrained.isEmpty {
            throw ValidationError("--retrained gives models and --retrain makes them; give one of them.")
        }
        try refuse(
            [("--drop-outputs", request.dropOutputs)],
            "changes the classes' numbers, by which a ledger keeps them; leave it out.")
        try refuse(
            [("--already-forgotten", !request.alreadyForgotten.isEmpty)],
            "is for a model from elsewhere; let 'unlearn forget' write it with them, and make the ledger for that.")
        try refuse(
            [("--rename-forgotten digest", request.renaming == Renaming.digestWord)], unless: request.salt != nil,
            "draws a salt of its own, and a job that was interrupted needs the same one; give --salt too.")
        let ofAudit = [
            ("--retrained", !retrained.isEmpty), ("--retrain", retrain != nil), ("--sign", sign != nil),
        ]
        try refuse(
            ofAudit + audit.given, unless: forgetting.validation != nil,
            "is for the audit, which needs images of all classes; give --validation.")
    }

    func perform(_ console: Console) async throws -> LedgerRunReport {
        let runner = LedgerRunner(
            ledger: try ledger.open(), forgetting: forgetting, retrained: retrained, retrainings: retrain ?? 0,
            auditFlags: audit, key: try sign.map { try SigningKey(contentsOf: URL(fileURLWithPath: $0)) },
            renaming: request.details.renaming, options: flags.options, given: flags.givenSettings)
        let file = try ledger.checkOutput(output, of: runner.ledger)
        let lease = try JobLease(in: ledger.url)
        var jobs = try await runner.run(retrying: retry, console)
        let state = try runner.ledger.state()
        withExtendedLifetime(lease) {}
        let open = state.requests.filter { $0.state == .failed || $0.state == .refused }
        // A run after a refusal has nothing to do, but the current model still knows what was to be forgotten.
        let isWithheld = jobs.isEmpty && !open.isEmpty
        let isDone = jobs.allSatisfy { $0.outcome == .passed } && !isWithheld
        if let file, isDone {
            // A model that was exchanged in the folder must not leave it.
            _ = try runner.ledger.currentModel()
            try AtomicFile.copy(runner.ledger.folder.url(of: state.currentModel.path), to: file)
        }
        if isWithheld {
            let states = open.map { "request \($0.number) is \($0.state.rawValue)" }.joined(separator: ", ")
            let consequence = output.map { "; \($0) is not written" } ?? ""
            console.logger.warning("nothing waits, but \(states)\(consequence); --retry takes such requests up again")
        }
        jobs.sort { $0.number < $1.number }
        return LedgerRunReport(
            state: state, jobs: jobs, output: isDone ? output : nil,
            isWithheld: isWithheld && output != nil)
    }
}
