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
            three models are kept as original.safetensors, unlearned.safetensors and retrained.safetensors. With \
            --report the unlearned model is audited against the retrained one; exit code 2 means fail, or too little \
            evidence.

            'unlearn compare-methods' compares several methods instead.

            EXAMPLES
              unlearn compare --dataset fashion-mnist --architecture resnet18 \\
                --classes "T-shirt/top" --save . --report .
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

    @Option(help: ArgumentHelp("The folder for the three models.", valueName: "folder"), completion: .directory)
    var save: String?

    // `compare-methods` before it was a command of its own, which scripts may still use.
    @Option(help: .hidden, transform: MethodList.init(parsing:))
    var methods: MethodList?
    @Option(parsing: .unconditional, help: .hidden, transform: NumberParsing.integer(.repetitions))
    var seeds: Int?

    @OptionGroup var reporting: ReportFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String {
        methodComparison?.interruptionNote ?? "nothing was written"
    }

    /// What `--methods` asks for; nil without it.
    private var methodComparison: ComparingMethods? {
        methods.map {
            ComparingMethods(
                training: training, target: forgetting.target, epochs: epochs, methods: $0.methods, seeds: seeds,
                report: reporting.report, flags: flags)
        }
    }

    func validate() throws {
        guard let methodComparison else {
            try reporting.checkRequestID()
            try refuse([("--seeds", seeds != nil)], "is for --methods; give both.")
            return
        }
        try methodComparison.check()
        if reporting.requestID != nil {
            throw ValidationError("--request-id is for a record, and --methods makes none; leave it out.")
        }
        if save != nil { throw ValidationError("--save keeps three models, and --methods has more; leave it out.") }
        if forgetting.givesPreset {
            throw ValidationError(
                "--methods and --preset exclude each other; the presets are methods too: default, fast, thorough, "
                    + "unsir-paper and unsir.")
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
        let classes: Set<Int>
    }

    private func material(_ console: Console) throws -> Material {
        let models = RetrainingComparison.Stage.allCases.compactMap { file(of: $0) }
        try InputFiles(files: training.pictures.files, datasets: [training.dataset]).check(
            models + reporting.destination.files)
        let configuration = try training.configuration(epochs: epochs)
        let network = try training.network()
        let images = try training.images(console)
        let model = try training.untrainedModel(network, for: images, seed: flags.seed)
        console.describe(
            model, flags.options, [("training", .parameters, min(configuration.batchSize, images.count))])
        return Material(
            configuration: configuration, network: network.identifier, model: model, images: images,
            test: try training.testImages(for: model, console),
            classes: try model.classIndices(of: forgetting.target.classes, console))
    }

    private func compareStages(_ console: Console) async throws -> CompareReport {
        let material = try material(console)
        let comparison = RetrainingComparison(
            training: material.configuration, augmentation: training.augmentation,
            unlearning: forgetting.preset.method, samplesPerClass: forgetting.target.samplesPerClass,
            options: flags.options)
        let entries = try await comparison.run(
            material.model, classes: material.classes, images: material.images, test: material.test
        ) { stage, progress in
            console.report(progress, title: stage.rawValue)
        }
        let audit = try await audit(
            entries, material.classes, images: material.images, test: material.test, console)
        try Task.checkCancellation()
        return try written(entries, audit, of: material)
    }

    /// Writes the models and the audit that are to be kept.
    private func written(
        _ entries: [RetrainingComparison.Entry], _ audit: AuditFiles?, of material: Material
    ) throws -> CompareReport {
        for entry in entries {
            if let file = file(of: entry.stage) { try entry.model.write(to: file) }
        }
        try audit?.write()
        return CompareReport(
            entries: entries, audit: audit, classes: material.classes, classNames: material.images.classNames,
            preset: forgetting.preset, architecture: material.network, epochs: epochs, seed: flags.seed)
    }

    /// Audits the unlearned network against the retrained one, if a report is asked for.
    private func audit(
        _ entries: [RetrainingComparison.Entry], _ classes: Set<Int>, images: any ImageDataset,
        test: any ImageDataset, _ console: Console
    ) async throws -> AuditFiles? {
        guard reporting.report != nil, let outcome = entries.lazy.compactMap(\.forgetting).first else { return nil }
        let models = Dictionary(uniqueKeysWithValues: entries.map { ($0.stage, $0.model) })
        guard let original = models[.original], let retrained = models[.retrained] else { return nil }
        let result = try await Audit(options: flags.options).run(
            original: original, unlearned: outcome.model, retrained: [retrained], forgotten: classes,
            data: AuditData(test: test, training: images), progress: console.progress())
        let samples = try images.samples(
            perClass: forgetting.target.samplesPerClass, excluding: classes, seed: flags.seed)
        let record = try reporting.destination.record(
            result,
            models: AuditRecord.Models(
                original: AuditRecord.ModelFile(original, goingTo: file(of: .original)),
                unlearned: AuditRecord.ModelFile(outcome.model, goingTo: file(of: .unlearned)),
                retrained: [AuditRecord.ModelFile(retrained, goingTo: file(of: .retrained))]),
            forgetting: ForgettingRun(outcome, retained: RetainList(samples)))
        return AuditFiles(result, record: record, noise: outcome.noise, destination: reporting.destination)
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

/// Three networks side by side.
struct CompareReport: Report {
    let entries: [RetrainingComparison.Entry]
    let audit: AuditFiles?
    let classes: Set<Int>
    let classNames: [String]
    let preset: UnlearningPreset
    let architecture: ArchitectureIdentifier
    let epochs: Int
    let seed: UInt64

    var exitCode: Int32 { audit?.exitCode ?? 0 }

    enum CodingKeys: CodingKey {
        case architecture, audit, epochs, forgottenClasses, preset, rows, seed
    }

    private struct Row: Encodable {
        let entry: RetrainingComparison.Entry

        enum CodingKeys: CodingKey {
            case accuracy, seconds, speedUp, stage, steps
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(AccuracyReport(entry.accuracy), forKey: .accuracy)
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
        try container.encode(preset, forKey: .preset)
        try container.encode(entries.map(Row.init), forKey: .rows)
        try container.encode(seed, forKey: .seed)
    }

    var text: String {
        var table = TextTable()
        table.add(["model", "forget accuracy", "retain accuracy", "seconds", "steps", "speed-up"])
        for entry in entries {
            table.add([
                entry.stage.rawValue, entry.accuracy.forgotten.percentText,
                entry.accuracy.retained.percentText,
                String(format: "%.2f", entry.time.seconds), "\(entry.steps)",
                entry.speedUp.map { String(format: "%.2fx", $0) } ?? "-",
            ])
        }
        let text = """
            Forgetting \(classNames.names(of: classes)) against retraining without (\(architecture), \
            \(epochs) \(epochs == 1 ? "epoch" : "epochs"), preset \(preset.rawValue))

            \(table.text)
            """
        guard let audit else { return text }
        return text + "\n" + audit.summary + audit.text
    }
}
