import ArgumentParser
import Foundation
import Logging
import Unlearning

/// `unlearn compare-distributions`
struct CompareDistributions: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare-distributions",
        abstract: "Compares many unlearned models with many retrained ones, image by image.",
        usage: """
            unlearn compare-distributions --unlearned <models> --retrained <models> --classes <classes> --dataset <data set>
            unlearn compare-distributions <original> --train <number> --classes <classes> --dataset <data set> [<options>]
            """,
        discussion: """
            Asks how well the answers to one image tell an unlearned model from a retrained one: by challenge epsilon, the \
            score of the NeurIPS 2023 challenge, and by KLoM, the divergence of margins. Either takes many models from \
            different seeds, and says so little with few that halves of the retrained models are compared with each other, \
            too: what they reach is what chance alone does. 16 to 64 small models say something; the challenge had 512.

            Give the models as files, or let --train make them: that many originals, each of which forgets, and as many \
            models without the classes, all trained like the given original, from seeds of their own. --keep keeps them for \
            other methods; after an interruption the same command takes the finished ones, and with --checkpoint goes on \
            within a training, too. The method runs unguarded, with its settings as they are.

            EXAMPLES
              unlearn compare-distributions --dataset fashion-mnist --classes 0 \\
                --unlearned forgotten-*.safetensors --retrained retrained-*.safetensors
              unlearn compare-distributions original.safetensors --train 16 \\
                --dataset fashion-mnist --classes 0 --method scrub --keep models
            """)

    @Argument(
        help: ArgumentHelp(
            "With --train: a model that says which network is trained and how; its weights are not used.",
            valueName: "original"), completion: .model)
    var original: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Models that forgot, each from another seed: \(DistributionalComparison.minimumModels) or more files.",
            valueName: "models"), completion: .model)
    var unlearned: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Models trained without the classes, each from another seed: "
                + "\(DistributionalComparison.minimumModels) or more files.", valueName: "models"), completion: .model)
    var retrained: [String] = []

    @OptionGroup var what: ClassFlags

    @Option(
        help: ArgumentHelp(
            "The data set that the models were trained on, to measure on both splits: \(DatasetArgument.helpForms).",
            valueName: "data set"),
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument

    @Option(
        name: .customLong("images"), parsing: .unconditional,
        help: ArgumentHelp(
            "Test images, and training images, to measure on at most. (default: \(DistributionalComparison.defaultSamples))",
            valueName: "number"),
        transform: NumberParsing.integer(2...100_000_000))
    var imageLimit: Int?

    @OptionGroup var population: PopulationFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var pictures: PictureFlags
    @OptionGroup var network: NetworkFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String {
        checkpoints.note(
            otherwise: population.keptFolder == nil ? "nothing was written" : "the same command continues from here")
    }

    func validate() throws {
        try pictures.check(for: [dataset])
        try population.check()
        try refuse(checkpoints.given, unless: population.count != nil, "is for the models of --train; give it too.")
        guard population.count == nil else {
            try refuse(
                [("--unlearned", !unlearned.isEmpty), ("--retrained", !retrained.isEmpty)],
                "gives models and --train makes them; give one of them.")
            guard original != nil else { throw ValidationError("Give a model to train like, for --train.") }
            return try what.check(population.name.method, named: population.name.method.name)
        }
        guard original == nil else {
            throw ValidationError("Name the models by --unlearned and --retrained, or give --train too.")
        }
        for (option, models) in [("--unlearned", unlearned), ("--retrained", retrained)]
        where models.count < DistributionalComparison.minimumModels {
            throw ValidationError(
                "\(option): found \(models.count) models; give \(DistributionalComparison.minimumModels) or more, or let "
                    + "--train make them.")
        }
    }

    func perform(_ console: Console) async throws -> DistributionsReport {
        let inputs = InputFiles(
            models: unlearned + retrained + [original].compactMap(\.self), files: pictures.files + what.samples.files,
            datasets: [dataset])
        if let folder = population.folder { try inputs.check(folder: folder) }
        guard let path = original ?? unlearned.first else { throw CommandError("no model was given") }
        let list = try what.samples.list()
        let absent = list == nil ? AbsentClasses(classes: what.list, option: "--classes") : nil
        let first = try network.load(path)
        let test = try pictures.load(dataset, split: .test, for: first, absent: absent, console)
        let training = try pictures.load(dataset, split: .train, for: first, absent: absent, console)
        let model = try first.completed(from: test)
        let positions = try list?.positions(in: training, folder: dataset.folder)
        var classes: Set<Int> = []
        if positions == nil {
            let named = try model.classIndices(of: what.list, console)
            classes = named.union(model.metadata.forgottenClasses)
            if classes != named {
                let earlier = model.metadata.classNames.names(of: classes.subtracting(named))
                console.warnOnce("\(path) has forgotten \(earlier) too, which the comparison covers")
            }
        }
        let comparison = try comparison(of: model, classes, positions, test: test, training: training)
        let checkpoint = try checkpoints.open(inputs, console)
        // Finished models are kept there for as long as the run may go on from them.
        let folder = population.folder ?? checkpoints.comparisonFolder
        var options = flags.options
        options.checkpoint = checkpoint
        let answers =
            if let count = population.count {
                try await trained(
                    population.models(
                        count, like: model, classes: classes, samples: positions, images: training, keepingIn: folder,
                        options),
                    comparison, console)
            } else {
                try await read(comparison, test, console)
            }
        try Task.checkCancellation()
        let report = DistributionsReport(
            result: try result(comparison, answers), classes: classes, samples: positions?.count,
            classNames: model.metadata.classNames, method: population.count == nil ? nil : population.name.method.name,
            seed: flags.seed)
        if ParallelJob.isFirst, let finished = checkpoints.comparisonFolder {
            try? FileManager.default.removeItem(at: finished)
        }
        try checkpoint?.finish()
        return report
    }

    private func comparison(
        of model: Model, _ classes: Set<Int>, _ samples: [Int]?, test: any ImageDataset, training: any ImageDataset
    ) throws -> DistributionalComparison {
        let limit = imageLimit ?? DistributionalComparison.defaultSamples
        guard let samples else {
            return try DistributionalComparison(
                like: model, forgotten: classes, test: test, training: training, samples: limit, options: flags.options)
        }
        let gone = Set(samples)
        return try DistributionalComparison(
            like: model, forgottenSamples: ImageSubset(training, indices: samples), test: test,
            training: ImageSubset(training, indices: (0..<training.count).filter { !gone.contains($0) }),
            samples: limit, options: flags.options)
    }

    private typealias Answers = (unlearned: [ModelAnswers], retrained: [ModelAnswers])

    /// Reads one model after the other, so that they need not fit into memory together.
    private func read(
        _ comparison: DistributionalComparison, _ images: any ImageDataset, _ console: Console
    ) async throws -> Answers {
        var answers: Answers = ([], [])
        for path in unlearned + retrained {
            let model = try network.load(path).completed(from: images)
            let own = try await comparison.answers(of: model, named: path, progress: console.progress(path))
            if answers.unlearned.count < unlearned.count {
                answers.unlearned.append(own)
            } else {
                answers.retrained.append(own)
            }
        }
        return answers
    }

    private func trained(
        _ population: ModelPopulation, _ comparison: DistributionalComparison, _ console: Console
    ) async throws -> Answers {
        var answers: Answers = ([], [])
        for index in 0..<population.count {
            let number = "\(index + 1) of \(population.count)"
            let original = try await population.trained(
                .original, index, progress: console.progress("original \(number)"))
            let unlearned = try await population.unlearned(
                original, index, progress: console.progress("unlearned \(number)"))
            answers.unlearned.append(try await comparison.answers(of: unlearned, named: "unlearned model \(index + 1)"))
            let retrained = try await population.trained(
                .retrained, index, progress: console.progress("retrained \(number)"))
            answers.retrained.append(try await comparison.answers(of: retrained, named: "retrained model \(index + 1)"))
        }
        return answers
    }

    /// Compares; a message about a retrained model names its file.
    private func result(_ comparison: DistributionalComparison, _ answers: Answers) throws -> DistributionalResult {
        do {
            return try comparison.result(unlearned: answers.unlearned, retrained: answers.retrained)
        } catch let error as AuditError {
            guard let reference = error.reference, retrained.count >= reference.number else { throw error }
            throw CommandError("\(retrained[reference.number - 1]): \(reference.fault)")
        }
    }
}

