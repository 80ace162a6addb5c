import ArgumentParser
import Foundation
import NeuralGraph
import Unlearning
import UnlearningReports

/// `unlearn compare-methods`
struct CompareMethods: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare-methods",
        abstract: "Compares several methods of forgetting over seeds.",
        discussion: """
            Trains a network, makes copies of it forget by each method, and audits each copy against a network trained \
            without the classes. With --seeds all of this is repeated from other seeds, and the table has means with \
            95 % intervals. The row 'retrain' shows how much retraining itself varies. Methods run unguarded, with their \
            settings as they are: 'unlearn forget' would repeat a run that harms the retained classes at lower rates.

            Finished work is kept in the folder of --report: after an interruption the same command continues where it \
            stopped. 'unlearn methods' shows the methods. A setting is given with its method before it, as in \
            --set scrub.temperature=2.

            EXAMPLES
              unlearn compare-methods --dataset fashion-mnist --architecture resnet18 \\
                --classes 0 --methods default,scrub,retrain
              unlearn compare-methods --dataset fashion-mnist --architecture resnet18 \\
                --classes 0 --methods all --seeds 3 --report comparison
            """)

    @OptionGroup var training: TrainingFlags
    @OptionGroup var target: TargetFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the images in each training. (default: 3)", valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int = 3

    @Option(
        help: ArgumentHelp(
            "Methods to compare, comma-separated, or all: \(UnlearningMethods.names.joined(separator: ", ")).",
            valueName: "methods"),
        completion: .list(["all"] + UnlearningMethods.names), transform: MethodList.init(parsing:))
    var methods: MethodList

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many seeds, from --seed on. (default: 1)", valueName: "number"),
        transform: NumberParsing.integer(.repetitions))
    var seeds: Int?

    @Option(
        help: ArgumentHelp("The folder for comparison.html and for finished work.", valueName: "folder"),
        completion: .directory)
    var report: String?

    @OptionGroup var configuration: ConfigurationFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: RunFlags

    private var comparison: ComparingMethods {
        ComparingMethods(
            training: training, target: target, epochs: epochs, methods: methods.methods, seeds: seeds, report: report,
            checkpoints: checkpoints, flags: flags, configuration: configuration)
    }

    var interruptionNote: String { comparison.interruptionNote }

    func validate() throws { try comparison.check() }

    func perform(_ console: Console) async throws -> MethodComparisonReport { try await comparison.report(console) }
}

/// A comparison of methods as the command line asks for it.
struct ComparingMethods: Sendable {
    let training: TrainingFlags
    let target: TargetFlags
    let epochs: Int
    let methods: [any UnlearningMethod]
    let seeds: Int?
    /// The folder for the page and for finished work; nil keeps neither.
    let report: String?
    let checkpoints: CheckpointFlags
    let flags: RunFlags
    let configuration: ConfigurationFlags

    var interruptionNote: String {
        checkpoints.note(otherwise: report == nil ? "nothing was written" : "the same command continues from here")
    }

