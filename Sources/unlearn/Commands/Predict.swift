import ArgumentParser
import Foundation
import Unlearning

/// `unlearn predict`
struct Predict: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a classifier's outputs for images.",
        discussion: """
            Writes one safetensors file with the tensor 'logits' [N, K]: a row for each image, a column for each \
            class. Images come from a data set, or from a safetensors file with one tensor 'input' [N, C, H, W] that \
            is normalized already. Of single pictures the most likely classes are printed.

            EXAMPLES
              unlearn predict model.safetensors --dataset fashion-mnist \\
                --logits logits.safetensors
              unlearn predict model.safetensors --input images.safetensors \\
                --logits logits.safetensors
              unlearn predict model.safetensors --pictures holiday.jpg cat.png
            """)

    @OptionGroup var model: ModelFlags

    @Option(
        help: ArgumentHelp("The images: \(DatasetArgument.helpForms).", valueName: "data set"),
        transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument?

    @Option(
        help: ArgumentHelp("Which part of the data set; test if left out.", valueName: "split"))
    var split: DatasetSplit?

    @Option(
        help: ArgumentHelp(
            "A safetensors file with the tensor 'input' [N, C, H, W], instead of a data set.",
            valueName: "file"))
    var input: String?

    @Option(
        name: .customLong("pictures"), parsing: .upToNextOption,
        help: ArgumentHelp("Picture files instead of a data set, after the other arguments.", valueName: "file"))
    var files: [String] = []

    @Option(help: ArgumentHelp("Where the outputs go, a safetensors file.", valueName: "file"))
    var logits: String?

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var flags: RunFlags

    func validate() throws {
        guard [dataset != nil, input != nil, !files.isEmpty].count(where: \.self) == 1 else {
            throw ValidationError("Give the images by one of --dataset, --input and --pictures.")
        }
        if logits == nil, files.isEmpty {
            throw ValidationError("Say where the outputs go by --logits.")
        }
        if split != nil, dataset == nil {
            throw ValidationError("--split is a part of a --dataset; give one.")
        }
    }

    func perform(_ console: Console) async throws -> PredictReport {
        if files.isEmpty { try pictures.check(for: [dataset]) }
        let destination = logits.map { URL(fileURLWithPath: $0) }
        let input = input.map { URL(fileURLWithPath: $0) }
        let inputs = InputFiles(
            models: [model.path], files: files + [self.input].compactMap(\.self) + pictures.files, datasets: [dataset])
        try inputs.check([destination].compactMap(\.self))
        let network = try model.load()
        let (examples, prepared) = try examples(input, for: network, console)
        let predictor = Predictor()
        console.describe(
            prepared, flags.options,
            [("prediction", .nothing, min(predictor.batchSize, examples.count))])
        let tensor = try await predictor.logits(
            of: examples, by: prepared, options: flags.options, progress: console.progress())
        try Task.checkCancellation()
        if let destination { try SafetensorsWriter.write(["logits": tensor], to: destination) }
        let classes = files.isEmpty ? nil : try Predictions(logits: tensor)
        return PredictReport(
            logits: logits, count: examples.count, classes: prepared.classCount,
            pictures: classes.map { PicturePrediction.list($0, files: files, names: prepared.metadata.classNames) })
    }

    private func examples(
        _ input: URL?, for model: Model, _ console: Console
    ) throws -> (any ExampleSource, Model) {
        if let input { return (try TensorExamples(inputsFrom: input), model) }
        let images: any ImageDataset =
            if let dataset {
                try pictures.load(dataset, split: split ?? .test, for: model, console)
            } else {
                try pictures.load(files, for: model)
            }
        let completed = try model.completed(from: images)
        return (try completed.prepare(images), completed)
    }
}

/// What a prediction has to say.
struct PredictReport: Report {
    let logits: String?
    let count: Int
    let classes: Int
    let pictures: [PicturePrediction]?

    var text: String {
        let wrote = logits.map { "Wrote \($0): outputs of \(count) images for \(classes) classes\n" } ?? ""
        return PicturePrediction.text(pictures ?? []) + wrote
    }
}

/// What one picture shows, as the model sees it.
struct PicturePrediction: Encodable {
    /// The file.
    let file: String
    /// The most likely classes, the likeliest first.
    let classes: [Candidate]

    struct Candidate: Encodable {
        let index: Int
        let name: String
        let probability: Double
    }

    private static let shown = 3

    static func list(_ predictions: Predictions, files: [String], names: [String]) -> [PicturePrediction] {
        files.enumerated().map { row, file in
            let probabilities = predictions.probabilities(row)
            // Of equal ones the lower number comes first.
            let order = probabilities.indices.sorted {
                (probabilities[$1], $0) < (probabilities[$0], $1)
            }
            return PicturePrediction(
                file: file,
                classes: order.prefix(shown).map {
                    Candidate(index: $0, name: names.name(of: $0), probability: probabilities[$0])
                })
        }
    }

    static func text(_ pictures: [PicturePrediction]) -> String {
        var table = TextTable()
        for picture in pictures {
            table.add(
                [picture.file] + picture.classes.map { "\($0.name.asName) \(Double?($0.probability).percentText)" })
        }
        return table.text
    }
}
