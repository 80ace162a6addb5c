import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// `unlearn forget`
struct Forget: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a trained classifier forget classes.",
        discussion: """
            Needs no image of the forgotten classes, only some of the retained ones. The model's file is not changed. \
            With --validation the test split shows accuracy before and after. With --report too, the new model is \
            audited on it and on the retain data set; unlike forgetting, this needs images of all classes. 'unlearn \
            audit' compares with retraining as well.

            A file without our metadata, such as a PyTorch state dictionary, needs --architecture; class names and \
            normalization are then those of the retain data set.

            EXAMPLES
              unlearn forget model.safetensors --classes 0,2 --retain fashion-mnist \\
                --output forgotten.safetensors
              unlearn forget model.safetensors --classes "T-shirt/top" \\
                --retain fashion-mnist --validation fashion-mnist --json \\
                --output forgotten.safetensors
              unlearn forget model.safetensors --classes 0 --retain fashion-mnist \\
                --validation fashion-mnist --report . --output forgotten.safetensors
              unlearn forget torch.safetensors --architecture resnet18 --classes Bag \\
                --retain fashion-mnist --preset paper --output forgotten.safetensors
            """)

    @OptionGroup var model: ModelFlags
    @OptionGroup var forgetting: ForgettingFlags

    @Option(
        help: ArgumentHelp(
            "Where images of the retained classes come from, the training split: "
                + "\(DatasetArgument.helpForms).", valueName: "data set"),
        transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "Images to measure accuracy on before and after, the test split.", valueName: "data set"),
        transform: DatasetArgument.init(parsing:))
    var validation: DatasetArgument?

    @Option(
        help: ArgumentHelp(
            "Where the new model goes, a safetensors file, or ONNX if it ends in .onnx.", valueName: "file"))
    var output: String

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var reporting: ReportFlags
    @OptionGroup var flags: RunFlags

    func validate() throws {
        if reporting.report != nil, validation == nil {
            throw ValidationError("--report audits on images of all classes; give them by --validation.")
        }
    }

    func perform(_ console: Console) async throws -> ForgetReport {
        try pictures.check(for: [retain, validation])
        let destination = URL(fileURLWithPath: output)
        let inputs = [model.url] + retain.files + (validation?.files ?? [])
        try AtomicFile.checkDestination(destination, keeping: inputs)
        try reporting.check(keeping: inputs)
        var original = try model.load()
        let images = try pictures.load(retain, split: .train, for: original, console)
        original = try original.completed(from: images)
        let classes = try original.classIndices(of: forgetting.classes)
        try original.checkForgettable(classes)
        let samples = try images.samples(
            perClass: forgetting.samplesPerClass, excluding: classes, seed: flags.seed)
        let test = try validation.map { try pictures.load($0, split: .test, for: original, console) }
        if let test { try original.checkClasses(of: test) }
        let configuration = forgetting.preset.configuration
        let noiseBatch = NoiseMaximizer(configuration: configuration.noise)
            .batchSize(classCount: classes.count, model: original, precision: flags.options.precision)
        console.describe(
            original, flags.options,
            [
                ("noise", .input, noiseBatch),
                ("impair", .parameters, configuration.impair.training.batchSize),
                ("repair", .parameters, min(configuration.repair.batchSize, samples.count)),
            ])

        let outcome = try await Unlearner(
            model: original, retaining: samples, validation: test, configuration: configuration,
            options: flags.options
        ).forget(classes: classes, progress: console.progress())
        var audit: AuditFiles?
        if let test, reporting.report != nil {
            let result = try await Audit(options: flags.options).run(
                original: original, unlearned: outcome.model, forgotten: classes,
                data: AuditData(test: test, training: images), progress: console.progress())
            let record = try reporting.record(
                result,
                models: AuditRecord.Models(
                    original: AuditRecord.ModelFile(model.url),
                    unlearned: AuditRecord.ModelFile(outcome.model, goingTo: destination)),
                forgetting: ForgettingRun(outcome, retained: RetainList(samples)))
            audit = AuditFiles(result, record: record, noise: outcome.noise, flags: reporting)
        }
        try Task.checkCancellation()
        try outcome.model.write(to: destination)
        try audit?.write()
        return ForgetReport(outcome: outcome, audit: audit, preset: forgetting.preset, output: output)
    }
}

/// What forgetting has to say.
struct ForgetReport: Report {
    let outcome: UnlearningOutcome
    let audit: AuditFiles?
    let preset: UnlearningPreset
    let output: String

    private static let phases: [RunPhase] = [.noise, .impair, .repair]

    enum CodingKeys: CodingKey {
        case accuracy, audit, classes, output, phaseSteps, preset, seconds, seed, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            try container.encode(Accuracies(before: before, after: after), forKey: .accuracy)
        }
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        try container.encode(outcome.forgottenClasses.sorted(), forKey: .classes)
        try container.encode(output, forKey: .output)
        try container.encode(steps, forKey: .phaseSteps)
        try container.encode(preset, forKey: .preset)
        var seconds = Dictionary(
            uniqueKeysWithValues: outcome.phaseTimes.map { ($0.key.rawValue, $0.value.reported) })
        seconds["total"] = outcome.totalTime.reported
        try container.encode(seconds, forKey: .seconds)
        try container.encode(outcome.options.seed, forKey: .seed)
        try container.encode(outcome.steps, forKey: .steps)
    }

    /// The accuracy after forgetting, with the one before beside it.
    private struct Accuracies: Encodable {
        let before: Accuracy
        let after: Accuracy

        enum CodingKeys: CodingKey {
            case before
        }

        func encode(to encoder: any Encoder) throws {
            try AccuracyReport(after).encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(AccuracyReport(before), forKey: .before)
        }
    }

    private var steps: [String: Int] {
        Dictionary(uniqueKeysWithValues: outcome.losses.map { ($0.key.rawValue, $0.value.count) })
    }

    var text: String {
        let names = outcome.model.metadata.classNames
        var table = TextTable()
        for phase in Self.phases {
            table.add([
                "  \(phase.rawValue)", "\(steps[phase.rawValue] ?? 0) steps",
                outcome.phaseTimes[phase]?.secondsText ?? "-",
            ])
        }
        table.add(["  total", "\(outcome.steps) steps", outcome.totalTime.secondsText])
        var text =
            "Forgot \(names.names(of: outcome.forgottenClasses)) (preset \(preset.rawValue))\n" + table.text
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            let accuracies = AccuracyTable(
                columns: [("before", before), ("after", after)], classNames: names)
            text += "\n" + accuracies.text + "\n"
        }
        if let audit { text += "\(audit.report.result.summary)\n" }
        return text + "Wrote \(output)\n" + (audit?.text ?? "")
    }
}
