import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// `unlearn compare`
struct Compare: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares one network three ways: original, unlearned and retrained.",
        discussion: """
            Trains a network, makes it forget, and retrains it without the classes' images from the same initial \
            weights; then measures all three on the test split. Training is as in 'unlearn train'. With --save the \
            three models are kept as original.safetensors, unlearned.safetensors and retrained.safetensors. Methods run \
            unguarded, with their settings as they are: 'unlearn forget' would repeat a run that harms the retained \
            classes at lower rates. With --report the unlearned model is audited against the retrained one; exit code 2 means a leak or \
            over-forgotten, 3 too little evidence.

            'unlearn compare-methods' compares several methods instead.

            EXAMPLES
              unlearn compare --dataset fashion-mnist --architecture resnet18 \\
                --classes "T-shirt/top" --save . --report .
              unlearn compare --dataset fashion-mnist --architecture resnet18 \\
                --classes 0 --also unsir-paper
              unlearn compare --dataset fashion-mnist --architecture allcnn-bn \\
                --classes 0,2 --epochs 1 --preset paper
            """)

    @OptionGroup var training: TrainingFlags
    @OptionGroup var forgetting: ForgettingFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the images in each training. (default: 3)", valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int = 3

    @Option(
        help: ArgumentHelp(
            "Other methods to forget by, comma-separated, each for a row of its own.", valueName: "methods"),
        transform: MethodList.init(parsing:))
    var also: MethodList?

    @Option(help: ArgumentHelp("The folder for the three models.", valueName: "folder"), completion: .directory)
    var save: String?

    // `compare-methods` before it was a command of its own, which scripts may still use.
    @Option(help: .hidden, transform: MethodList.init(parsing:))
    var methods: MethodList?
    @Option(parsing: .unconditional, help: .hidden, transform: NumberParsing.integer(.repetitions))
    var seeds: Int?

    @OptionGroup var reporting: ReportFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String { methodComparison?.interruptionNote ?? checkpoints.note() }

    /// What `--methods` asks for; nil without it.
    private var methodComparison: ComparingMethods? {
        methods.map {
            ComparingMethods(
                training: training, target: forgetting.target, epochs: epochs, methods: $0.methods, seeds: seeds,
                report: reporting.report, checkpoints: checkpoints, flags: flags,
                configuration: forgetting.method.configuration)
        }
    }

    func validate() throws {
        guard let methodComparison else {
            for method in also?.methods ?? [] {
                try forgetting.target.what.check(method, named: method.name)
                try forgetting.target.what.checkComparable(method, named: method.name)
            }
            if forgetting.method.configuration.file == nil {
                let choice = try MethodChoice(
                    forgetting.method, samples: forgetting.target.givenSamples, ConfigurationFile())
                try forgetting.target.what.check(choice.method, named: choice.name)
                try forgetting.target.what.checkComparable(choice.method, named: choice.name)
            }
            try reporting.checkRequestID()
            try refuse([("--seeds", seeds != nil)], "is for --methods; give both.")
            return
        }
        try methodComparison.check()
        try refuse(
            [("--request-id", reporting.requestID != nil), ("--sign", reporting.sign != nil)],
            "is for a record, and --methods makes none; leave it out.")
        try refuse([("--also", also != nil)], "adds a row to a comparison by stages; name the method in --methods.")
        if save != nil { throw ValidationError("--save keeps three models, and --methods has more; leave it out.") }
        if forgetting.method.name.named != nil {
            throw ValidationError("--methods and --method exclude each other; give one.")
        }
        if forgetting.method.configuration.file != nil || forgetting.method.configuration.runFolder != nil {
            throw ValidationError(
                "--config and --run-folder are not for --methods; use compare-methods, or leave them out.")
        }
        if forgetting.method.name.preset != nil {
            throw ValidationError(
                "--methods and --preset exclude each other; the presets are methods too: default, noiseless, "
                    + "fast, thorough, unsir-paper and unsir.")
        }
    }

    func perform(_ console: Console) async throws -> CompareOutcome {
        if let methodComparison { return .methods(try await methodComparison.report(console)) }
        return .stages(try await compareStages(console))
    }

    /// The network, its training and its data.
    private struct Material {
        let configuration: TrainingConfiguration
        let network: ArchitectureIdentifier
        let model: Model
        let images: any ImageDataset
        let test: any ImageDataset
        /// The classes to forget; empty where samples are.
        let classes: Set<Int>
        /// The positions of the samples to forget; nil where classes are.
        let samples: [Int]?
        let choice: MethodChoice
        var options: RunOptions

        /// The training images without the samples to forget.
        var others: any ImageDataset {
            get throws {
                guard let samples else { return images }
                let gone = Set(samples)
                return try ImageSubset(images, indices: (0..<images.count).filter { !gone.contains($0) })
            }
        }
    }

    /// The run folder: in the folder for the models, or in that for the report.
    private var runFolder: RunFolder? {
        let folder = (save ?? reporting.report).map { URL(fileURLWithPath: $0).appendingPathComponent("compare").path }
        return forgetting.method.configuration.folder(beside: folder).map(RunFolder.init)
    }

    private var inputs: InputFiles {
        InputFiles(
            files: training.pictures.files + forgetting.method.configuration.files
                + forgetting.target.what.samples.files,
            datasets: [training.dataset])
    }

    private func material(_ console: Console) throws -> Material {
        let models = [RetrainingComparison.Stage.original, .unlearned, .retrained].compactMap { file(of: $0) }
        try inputs.check(models + reporting.destination().files)
        try runFolder?.check(inputs)
        let settings = try forgetting.method.configuration.read(for: "compare")
        let choice = try MethodChoice(forgetting.method, samples: forgetting.target.givenSamples, settings)
        try forgetting.target.what.check(choice.method, named: choice.name)
        let options = flags.options(settings)
        let configuration = try training.configuration(epochs: epochs, file: settings)
        let network = try training.network()
        let images = try training.images(console)
        let samples = try forgetting.target.what.samples.list()?
            .positions(in: images, folder: training.dataset.folder)
        let model = try training.untrainedModel(network, for: images, seed: options.seed)
        let classes: Set<Int> =
            if samples == nil { try model.classIndices(of: forgetting.target.classes, console) } else { [] }
        console.describe(
            model, options, [("training", .parameters, min(configuration.batchSize, images.count))])
        return Material(
            configuration: configuration, network: network.identifier, model: model, images: images,
            test: try training.testImages(for: model, console),
            classes: classes, samples: samples, choice: choice, options: options)
    }

    private func comparison(_ material: Material) -> RetrainingComparison {
        RetrainingComparison(
            training: material.configuration, augmentation: training.augmentation,
            unlearning: material.choice.method, others: also?.methods ?? [],
            samplesPerClass: material.choice.samplesPerClass,
            options: material.options)
    }

    private func compareStages(_ console: Console) async throws -> CompareReport {
        var material = try material(console)
        let checkpoint = try checkpoints.open(inputs, console)
        material.options.checkpoint = checkpoint
        var destination = try reporting.destination()
        destination.checkpoint = checkpoint
        let entries = try await comparison(material).run(
            material.model, classes: material.classes, samples: material.samples, images: material.images,
            test: material.test
        ) { stage, progress in
            console.report(progress, title: stage.rawValue)
        }
        let audit = try await audit(entries, material, destination, console)
        try Task.checkCancellation()
        let report = try written(entries, audit, of: material)
        try runFolder?.write(resolved(material), log: console.messages + [report.text])
        try checkpoint?.finish()
        return report
    }

    /// Writes the models and the audit that are to be kept.
    private func written(
        _ entries: [RetrainingComparison.Entry],
        _ audit: (record: AuditRecord, result: AuditResult, noise: [Noise])?, of material: Material
    ) throws -> CompareReport {
        var record = audit?.record
        for entry in entries {
            var model = entry.model
            if entry.stage == .unlearned {
                try record?.bind(to: &model, goingTo: file(of: .unlearned)) { try $0.writeSafetensors(to: $1) }
            }
            if entry.stage != .other, let file = file(of: entry.stage) { try model.writeSafetensors(to: file) }
        }
        let files = try audit.flatMap { audit in
            try record.map {
                try AuditFiles(audit.result, record: $0, noise: audit.noise, destination: reporting.destination())
            }
        }
        try files?.write()
        return CompareReport(
            entries: entries, audit: files, classes: material.classes, samples: material.samples?.count,
            classNames: material.images.classNames,
            method: material.choice.name, preset: material.choice.preset, architecture: material.network,
            epochs: material.configuration.epochs, seed: material.options.seed, runFolder: runFolder)
    }

    /// Audits the unlearned network against the retrained one, if a report is asked for.
    private func audit(
        _ entries: [RetrainingComparison.Entry], _ material: Material, _ destination: ReportDestination,
        _ console: Console
    ) async throws -> (record: AuditRecord, result: AuditResult, noise: [Noise])? {
        guard reporting.report != nil, let outcome = entries.lazy.compactMap(\.forgetting).first else { return nil }
        guard let original = entries.first(where: { $0.stage == .original })?.model,
            let retrained = entries.first(where: { $0.stage == .retrained })?.model
        else { return nil }
        let images = try comparison(material).data(
            for: material.choice.method, material.classes, material.samples, from: material.images)
        let data = AuditData(test: material.test, training: try material.others)
        let audit = Audit(options: material.options)
        let result =
            if material.samples != nil, let samples = images.forget {
                try await audit.run(
                    original: original, unlearned: outcome.model, retrained: [retrained], forgottenSamples: samples,
                    data: data, progress: console.progress())
            } else {
                try await audit.run(
                    original: original, unlearned: outcome.model, retrained: [retrained], forgotten: material.classes,
                    data: data, progress: console.progress())
            }
        let record = try destination.record(
            result,
            models: AuditRecord.Models(
                original: modelFile(original, .original),
                unlearned: AuditRecord.ModelFile(goingTo: file(of: .unlearned)),
                retrained: [modelFile(retrained, .retrained)]),
            forgetting: ForgettingRun(
                outcome, retained: images.retain.map { RetainList($0) }, otherOutputs: [],
                resolved: try resolved(material)),
            samples: material.samples == nil ? nil : images.forget.map { RetainList($0) },
            duplicates: try destination.duplicates(
                forget: material.samples == nil
                    ? (try? material.images.only(classes: material.classes)) : images.forget,
                retain: images.retain, test: material.test, options: material.options, console))
        return (record, result, outcome.noise)
    }

    private func resolved(_ material: Material) throws -> RunConfiguration {
        var resolved = try material.choice.configuration(
            command: "compare", material.options, training: material.configuration)
        resolved.settings = try JSONValue(encoding: material.choice.method.withoutGuard)
        return resolved
    }

    private func modelFile(_ model: Model, _ stage: RetrainingComparison.Stage) throws -> AuditRecord.ModelFile {
        try AuditRecord.ModelFile(model, goingTo: file(of: stage)) { try $0.writeSafetensors(to: $1) }
    }

    /// The file for a network; nil if it is not kept.
    private func file(of stage: RetrainingComparison.Stage) -> URL? {
        save.map { URL(fileURLWithPath: $0).appendingPathComponent("\(stage.rawValue).safetensors") }
    }
}