/// The models that a comparison of distributions trains itself.
struct PopulationFlags: ParsableArguments {
    @Option(
        name: .customLong("train"), parsing: .unconditional,
        help: ArgumentHelp(
            "How many models of either kind to train, each from its own seed.", valueName: "number"),
        transform: NumberParsing.integer(DistributionalComparison.minimumModels...1000))
    var count: Int?

    @OptionGroup var name: MethodNameFlags

    @Option(
        name: .customLong("set"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "One setting of the method, as in training.learningRate=3e-4; give it once for each.",
            valueName: "key=value"),
        transform: SettingOverride.init(argument:))
    var sets: [SettingOverride] = []

    @OptionGroup var samples: SampleFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Passes over the images in each training. (default: as the original's file says, or 3)", valueName: "number"
        ),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int?

    @Option(
        name: .customLong("keep"),
        help: ArgumentHelp(
            "A folder for the trained models, from which a later run with the same training takes them.",
            valueName: "folder"), completion: .directory)
    var keptFolder: String?

    /// The folder for the trained models; nil keeps none.
    var folder: URL? { keptFolder.map { URL(fileURLWithPath: $0, isDirectory: true) } }

    /// Refuses options that have nothing to work on.
    func check() throws {
        try refuse(
            [
                ("--preset", name.preset != nil), ("--method", name.named != nil), ("--set", !sets.isEmpty),
                ("--samples-per-class", samples.given != nil), ("--epochs", epochs != nil),
                ("--keep", keptFolder != nil),
            ], unless: count != nil, "is for the models of --train; give it too.")
        try samples.check(for: [name.method])
        do {
            _ = try name.method.replacing(sets)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The models as they are to be trained.
    func models(
        _ count: Int, like model: Model, classes: Set<Int>, samples positions: [Int]?, images: any ImageDataset,
        keepingIn folder: URL?, _ options: RunOptions
    ) throws -> ModelPopulation {
        let usual = model.usualTraining
        var training = usual.configuration
        if let epochs { training.epochs = epochs }
        return try ModelPopulation(
            like: model, forgetting: classes, samples: positions, images: images, training: training,
            augmentation: usual.augmentation, method: name.method.replacing(sets),
            samplesPerClass: samples.given ?? SampleFlags.defaultPerClass, count: count, keepingIn: folder,
            options: options)
    }
}
