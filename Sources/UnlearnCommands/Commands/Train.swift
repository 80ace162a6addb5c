import ArgumentParser
import Foundation
import ImageFolders
import Logging
import ModelInterchange
import Unlearning
import UnlearningReports

/// `unlearn train`
struct Train: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a classifier.",
        discussion: """
            Trains with Adam, by default at 1e-3 over one cycle, and writes a file that names its architecture, classes \
            and normalization. Accuracy is measured on the data set's test split, if there is one.

            With --exclude-classes the network keeps an output for every class, but sees no image of the excluded ones: \
            forgetting is compared with such a network.

            With --shards the network is made of copies that see a part of the images each. Images are divided by what they \
            show, so that each stays in its part when others are forgotten.

            EXAMPLES
              unlearn train --dataset fashion-mnist --architecture resnet18 --epochs 3 \\
                --output model.safetensors
              unlearn train --dataset cifar10:data/cifar10 --architecture resnet18 \\
                --stem small --epochs 10 --augment --output cifar.safetensors
              unlearn train --dataset fashion-mnist --architecture resnet18 --epochs 3 \\
                --exclude-classes "T-shirt/top" --output retrained.safetensors
              unlearn train --dataset fashion-mnist --architecture resnet18 --epochs 3 \\
                --shards 5 --output shards.safetensors
            """)

    @OptionGroup var training: TrainingFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Passes over the images; needed, unless --config or --set says.", valueName: "number"),
        transform: NumberParsing.integer(.epochs))
    var epochs: Int?

    @Option(
        name: .customLong("exclude-classes"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Classes whose images are left out, by number or name, comma-separated.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var excludedLists: [ClassList] = []

    @Option(
        help: ArgumentHelp(
            "The file to write: safetensors, or what its name ends in, .onnx or .mlpackage.", valueName: "file"),
        completion: .model)
    var output: String

    @OptionGroup var settings: ConfigurationFlags
    @OptionGroup var checkpoints: CheckpointFlags
    @OptionGroup var flags: RunFlags

    var interruptionNote: String { checkpoints.note() }

    func validate() throws {
        guard settings.file == nil else { return }
        do {
            _ = try configuration(ConfigurationFile())
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// How to train, from all places that say so.
    private func configuration(_ file: ConfigurationFile) throws -> TrainingConfiguration {
        guard epochs != nil || (file.training + settings.sets).contains(where: { $0.key == "epochs" }) else {
            throw CommandError("how often to pass over the images is missing; give --epochs")
        }
        return try training.configuration(epochs: epochs, file: file, sets: settings.sets)
    }

    private var runFolder: RunFolder? { settings.folder(beside: output).map(RunFolder.init) }

    func perform(_ console: Console) async throws -> TrainReport {
        let destination = URL(fileURLWithPath: output)
        let inputs = InputFiles(files: training.pictures.files + settings.files, datasets: [training.dataset])
        try inputs.check([destination])
        try runFolder?.check(inputs)
        let file = try settings.read(for: "train")
        try file.check(uses: ["training"], in: "train")
        var options = flags.options(file)
        let excludedClasses = excludedLists.isEmpty ? nil : ClassList(joining: excludedLists)
        let configuration = try configuration(file)
        let network = try training.network()
        var images = try training.images(excluding: excludedClasses, console)
        let model = try training.untrainedModel(network, for: images, seed: options.seed)
        try model.checkWritable(to: destination)
        let excluded = try excludedClasses.map { try model.classIndices(of: $0, console) }
        if let excluded {
            try model.checkForgettable(excluded)
            images = try images.excluding(classes: excluded)
        }
        let test = try testImages(for: model, console)
        console.describe(
            model, options, [("training", .parameters, min(configuration.batchSize, images.count))])

        let checkpoint = try checkpoints.open(inputs, console)
        options.checkpoint = checkpoint
        let start = ContinuousClock.now
        let outcome = try await Trainer(configuration: configuration).train(
            model, on: model.prepare(images, augmentation: training.augmentation), options: options,
            progress: console.progress())
        let time = ContinuousClock.now - start + (checkpoint?.restoredTime ?? .zero)
        var accuracy: Accuracy?
        if let test {
            accuracy = try await Evaluator().accuracy(
                of: outcome.model, on: outcome.model.prepare(test), forgottenClasses: excluded ?? [],
                options: options, progress: console.progress())
        }
        try Task.checkCancellation()
        try outcome.model.write(to: destination)
        let report = TrainReport(
            outcome: outcome, time: time, accuracy: accuracy, excludedClasses: excluded ?? [], seed: options.seed,
            output: output, runFolder: runFolder)
        try runFolder?.write(
            RunConfiguration(
                command: "train", training: configuration, seed: options.seed, precision: options.precision),
            log: console.messages + [report.text])
        try checkpoint?.finish()
        return report
    }

    /// The test split; nil if the data set comes without its files.
    private func testImages(for model: Model, _ console: Console) throws -> (any ImageDataset)? {
        do {
            return try training.testImages(for: model, console)
        } catch let error as DatasetError where error.code == .missingFile {
            console.logger.warning("\(error.path ?? ""): no such file, so accuracy will not be measured")
            return nil
        } catch let error as ImageFolderError where error.code == .noTestFolder {
            console.logger.warning("\(error.path): no folder test or val, so accuracy will not be measured")
            return nil
        }
    }
}

/// A training's outcome.
struct TrainReport: Report {
    let outcome: TrainingOutcome
    let time: Duration
    let accuracy: Accuracy?
    let excludedClasses: Set<Int>
    let seed: UInt64
    let output: String
    /// Where the configuration, the command and the log are kept, if they are.
    let runFolder: RunFolder?

    enum CodingKeys: CodingKey {
        case accuracy, excludedClasses, losses, output, parameters, runFolder, seconds, seed, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(accuracy.map(AccuracyReport.init), forKey: .accuracy)
        try container.encode(excludedClasses.sorted(), forKey: .excludedClasses)
        try container.encode(outcome.losses, forKey: .losses)
        try container.encode(output, forKey: .output)
        try container.encode(outcome.model.parameterCount, forKey: .parameters)
        try container.encodeIfPresent(runFolder?.url.relativePath, forKey: .runFolder)
        try container.encode(time.reported, forKey: .seconds)
        try container.encode(seed, forKey: .seed)
        try container.encode(outcome.losses.count, forKey: .steps)
    }

    var text: String {
        let names = outcome.model.metadata.classNames
        let without = excludedClasses.isEmpty ? "" : " without \(names.names(of: excludedClasses))"
        let loss = outcome.losses.last.map { String(format: ", last loss %.4f", $0) } ?? ""
        var text = "Trained\(without): \(outcome.losses.count) steps in \(time.secondsText)\(loss)\n"
        if let accuracy {
            text += "\n" + AccuracyTable(columns: [("test", accuracy)], classNames: names).text + "\n"
        }
        return text + "Wrote \(output)\n" + (runFolder?.text ?? "")
    }
}