/// The result of `unlearn compare`: three networks, or with `--methods` several methods.
enum CompareOutcome: Report {
    case stages(CompareReport)
    case methods(MethodComparisonReport)

    private var report: any Report {
        switch self {
        case .stages(let report): report
        case .methods(let report): report
        }
    }

    var text: String { report.text }

    var exitCode: Int32 { report.exitCode }

    func encode(to encoder: any Encoder) throws { try report.encode(to: encoder) }
}

/// The networks side by side.
struct CompareReport: Report {
    let entries: [RetrainingComparison.Entry]
    let audit: AuditFiles?
    let classes: Set<Int>
    /// How many samples were to be forgotten; nil if classes were.
    let samples: Int?
    let classNames: [String]
    let method: String
    /// The preset; nil if a method was named.
    let preset: UnlearningPreset?
    let architecture: ArchitectureIdentifier
    let epochs: Int
    let seed: UInt64
    /// Where the configuration, the command and the log are kept, if they are.
    let runFolder: RunFolder?

    var exitCode: Int32 { audit?.exitCode ?? 0 }

    enum CodingKeys: CodingKey {
        case architecture, audit, epochs, forgottenClasses, forgottenSamples, guarded, method, preset, rows, runFolder,
            seed
    }

    private struct Row: Encodable {
        let entry: RetrainingComparison.Entry

