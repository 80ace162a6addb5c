import ArgumentParser
import Foundation
import Unlearning

/// `unlearn predict`
struct Predict: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes a classifier's outputs for images.",
        discussion: """
            Writes a safetensors file with the tensor 'logits' [N, K], one row per image and one column per class. The \
            images come from a data set, from a safetensors file with one normalized tensor 'input' [N, C, H, W], or \
            from picture files, whose most likely classes are printed.

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
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument?

    @Option(
        help: ArgumentHelp("The split of the data set: train or test. (default: test)", valueName: "split"),
        completion: WordParsing.completion(DatasetSplit.self), transform: WordParsing.word("split"))
    var split: DatasetSplit?

    @Option(
        help: ArgumentHelp(
            "A safetensors file with the tensor 'input' [N, C, H, W], instead of a data set.",
            valueName: "file"), completion: .file(extensions: ["safetensors"]))
    var input: String?

    @Option(
        name: .customLong("pictures"), parsing: .upToNextOption,
        help: ArgumentHelp("Picture files instead of a data set, after the other arguments.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        help: ArgumentHelp("The safetensors file to write the outputs to.", valueName: "file"), completion: .file())
    var logits: String?

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var flags: ThreadFlags

    func validate() throws {
        guard [dataset != nil, input != nil, !files.isEmpty].count(where: \.self) == 1 else {
            throw ValidationError("Give the images by one of --dataset, --input and --pictures.")
        }
        if logits == nil, files.isEmpty {
            throw ValidationError("Give the file to write the outputs to by --logits.")
        }
        try refuse([("--split", split != nil)], unless: dataset != nil, "is a part of a --dataset; give one.")
        try dataset?.check(split)
        if files.isEmpty { try pictures.check(for: [dataset]) } else { try pictures.checkForFiles() }
    }

    func perform(_ console: Console) async throws -> PredictReport {
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
            output: logits, imageCount: examples.count, classCount: prepared.classCount,
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
                try pictures.load(files, for: model, console)
            }
        let completed = try model.completed(from: images)
        return (try completed.prepare(images), completed)
    }
}

/// What was predicted, and where the outputs are.
struct PredictReport: Report {
    let output: String?
    let imageCount: Int
    let classCount: Int
    let pictures: [PicturePrediction]?

    enum CodingKeys: CodingKey {
        case classCount, imageCount, output, pictures
    }

    // Written out, so that a missing file is null and not a missing key.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(classCount, forKey: .classCount)
        try container.encode(imageCount, forKey: .imageCount)
        try container.encode(output, forKey: .output)
        try container.encodeIfPresent(pictures, forKey: .pictures)
    }

    var text: String {
        let wrote = output.map { "Wrote \($0): outputs of \(imageCount) images for \(classCount) classes\n" } ?? ""
        return PicturePrediction.text(pictures ?? []) + wrote
    }
}

/// What a model takes one picture for.
struct PicturePrediction: Encodable {
    /// The file.
    let file: String
    /// The most likely classes, the likeliest first.
    let predictions: [Candidate]

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
                predictions: order.prefix(shown).map {
                    Candidate(index: $0, name: names.name(of: $0), probability: probabilities[$0])
                })
        }
    }

    static func text(_ pictures: [PicturePrediction]) -> String {
        var table = TextTable()
        for picture in pictures {
            table.add(
                [picture.file] + picture.predictions.map { "\($0.name.asName) \(Double?($0.probability).percentText)" })
        }
        return table.text
    }
}
