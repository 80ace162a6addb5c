import ArgumentParser
import Foundation
import Logging
import ModelInterchange
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// `unlearn ledger`
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: LedgerProgram.abstract,
        discussion: """
            A ledger holds a model, the requests to make it forget, and every job that worked on them. Its rows are \
            chained by SHA-256 and never change; 'verify' finds a row that was changed, removed, swapped or inserted. \
            Note the hash of the head, which every command prints, where nobody can change it.

            EXAMPLES
              unlearn ledger init requests --model model.safetensors --policy policy.json
              unlearn ledger add requests --classes 5 --reference "ticket 4711" \\
                --due 2026-12-31
              unlearn ledger run requests --retain fashion-mnist \\
                --validation fashion-mnist --output forgotten.safetensors
              unlearn ledger status requests
              unlearn ledger verify requests
            """,
        subcommands: [
            LedgerInit.self, LedgerAdd.self, LedgerRun.self, LedgerStatus.self, LedgerShow.self, LedgerVerify.self,
            LedgerRollback.self, LedgerExport.self, LedgerPolicyCommand.self, LedgerDerived.self, LedgerPrune.self,
        ])
}

/// The ledger that a command works on.
struct LedgerArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The ledger's folder.", valueName: "folder"), completion: .directory)
    var path: String

    var url: URL { URL(fileURLWithPath: path, isDirectory: true) }

    /// Opens the ledger.
    func open() throws -> Ledger { try Ledger(url) }

    /// Checks that a model can be written to a file outside the folder.
    func checkOutput(_ path: String?, of ledger: Ledger) throws -> URL? {
        guard let path else { return nil }
        let file = try checkOutside(path)
        // The file is a copy, and its name must not tell of another format.
        let format = ModelFormat(writing: ledger.folder.url(of: try ledger.state().currentModel.path))
        guard ModelFormat(writing: file) == format else {
            throw CommandError(
                "\(path): the ledger's models are \(format.rawValue) files; give such a name, and convert the file by "
                    + "'unlearn convert'")
        }
        try AtomicFile.checkDestination(file)
        return file
    }

    /// Checks that a path is outside the folder: what is in it is the ledger's own.
    func checkOutside(_ path: String) throws -> URL {
        let file = URL(fileURLWithPath: path)
        let own = url.resolvingSymlinksInPath().standardizedFileURL.path
        let folder = file.deletingLastPathComponent().resolvingSymlinksInPath().standardizedFileURL.path
        guard folder != own, !folder.hasPrefix(own + "/") else {
            throw CommandError("\(path): lies in the ledger's folder, whose files are its own; give another place")
        }
        return file
    }
}

/// `unlearn ledger init`
struct LedgerInit: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes a ledger for a model, which is copied into its folder.")

    @OptionGroup var ledger: LedgerArgument

    @Option(help: ArgumentHelp("The model, a safetensors or ONNX file.", valueName: "model"), completion: .model)
    var model: String

    @Option(
        help: ArgumentHelp("What a model must fulfil to leave, a JSON file.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var policy: String?

    @OptionGroup var network: NetworkFlags
    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerReport {
        let policy = try policy.map { try LedgerPolicy(contentsOf: URL(fileURLWithPath: $0)) }
        let file = URL(fileURLWithPath: model)
        let read = try network.load(model)
        if let beside = Model.externalFiles(ofModelAt: file).first {
            throw CommandError(
                "\(model): keeps tensors in \(beside.lastPathComponent); put them into one file by 'unlearn convert'")
        }
        let ledger = try Ledger.create(
            in: ledger.url, source: file, model: read, network: network.arguments, policy: policy)
        return LedgerReport(
            try ledger.state(), "Made a ledger in \(self.ledger.path) for \(model), \(read.classCount) classes")
    }
}

/// `unlearn ledger add`
struct LedgerAdd: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Adds a request to forget classes or samples.",
        discussion: """
            Classes are kept by their numbers and never by name. The reference stays in the ledger forever: use a \
            ticket's number and no person's name.
            """)

    @OptionGroup var ledger: LedgerArgument

    @Option(
        name: .customLong("classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("The classes to forget, by number or name, comma-separated.", valueName: "classes"),
        transform: ClassList.init(parsing:))
    var classLists: [ClassList] = []

    @Option(
        help: ArgumentHelp(
            "The list of samples to forget, indices or paths, one a line; it is copied.", valueName: "file"),
        completion: .file())
    var samples: String?

    @Option(help: ArgumentHelp("The requester's own reference.", valueName: "text"))
    var reference: String?

    @Option(help: ArgumentHelp("The day by which it has to be done, such as 2026-12-31.", valueName: "date"))
    var due: String?

    @OptionGroup var flags: PlainFlags

    func validate() throws {
        guard classLists.isEmpty != (samples == nil) else {
            throw ValidationError("A request is about classes or samples; give either --classes or --samples.")
        }
        if let due, !Ledger.isDay(due) {
            throw ValidationError("--due \(due): is no day; write it as 2026-12-31.")
        }
        if let reference {
            do {
                try AuditRecord.check(requestID: reference)
            } catch {
                throw ValidationError("--reference: use 1 to 200 characters without line breaks.")
            }
        }
    }

    func perform(_ console: Console) async throws -> LedgerAddReport {
        let ledger = try ledger.open()
        if let samples {
            _ = try SampleList(contentsOf: samples)
            let request = try ledger.add(samples: URL(fileURLWithPath: samples), reference: reference, due: due)
            return LedgerAddReport(try ledger.state(), request)
        }
        let model = try ledger.currentModel()
        let classes = try model.classIndices(of: ClassList(joining: classLists), console)
        let again = classes.intersection(model.metadata.forgottenClasses)
        if !again.isEmpty {
            console.logger.warning("the model has forgotten \(model.metadata.classNames.names(of: again)) already")
        }
        let request = try ledger.add(classes: classes, reference: reference, due: due)
        return LedgerAddReport(try ledger.state(), request)
    }
}

extension Ledger {
    /// The options that read the ledger's models.
    func modelFlags(_ file: LedgerEvent.StoredFile, in state: LedgerState) throws -> ModelFlags {
        // What a job writes describes itself.
        let network = file == state.creation.model ? state.creation.network : []
        return try ModelFlags.parse([folder.url(of: file.path).path] + network)
    }

    /// Reads the model that forgets next.
    func currentModel() throws -> Model {
        let state = try state()
        let file = state.currentModel
        let digest = try SHA256Digest(ofFile: folder.url(of: file.path))
        guard digest == file.sha256 else {
            throw CommandError(
                "\(folder.url(of: file.path).path): is not the model that the ledger names, whose digest is \(file.sha256)"
            )
        }
        return try modelFlags(file, in: state).load()
    }
}