    /// Checks that every option has something to work on.
    func check() throws {
        try target.checkSamples(for: methods)
        for method in methods { try target.what.checkComparable(method, named: method.name) }
        try refuse(
            [("--samples", target.what.samples.file != nil)], "is for compare; compare-methods forgets classes.")
        guard configuration.file == nil else { return }
        do {
            _ = try configured(ConfigurationFile())
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The methods with the settings that are given for each.
    private func configured(_ file: ConfigurationFile) throws -> [any UnlearningMethod] {
        let names = methods.map(\.name)
        return try file.naming { try methods.configured(file.settings, names: names) }
            .configured(configuration.sets, names: names)
    }

    private var runFolder: RunFolder? {
        let folder = report.map { URL(fileURLWithPath: $0).appendingPathComponent("compare-methods").path }
        return configuration.folder(beside: folder).map(RunFolder.init)
    }

    /// Compares; what is finished stays in the report's folder.
    func report(_ console: Console) async throws -> MethodComparisonReport {
        let folder = report.map { URL(fileURLWithPath: $0) }
        let page = folder?.appendingPathComponent("comparison.html")
        let store = folder?.appendingPathComponent("comparison") ?? checkpoints.comparisonFolder
        let inputs = InputFiles(files: training.pictures.files + configuration.files, datasets: [training.dataset])
        let file = try configuration.read(for: "compare-methods")
        try file.check(uses: ["settings", "training", "samplesPerClass"], in: "compare-methods")
        let methods = try configured(file)
        var options = flags.options(file)
        // The comparison makes its folders itself.
        if let page { try inputs.checkNotRead([page]) }
        if let store { try inputs.check(folder: store) }
        let samplesPerClass = target.givenSamples ?? file.samplesPerClass ?? SampleFlags.defaultPerClass
        let trainingSettings = try training.configuration(epochs: epochs, file: file)
        let network = try training.network()
        let images = try training.images(console)
        let seedList = (0..<UInt64(seeds ?? 1)).map { options.seed &+ $0 }
        let model = try training.untrainedModel(network, for: images, seed: seedList[0])
        let classes = try model.classIndices(of: target.classes, console)
        let test = try training.testImages(for: model, console)
        let checkpoint = try checkpoints.open(inputs, console)
        options.checkpoint = checkpoint
        let comparison = MethodComparison(
            methods: methods, seeds: seedList, training: trainingSettings, augmentation: training.augmentation,
            samplesPerClass: samplesPerClass, options: options)
        try comparison.validate()
        console.describe(
            model, options, [("training", .parameters, min(trainingSettings.batchSize, images.count))])
        let training = training
        let result = try await comparison.run(
            { try training.untrainedModel(network, for: images, seed: $0) }, forgetting: classes, images: images,
            test: test, keepingIn: store
        ) { step, progress in
            console.report(progress, title: seedList.count > 1 ? "\(step.seed) \(step.name)" : step.name)
        }
        try Task.checkCancellation()
        let details = ComparisonPage.Details(
            architecture: network.identifier.name, dataset: images.name, epochs: epochs,
            samplesPerClass: samplesPerClass)
        if let page { try ComparisonPage(result, classNames: images.classNames, details: details).write(to: page) }
        if folder == nil, ParallelJob.isFirst, let store { try? FileManager.default.removeItem(at: store) }
        let report = MethodComparisonReport(
            result: result, classNames: images.classNames, details: details, page: page, seeds: seedList,
            runFolder: runFolder)
        if let runFolder {
            let settings = Dictionary(
                uniqueKeysWithValues: try zip(self.methods, methods).map { ($0.name, try JSONValue(encoding: $1)) })
            try runFolder.write(
                RunConfiguration(
                    command: "compare-methods", settings: .object(settings), training: trainingSettings,
                    seed: options.seed, precision: options.precision, samplesPerClass: samplesPerClass),
                log: console.messages + [report.text])
        }
        try checkpoint?.finish()
        return report
    }
}

extension [any UnlearningMethod] {
    /// The methods with settings that begin with a method's name.
    /// - Parameter names: the names that the methods are listed by; their settings may have changed their own.
    /// - Throws: `UnlearningError` if a setting names no method, or is not one of its method.
    fileprivate func configured(_ settings: [SettingOverride], names: [String]) throws -> [any UnlearningMethod] {
        var own = [[SettingOverride]](repeating: [], count: count)
        for setting in settings {
            let parts = setting.key.split(separator: ".", maxSplits: 1).map(String.init)
            guard let place = names.firstIndex(of: parts[0]) else {
                throw UnlearningError(
                    .invalidSetting,
                    "no compared method is called '\(parts[0])'\(NearestName.hint(for: parts[0], in: names)); put the "
                        + "method before the setting, as in \(names.first ?? "scrub").training.epochs=2")
            }
            if parts.count == 2 {
                own[place].append(SettingOverride(parts[1], setting.value))
            } else if case .object(let values) = setting.value {
                own[place] += values.sorted { $0.key < $1.key }.map { SettingOverride($0.key, $0.value) }
            } else {
                throw UnlearningError(
                    .invalidSetting,
                    "'\(setting.key)' is a method; give one of its settings, as in \(parts[0]).KEY=VALUE")
            }
        }
        return try zip(self, own).map { try $0.replacing($1) }
    }
}

/// Several methods side by side.
struct MethodComparisonReport: Report {
    let result: ComparedMethods
    let classNames: [String]
    let details: ComparisonPage.Details
    let page: URL?
    let seeds: [UInt64]
    /// Where the configuration, the command and the log are kept, if they are.
    let runFolder: RunFolder?

    enum CodingKeys: CodingKey {
        case architecture, dataset, epochs, forgottenClasses, guarded, report, rows, runFolder, runs, samplesPerClass,
            seeds
    }

    private struct Row: Encodable {
        let method: String
        let requirements: [Requirement]
        let failures: [String]
        let figures: [String: Figure]

        struct Figure: Encodable {
            let mean: Double
            let margin: Double?
            let count: Int
        }

        init(_ result: ComparedMethods, _ method: String) {
            self.method = method
            let runs = result.runs(of: method)
            requirements = runs.first?.requirements ?? []
            failures = runs.compactMap(\.failure)
            var figures: [String: Figure] = [:]
            for figure in ComparedFigure.allCases {
                guard let summary = result.summary(of: figure, for: method) else { continue }
                figures[figure.rawValue] = Figure(mean: summary.mean, margin: summary.margin, count: summary.count)
            }
            self.figures = figures
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(details.architecture, forKey: .architecture)
        try container.encode(details.dataset, forKey: .dataset)
        try container.encode(details.epochs, forKey: .epochs)
        try container.encode(result.classes, forKey: .forgottenClasses)
        try container.encode(false, forKey: .guarded)
        try container.encodeIfPresent(page?.relativePath, forKey: .report)
        try container.encode(result.methods.map { Row(result, $0) }, forKey: .rows)
        try container.encodeIfPresent(runFolder?.url.relativePath, forKey: .runFolder)
        try container.encode(result.runs, forKey: .runs)
        try container.encode(details.samplesPerClass, forKey: .samplesPerClass)
        try container.encode(seeds, forKey: .seeds)
    }

    var text: String {
        var table = TextTable()
        for row in ComparisonTable(result).rows { table.add(row) }
        var text =
            "Forgetting \(classNames.names(of: Set(result.classes))) by several methods (\(details.architecture), "
            + "\(details.epochs) \(details.epochs == 1 ? "epoch" : "epochs"), \(seeds.count == 1 ? "1 seed" : "\(seeds.count) seeds"))\n\n"
            + table.text
        for run in result.runs {
            if let failure = run.failure { text += "\(run.method), seed \(run.seed): \(failure)\n" }
        }
        text += "\n" + ComparisonTable.legend + " " + ComparisonTable.guardNote + "\n"
        if let page { text += "Wrote \(page.relativePath)\n" }
        if let runFolder { text += runFolder.text }
        return text
    }
}
