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
            unlearn audit --verify <record> [<model>]
            """,
        discussion: """
            Compares the model before forgetting with the one after it and, with --retrained or --retrain, with models \
            trained anew without the classes, which are the target. Needs images of all classes, the forgotten among \
            them; no model is changed.

            A verdict takes a judged forget accuracy and a judged measure of leakage, such as membership, a probe or the \
            distance to retraining; with less it is inconclusive. Exit code 0 is a pass or a partial pass; 2 is a fail or \
            inconclusive; 1 is an error, and 64 wrong usage. A pass is no proof that nothing is left.

            --verify works the verdict out again from the record's own numbers and limits, and compares the model's file \
            with the record's digests. Exit code 2 says that the record is not of a pass, contradicts itself, or that the \
            file is not its unlearned model.

            EXAMPLES
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten "T-shirt/top" --report .
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten 0 --json \\
                --retrained gold-1.safetensors gold-2.safetensors
              unlearn audit original.safetensors forgotten.safetensors \\
                --dataset fashion-mnist --forgotten 0 --retrain --seeds 2 --epochs 3 \\
                --limit linear-probe=0.05,0.1 --record record.json
              unlearn audit --verify record.json forgotten.safetensors
            """)

    @Argument(
        help: ArgumentHelp(
            "The model before forgetting and the one after it, safetensors or ONNX files; with --verify one or none.",
            valueName: "models"))
    var models: [String] = []

    @Option(help: ArgumentHelp("Check this record, and a model's file against it.", valueName: "record"))
    var verify: String?

    @Option(
        help: ArgumentHelp(
            "What the models were trained on, whose two splits are measured on: \(DatasetArgument.helpForms).",
            valueName: "data set"),
        transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument?

    @Option(
        name: .customLong("forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "The classes that were forgotten, by number or name, with commas between them.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var forgottenLists: [ClassList] = []

    @OptionGroup var retraining: RetrainingFlags
    @OptionGroup var audit: AuditFlags
    @OptionGroup var pictures: PictureFlags
    @OptionGroup var reporting: ReportFlags

    @Option(help: ArgumentHelp("Where the record goes, a JSON file.", valueName: "file"))
    var record: String?

    @OptionGroup var network: NetworkFlags
    @OptionGroup var flags: RunFlags

    func validate() throws {
        guard verify == nil else {
            guard models.count <= 1 else {
                throw ValidationError("--verify takes one model or none, found \(models.count).")
            }
            if let option = optionsOfAudits.first(where: \.1)?.0 {
                throw ValidationError("--verify measures nothing; leave \(option) out.")
            }
            return
        }
        guard models.count == 2 else {
            throw ValidationError("Give two models, the original and the unlearned one; found \(models.count).")
        }
        guard dataset != nil else { throw ValidationError("Give the images by --dataset.") }
        guard !forgottenLists.isEmpty else { throw ValidationError("Name the forgotten classes by --forgotten.") }
        try reporting.checkRequestID(hasRecord: record != nil || flags.json)
    }

    /// Which options are given that say what to measure, or where the outcome goes.
    private var optionsOfAudits: [(String, Bool)] {
        [
            ("--dataset", dataset != nil), ("--forgotten", !forgottenLists.isEmpty), ("--record", record != nil),
            ("--report", reporting.report != nil), ("--request-id", reporting.requestID != nil),
        ] + retraining.given + audit.given + pictures.given + network.given + flags.given
    }

    func perform(_ console: Console) async throws -> AuditCommandReport {
        if let verify {
            return .verification(try Verification(of: verify, model: models.first))
        }
        guard let dataset else { throw CommandError("there is no data set to audit on") }
        let forgotten = ClassList(joining: forgottenLists)
        let absent = AbsentClasses(classes: forgotten, option: "--forgotten")
        try pictures.check(for: [dataset])
        let recordFile = record.map { URL(fileURLWithPath: $0) }
        let modelFiles = models + retraining.retrained
        try InputFiles(models: modelFiles, files: pictures.files, datasets: [dataset]).check(
            reporting.files() + [recordFile].compactMap(\.self).filter { $0.path != reporting.recordFile?.path })

        var (original, unlearned) = (try network.load(models[0]), try network.load(models[1]))
        let test = try pictures.load(dataset, split: .test, for: original, absent: absent, console)
        let training = try pictures.load(dataset, split: .train, for: original, absent: absent, console)
        original = try original.completed(from: test)
        unlearned = try unlearned.completed(from: test)
        let named = try original.classIndices(of: forgotten, console)
        let classes = named.union(unlearned.metadata.forgottenClasses)
        if classes != named {
            let earlier = original.metadata.classNames.names(of: classes.subtracting(named))
            console.warnOnce("\(models[1]) has forgotten \(earlier) too, which the audit covers")
        }
        let configuration = try audit.configuration(training: retraining.training(like: original))
        var digests = try modelFiles.map { try AuditRecord.ModelFile(URL(fileURLWithPath: $0)) }
        console.describe(original, flags.options, [("audit", .nothing, min(Predictor().batchSize, test.count))])
        var retrained = try retraining.retrained.map { try network.load($0).completed(from: test) }
        if let trainer = try retraining.retraining(like: original, options: flags.options) {
            retrained = try await trainer.models(
                like: original, classes: classes, images: training, progress: console.progress("retrained"))
            digests += try retrained.map { try AuditRecord.ModelFile($0) }
        }
        let result: AuditResult
        do {
            result = try await Audit(configuration: configuration, options: flags.options).run(
                original: original, unlearned: unlearned, retrained: retrained, forgotten: classes,
                data: AuditData(test: test, training: training), progress: console.progress())
        } catch let error as AuditError {
            guard let reference = error.reference, retraining.retrained.count >= reference.number else { throw error }
            throw CommandError("\(retraining.retrained[reference.number - 1]): \(reference.fault)")
        }
        try Task.checkCancellation()
        let record = try reporting.record(
            result,
            models: AuditRecord.Models(
                original: digests[0], unlearned: digests[1], retrained: Array(digests.dropFirst(2))))
        let files = AuditFiles(result, record: record, flags: reporting, otherRecord: recordFile)
        try files.write()
        return .audit(files)
    }
}
