import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// `unlearn audit`
struct AuditCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Measures what a classifier has forgotten and what it has not.",
        usage: """
            unlearn audit <original> <unlearned> --dataset <data set> --forgotten <classes> [<options>]
            unlearn audit --verify <record> [<model>] [--key <public key>]
            """,
        discussion: """
            Compares the model before forgetting with the one after it and, with --retrained or --retrain, with models \
            trained without the classes, which are the target. Needs images of all classes, including the forgotten \
            ones. No model is changed.

            A pass requires a retrained model, a judged forget accuracy, and a judged measure of leakage that finds the \
            original, such as a probe or the distance to retraining; with less the verdict is incomplete. Exit code 0 \
            means pass, 2 leak or over-forgotten, 3 incomplete. A pass is no proof that nothing is left.

            --verify recomputes the verdict from the record's own numbers and limits, and compares the model's file \
            with the record's digests; --key checks its signature, which --sign makes. Exit code 2 means that the record \
            is of a leak or over-forgotten, contradicts itself, is not signed by the key, or that the file is not its \
            unlearned model, and 3 that its evidence is incomplete.

            EXAMPLES
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten "T-shirt/top" --report .
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten 0 --json \\
                --retrained gold-1.safetensors gold-2.safetensors
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten 0 --retrain --seeds 2 --epochs 3 \\
                --limit linear-probe=0.05 --record record.json
              unlearn audit --verify record.json forgotten.safetensors --key public.pem
            """)

    @Argument(
        help: ArgumentHelp(
            "The model before forgetting and the one after it, safetensors, ONNX or Core ML files; with --verify one or none.",
            valueName: "models"), completion: .model)
    var models: [String] = []

    @Option(
        help: ArgumentHelp("Verify this record, and that a model's file is the one in it.", valueName: "record"),
        completion: .file(extensions: ["json"]))
    var verify: String?

    @Option(
        help: ArgumentHelp(
            "With --verify: the public key, in PEM, whose signature the record must have.", valueName: "key"),
        completion: .file(extensions: ["pem"]))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "The data set that the models were trained on, to measure on both splits: \(DatasetArgument.helpForms).",
            valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument?

    @Option(
        name: .customLong("forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes that were forgotten, by number or name, comma-separated.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var forgottenLists: [ClassList] = []

    @OptionGroup var samples: SamplesFlag
    @OptionGroup var retraining: RetrainingFlags
    @OptionGroup var audit: AuditFlags
    @OptionGroup var pictures: PictureFlags
    @OptionGroup var reporting: ReportFlags

    @Option(
        help: ArgumentHelp("The JSON file to write the record to.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var record: String?

    @OptionGroup var network: NetworkFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String { checkpoints.note() }

    func validate() throws {
        guard verify == nil else {
            guard models.count <= 1 else {
                throw ValidationError("--verify takes one model or none, found \(models.count).")
            }
            if let option = optionsOfAudits.first(where: \.isGiven)?.option {
                throw ValidationError("--verify measures nothing; leave \(option) out.")
            }
            return
        }
        try refuse([("--key", key != nil)], "checks a signature; give --verify too.")
        guard models.count == 2 else {
            throw ValidationError("Give two models, the original and the unlearned one; found \(models.count).")
        }
        guard let dataset else { throw ValidationError("Give the images by --dataset.") }
        guard !forgottenLists.isEmpty || samples.file != nil else {
            throw ValidationError("Name the forgotten classes by --forgotten, or the forgotten samples by --samples.")
        }
        guard forgottenLists.isEmpty || samples.file == nil else {
            throw ValidationError("--forgotten and --samples exclude each other; give one.")
        }
        try refuse(
            [("--retrain", samples.file != nil && retraining.retrain)],
            "trains without classes; for --samples give models that were trained without them by --retrained.")
        try retraining.check(makesShadows: audit.shadowModels != nil)
        try pictures.check(for: [dataset])
        try reporting.checkRequestID(hasRecord: record != nil || flags.json, hasRecordFile: record != nil)
    }

    /// The options that say what to measure, or where to write the result.
    private var optionsOfAudits: [GivenOption] {
        [
            ("--dataset", dataset != nil), ("--forgotten", !forgottenLists.isEmpty),
            ("--samples", samples.file != nil), ("--record", record != nil),
            ("--skip-duplicate-check", reporting.skipDuplicateCheck),
            ("--report", reporting.report != nil), ("--request-id", reporting.requestID != nil),
            ("--sign", reporting.sign != nil),
        ] + retraining.given + audit.given + pictures.given + network.given + checkpoints.given + flags.given
    }

    func perform(_ console: Console) async throws -> AuditCommandReport {
        if let verify {
            return .verification(try Verification(of: verify, model: models.first, key: key))
        }
        guard let dataset else { throw CommandError("no data set to audit on was given") }
        let forgotten = ClassList(joining: forgottenLists)
        let sampleList = try samples.list()
        let absent = sampleList == nil ? AbsentClasses(classes: forgotten, option: "--forgotten") : nil
        let recordFile = record.map { URL(fileURLWithPath: $0) }
        let modelFiles = models + retraining.retrained
        let inputs = InputFiles(models: modelFiles, files: pictures.files + samples.files, datasets: [dataset])
        var destination = try reporting.destination()
        let otherRecord = recordFile.flatMap { $0.path == destination.recordFile?.path ? nil : $0 }
        try inputs.check(
            destination.files + [otherRecord, otherRecord.flatMap(destination.signatureFile)].compactMap(\.self))

        var (original, unlearned) = (try network.load(models[0]), try network.load(models[1]))
        let test = try pictures.load(dataset, split: .test, for: original, absent: absent, console)
        let training = try pictures.load(dataset, split: .train, for: original, absent: absent, console)
        original = try original.completed(from: test)
        unlearned = try restored(unlearned, like: original, models[1], console).completed(from: test)
        let named: Set<Int> = if sampleList == nil { try original.classIndices(of: forgotten, console) } else { [] }
        let classes = sampleList == nil ? named.union(unlearned.metadata.forgottenClasses) : []
        if classes != named {
            let earlier = original.metadata.classNames.names(of: classes.subtracting(named))
            console.warnOnce("\(models[1]) has forgotten \(earlier) too, which the audit covers")
        }
        original.metadata.takeNames(ofForgotten: unlearned.metadata)
        let positions = try sampleList?.positions(in: training, folder: dataset.folder)
        let forgottenImages = try positions.map { try ImageSubset(training, indices: $0) }
        let gone = Set(positions ?? [])
        let others: any ImageDataset =
            if gone.isEmpty { training } else {
                try ImageSubset(training, indices: (0..<training.count).filter { !gone.contains($0) })
            }
        let configuration = try audit.configuration(training: retraining.training(like: original))
        var digests = try modelFiles.map { try AuditRecord.ModelFile(URL(fileURLWithPath: $0)) }
        let checkpoint = try checkpoints.open(inputs, console)
        var options = flags.options
        options.checkpoint = checkpoint
        destination.checkpoint = checkpoint
        console.describe(original, options, [("audit", .nothing, min(Predictor().batchSize, test.count))])
        var retrained = try retraining.retrained.map { path in
            try restored(network.load(path), like: original, path, console).completed(from: test)
        }
        if let trainer = try retraining.retraining(like: original, options: options) {
            retrained = try await retraining.models(
                trainer, like: original, classes: classes, images: training, console)
            digests += try retrained.map { try AuditRecord.ModelFile($0) }
        }
        var forgetting: AuditedForgetting?
        if let method = audit.shadowMethod?.method {
            // The retain data that 'unlearn forget' draws by default with the same seed.
            let drawn = try MethodImages(
                for: method, from: training, forgetting: classes, samplesPerClass: 1000, seed: flags.seed)
            forgetting = AuditedForgetting(method: method, retaining: try drawn.retain.map { try original.prepare($0) })
        }
        let result: AuditResult
        do {
            let audit = Audit(configuration: configuration, forgetting: forgetting, options: options)
            let data = AuditData(test: test, training: others)
            result =
                if let forgottenImages {
                    try await audit.run(
                        original: original, unlearned: unlearned, retrained: retrained,
                        forgottenSamples: forgottenImages, data: data, progress: console.progress())
                } else {
                    try await audit.run(
                        original: original, unlearned: unlearned, retrained: retrained, forgotten: classes, data: data,
                        progress: console.progress())
                }
        } catch let error as AuditError {
            guard let reference = error.reference, retraining.retrained.count >= reference.number else { throw error }
            throw CommandError("\(retraining.retrained[reference.number - 1]): \(reference.fault)")
        }
        try Task.checkCancellation()
        let record = try destination.record(
            result,
            models: AuditRecord.Models(
                original: digests[0], unlearned: digests[1], retrained: Array(digests.dropFirst(2))),
            samples: forgottenImages.map { RetainList($0) },
            duplicates: try duplicates(
                forget: forgottenImages ?? (try? training.only(classes: classes)),
                retain: sampleList == nil ? (try? training.excluding(classes: classes)) : others, test: test, console))
        let files = try AuditFiles(result, record: record, destination: destination, otherRecord: otherRecord)
        try files.write()
        try checkpoint?.finish()
        return .audit(files)
    }

    /// Pictures that are in several parts of the data, where there is a record to say so.
    private func duplicates(
        forget: (any ImageDataset)?, retain: (any ImageDataset)?, test: any ImageDataset, _ console: Console
    ) throws -> DuplicatePictures? {
        guard record != nil || reporting.report != nil else { return nil }
        return try reporting.destination().duplicates(
            forget: forget, retain: retain, test: test, options: flags.options, console)
    }

    /// A model with the outputs that were removed from it, so that all models are measured alike.
    private func restored(_ model: Model, like original: Model, _ path: String, _ console: Console) throws -> Model {
        guard !model.metadata.droppedClasses.isEmpty, model.classCount < original.classCount else { return model }
        guard let restored = try model.restoringOutputs(like: original.metadata, classes: original.classCount) else {
            throw CommandError(
                "\(path): has \(model.classCount) of the original's \(original.classCount) outputs, and those that were "
                    + "removed cannot be put back for measuring; audit it by 'forget --report', before they are removed"
            )
        }
        console.warnOnce(
            "\(path): outputs of classes that were removed come back for measuring, with weights of 0, so that measures of "
                + "relearning say little")
        return restored
    }
}

extension ModelMetadata {
    /// Takes the names that forgotten classes have in another model, from which their own may have been taken out.
    fileprivate mutating func takeNames(ofForgotten other: ModelMetadata) {
        guard other.classNames.count == classNames.count else { return }
        for index in other.forgottenClasses where classNames.indices.contains(index) {
            classNames[index] = other.classNames[index]
        }
    }
}
