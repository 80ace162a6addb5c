import ArgumentParser
import Foundation
import Logging
import Unlearning
import UnlearningReports

/// `unlearn forget`
struct Forget: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a trained classifier forget classes.",
        discussion: """
            The default needs no image of the forgotten classes, only some of the retained ones. Methods that need \
            both (see 'unlearn list methods') take them from the data set of --retain. The input file is not changed.

            With --validation, accuracy on the test split is shown before and after. With --report too, the new model \
            is audited, which needs images of all classes; 'unlearn audit' can also compare with retrained models. The \
            files are written whatever the verdict; exit code 2 means a leak or over-forgotten, 3 too little evidence.

            A file that names no architecture, such as a PyTorch state dictionary, needs --architecture. Class names \
            and normalization are then those of the retain data set.

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
            "The data set whose training split has images of the retained classes: "
                + "\(DatasetArgument.helpForms).", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var retain: DatasetArgument

    @Option(
        help: ArgumentHelp(
            "The data set whose test split accuracy is measured on, before and after.", valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var validation: DatasetArgument?

    @Option(
        help: ArgumentHelp(
            "The method, instead of a preset: \(UnlearningMethods.names.joined(separator: ", ")).", valueName: "name"),
        completion: MethodArgument.completion, transform: MethodArgument.init(parsing:))
    var method: MethodArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images for --method retrain. (default: 3)",
            valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "The file to write: safetensors, or ONNX if its name ends in .onnx.", valueName: "file"),
        completion: .model)
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
        try refuse(
            [("--epochs", epochs != nil)], unless: chosenMethod.requirements.contains(.originalTraining),
            "is for --method \(FullRetraining().name); leave it out.")
        try forgetting.target.checkSamples(for: [chosenMethod])
        try pictures.check(for: [retain, validation])
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

    /// The model, its data, and what makes it forget.
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
        let inputs = InputFiles(models: [model.path], files: pictures.files, datasets: [retain, validation])
        try inputs.check([URL(fileURLWithPath: output)] + reporting.files)
        let read = try model.load()
        let images = try pictures.load(retain, split: .train, for: read, absent: forgetting.target.absent, console)
        let original = try read.completed(from: images)
        let classes = try original.classIndices(of: forgetting.target.classes, console)
        try original.checkForgettable(classes)
        let chosen = chosenMethod
        let data = try MethodImages(
            for: chosen, from: images, forgetting: classes, after: original.metadata.forgottenClasses,
            samplesPerClass: forgetting.target.samplesPerClass,
            seed: flags.seed)
        let test = try validation.map {
            try pictures.load($0, split: .test, for: original, absent: forgetting.target.absent, console)
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
    private var chosenMethod: any UnlearningMethod { method?.method ?? forgetting.preset.method }

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

    /// How the original was trained, for the method that retrains.
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

/// The outcome of forgetting.
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
        case accuracy, accuracyBefore, audit, forgottenClasses, method, notes, otherOutputs, output, phaseSeconds,
            phaseSteps, preset, seconds, seed, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let before = outcome.accuracyBefore, let after = outcome.accuracyAfter {
            try container.encode(AccuracyReport(after), forKey: .accuracy)
            try container.encode(AccuracyReport(before), forKey: .accuracyBefore)
        }
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        try container.encode(outcome.forgottenClasses.sorted(), forKey: .forgottenClasses)
        try container.encode(outcome.method.name, forKey: .method)
        try container.encode(outcome.notes, forKey: .notes)
        try container.encode(otherOutputs.map(OtherOutputReport.init), forKey: .otherOutputs)
        try container.encode(output, forKey: .output)
        let seconds = outcome.phaseTimes.map { ($0.key.rawValue, $0.value.reported) }
        try container.encode(Dictionary(uniqueKeysWithValues: seconds), forKey: .phaseSeconds)
        try container.encode(steps, forKey: .phaseSteps)
        try container.encodeIfPresent(preset, forKey: .preset)
        try container.encode(outcome.totalTime.reported, forKey: .seconds)
        try container.encode(outcome.options.seed, forKey: .seed)
        try container.encode(outcome.steps, forKey: .steps)
    }

    private struct OtherOutputReport: Encodable {
        let name: String
        let classCount: Int
        let shareBefore: Double?
        let shareAfter: Double?

        init(_ output: OtherOutput) {
            (name, classCount) = (output.name, output.classes)
            (shareBefore, shareAfter) = (output.shareBefore, output.shareAfter)
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