        enum CodingKeys: CodingKey {
            case accuracy, accuracyAfterImpair, method, seconds, speedUp, stage, steps
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(AccuracyReport(entry.accuracy), forKey: .accuracy)
            try container.encodeIfPresent(
                entry.forgetting?.accuracies[.impair].map(AccuracyReport.init), forKey: .accuracyAfterImpair)
            try container.encodeIfPresent(entry.forgetting?.method.name, forKey: .method)
            try container.encode(entry.time.reported, forKey: .seconds)
            try container.encode(entry.speedUp, forKey: .speedUp)
            try container.encode(entry.stage, forKey: .stage)
            try container.encode(entry.steps, forKey: .steps)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(architecture.name, forKey: .architecture)
        try container.encodeIfPresent(audit.map(AuditSummary.init), forKey: .audit)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(classes.sorted(), forKey: .forgottenClasses)
        try container.encodeIfPresent(samples, forKey: .forgottenSamples)
        try container.encode(false, forKey: .guarded)
        try container.encode(method, forKey: .method)
        try container.encodeIfPresent(preset, forKey: .preset)
        try container.encode(entries.map(Row.init), forKey: .rows)
        try container.encodeIfPresent(runFolder?.url.relativePath, forKey: .runFolder)
        try container.encode(seed, forKey: .seed)
    }

    var text: String {
        var table = TextTable()
        table.add(["model", "forget accuracy", "retain accuracy", "seconds", "steps", "speed-up"])
        for entry in entries {
            table.add([
                entry.title, entry.accuracy.forgotten.percentText,
                entry.accuracy.retained.percentText,
                String(format: "%.2f", entry.time.seconds), "\(entry.steps)",
                entry.speedUp.map { String(format: "%.2fx", $0) } ?? "-",
            ])
        }
        let text = """
            Forgetting \(samples.map { "\($0) samples" } ?? classNames.names(of: classes)) against retraining without (\(architecture), \
            \(epochs) \(epochs == 1 ? "epoch" : "epochs"), \(preset.map { "preset \($0.rawValue)" } ?? "method \(method)"))

            \(table.text)
            \(ComparisonTable.guardNote)

            """
        return text + (audit.map { "\n" + $0.summary + $0.text } ?? "") + (runFolder?.text ?? "")
    }
}
