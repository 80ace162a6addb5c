import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// `unlearn forget`
struct Forget: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a trained classifier forget classes.",
        discussion: """
            By default needs no image of the forgotten classes, only some of the retained ones; other methods, by \
            --method, may need both, and take them from the retain data set too. The model's file is not changed. \
            With --validation the test split shows accuracy before and after. With --report too, the new model is \
            audited on it and on the retain data set; unlike forgetting, this needs images of all classes. 'unlearn \
            audit' compares with retraining as well. The files are written whatever the verdict is; exit code 2 says that \
            it is a fail, or that there was too little to judge by.

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
              unlearn forget model.safetensors --classes 0 --retain fashion-mnist \\
                --method scrub --output forgotten.safetensors
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
            "How it is made to forget, in place of a preset: \(UnlearningMethods.names.joined(separator: ", ")).",
            valueName: "name"))
    var method: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images with --method retrain, as the original was trained. (default: 3)",
            valueName: "number"),
        transform: NumberParsing.whole(.epochs))
    var epochs: Int?

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
        try reporting.checkRequestID()
        if method != nil, forgetting.givesPreset {
            throw ValidationError("--method and --preset exclude each other; give one.")
        }
        if epochs != nil, method != FullRetraining().name {
            throw ValidationError("--epochs is for --method retrain; leave it out.")
        }
    }

    func perform(_ console: Console) async throws -> ForgetReport {
        let material = try material(console)
        let outcome = try await material.unlearner.forget(classes: material.classes, progress: console.progress())
        let others = try await OtherOutput.all(
            original: material.original, unlearned: outcome.model, forgotten: material.classes, images: material.retain,
            options: flags.options)
        for other in others { console.logger.warning("\(other.warning)") }
        let audit = try await audit(outcome, of: material, others, console)
        try Task.checkCancellation()
        try outcome.model.write(to: URL(fileURLWithPath: output))
        try audit?.write()
        return ForgetReport(
            outcome: outcome, otherOutputs: others, audit: audit, preset: method == nil ? forgetting.preset : nil,
            output: output)
    }

    /// What forgets, and on what.
    private struct Material {
        let original: Model
        let classes: Set<Int>
        let images: any ImageDataset
        let retain: ImageSubset?
        let test: (any ImageDataset)?
        let unlearner: Unlearner
    }

    /// Reads and checks everything, so that nothing is refused after the work.
    private func material(_ console: Console) throws -> Material {
        try pictures.check(for: [retain, validation])
        let inputs = InputFiles(models: [model.path], files: pictures.files, datasets: [retain, validation])
        try inputs.check([URL(fileURLWithPath: output)] + reporting.files())
        let read = try model.load()
        let images = try pictures.load(retain, split: .train, for: read, absent: forgetting.absent, console)
        let original = try read.completed(from: images)
        let classes = try original.classIndices(of: forgetting.classes, console)
        try original.checkForgettable(classes)
        let chosen = try chosenMethod()
        let data = try MethodImages(
            for: chosen, from: images, forgetting: classes, after: original.metadata.forgottenClasses,
            samplesPerClass: forgetting.samplesPerClass,
            seed: flags.seed)
        let test = try validation.map {
            try pictures.load($0, split: .test, for: original, absent: forgetting.absent, console)
        }
        if let test { try original.checkClasses(of: test) }
        console.describe(original, flags.options, work(chosen, on: original, classes, data))
        let unlearner = Unlearner(
            model: original, retaining: data.retain, forgetting: data.forget, validation: test, method: chosen,
            training: training(like: original), options: flags.options)
        return Material(
            original: original, classes: classes, images: images, retain: data.retain, test: test,
            unlearner: unlearner)
    }

    /// The method that is named, or the preset's.
    private func chosenMethod() throws -> any UnlearningMethod {
        guard let method else { return forgetting.preset.method }
        return try UnlearningMethods.named(method)
    }

    /// Audits the new network, if a report is asked for.
    private func audit(
        _ outcome: UnlearningOutcome, of material: Material, _ others: [OtherOutput], _ console: Console
    ) async throws -> AuditFiles? {
        guard let test = material.test, reporting.report != nil else { return nil }
        let result = try await Audit(options: flags.options).run(
            original: material.original, unlearned: outcome.model, forgotten: outcome.model.metadata.forgottenClasses,
            data: AuditData(test: test, training: material.images), progress: console.progress())
        let record = try reporting.record(
            result,
            models: AuditRecord.Models(
                original: AuditRecord.ModelFile(model.url),
                unlearned: AuditRecord.ModelFile(outcome.model, goingTo: URL(fileURLWithPath: output))),
            forgetting: ForgettingRun(outcome, retained: material.retain.map { RetainList($0) }, otherOutputs: others))
        return AuditFiles(result, record: record, noise: outcome.noise, flags: reporting)
    }

    /// How the original was trained, for the method that trains anew.
    private func training(like original: Model) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs ?? 3, learningRate: original.metadata.learningRate ?? 1e-3, schedule: .oneCycle)
    }

    /// The passes that the method makes, for the description of the plan.
    private func work(
        _ method: any UnlearningMethod, on model: Model, _ classes: Set<Int>, _ data: MethodImages
    ) -> [(name: String, GradientRequest, batch: Int)] {
        guard let configuration = (method as? UNSIR)?.configuration else {
            return [(method.name, .parameters, TrainingConfiguration().batchSize)]
        }
        let noiseBatch = NoiseMaximizer(configuration: configuration.noise)
            .batchSize(classCount: classes.count, model: model, algorithms: flags.options.algorithms)
        return [
            ("noise", .input, noiseBatch),
            ("impair", .parameters, configuration.impair.training.batchSize),
            ("repair", .parameters, min(configuration.repair.batchSize, data.retain?.count ?? 1)),
        ]
    }
}

/// What forgetting has to say.
struct ForgetReport: Report {
    let outcome: UnlearningOutcome
    /// The file's other classifiers, which were not made to forget.
    let otherOutputs: [OtherOutput]
    let audit: AuditFiles?
    /// The preset; nil if a method was named.
    let preset: UnlearningPreset?
    let output: String

    var exitCode: Int32 { audit?.exitCode ?? 0 }

    private static let phases: [RunPhase] = [
        .noise, .synthesis, .teaching, .importance, .forgetting, .impair, .repair, .training,
    ]

    enum CodingKeys: CodingKey {
        case accuracy, audit, classes, method, notes, otherOutputs, output, phaseSteps, preset, seconds, seed, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            try container.encode(Accuracies(before: before, after: after), forKey: .accuracy)
        }
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        try container.encode(outcome.forgottenClasses.sorted(), forKey: .classes)
        try container.encode(outcome.method.name, forKey: .method)
        if !outcome.notes.isEmpty { try container.encode(outcome.notes, forKey: .notes) }
        if !otherOutputs.isEmpty { try container.encode(otherOutputs, forKey: .otherOutputs) }
        try container.encode(output, forKey: .output)
        try container.encode(steps, forKey: .phaseSteps)
        try container.encodeIfPresent(preset, forKey: .preset)
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

    private var how: String { preset.map { "preset \($0.rawValue)" } ?? "method \(outcome.method.name)" }

    var text: String {
        let names = outcome.model.metadata.classNames
        var table = TextTable()
        for phase in Self.phases where outcome.phaseTimes[phase] != nil {
            table.add([
                "  \(phase.rawValue)", "\(steps[phase.rawValue] ?? 0) steps",
                outcome.phaseTimes[phase]?.secondsText ?? "-",
            ])
        }
        table.add(["  total", "\(outcome.steps) steps", outcome.totalTime.secondsText])
        var text =
            "Forgot \(names.names(of: outcome.forgottenClasses)) (\(how))\n" + table.text
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            let accuracies = AccuracyTable(
                columns: [("before", before), ("after", after)], classNames: names)
            text += "\n" + accuracies.text + "\n"
        }
        text += outcome.notes.map { "Note: \($0)\n" }.joined()
        text += otherOutputs.map { "Warning: \($0.warning)\n" }.joined()
        if let audit { text += audit.summary }
        return text + "Wrote \(output)\n" + (audit?.text ?? "")
    }
}
