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
            is normalized already.

            EXAMPLES
              unlearn predict model.safetensors --dataset fashion-mnist \\
                --logits logits.safetensors
              unlearn predict model.safetensors --input images.safetensors \\
                --logits logits.safetensors
            """)

    @OptionGroup var model: ModelFlags

    @Option(
        help: ArgumentHelp("The images: \(DatasetSpecification.helpForms).", valueName: "data set"),
        transform: DatasetSpecification.init(parsing:))
    var dataset: DatasetSpecification?

    @Option(
        help: ArgumentHelp("Which part of the data set; test if left out.", valueName: "split"))
    var split: DatasetSplit?

    @Option(
        help: ArgumentHelp(
            "A safetensors file with the tensor 'input' [N, C, H, W], instead of a data set.",
            valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("Where the outputs go, a safetensors file.", valueName: "file"))
    var logits: String

    @OptionGroup var flags: RunFlags

    func validate() throws {
        guard (dataset == nil) != (input == nil) else {
            throw ValidationError("Give the images by either --dataset or --input.")
        }
        if split != nil, dataset == nil {
            throw ValidationError("--split is a part of a --dataset; give one.")
        }
    }

    func perform(_ console: Console) async throws -> PredictReport {
        let destination = URL(fileURLWithPath: logits)
        let input = input.map { URL(fileURLWithPath: $0) }
        try AtomicFile.checkDestination(
            destination, keeping: [model.url] + (input.map { [$0] } ?? []) + (dataset?.files ?? []))
        let network = try model.load()
        let (examples, prepared) = try examples(input, for: network)
        let predictor = Predictor()
        console.describe(
            prepared, flags.options,
            [("prediction", .nothing, min(predictor.batchSize, examples.count))])
        let tensor = try await predictor.logits(
            of: examples, by: prepared, options: flags.options, progress: console.progress())
        try Task.checkCancellation()
        try SafetensorsWriter.write(["logits": tensor], to: destination)
        return PredictReport(logits: logits, count: examples.count, classes: prepared.classCount)
    }

    private func examples(_ input: URL?, for model: Model) throws -> (any ExampleSource, Model) {
        if let input { return (try TensorExamples(inputsFrom: input), model) }
        guard let dataset else { throw ValidationError("Give the images by either --dataset or --input.") }
        let images = try dataset.load(split: split ?? .test, for: model)
        let completed = try model.completed(from: images)
        return (try completed.prepare(images), completed)
    }
}

/// What a prediction has to say.
struct PredictReport: Report {
    let logits: String
    let count: Int
    let classes: Int

    var text: String { "Wrote \(logits): outputs of \(count) images for \(classes) classes\n" }
}
