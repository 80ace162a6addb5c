import ArgumentParser
import Foundation
import Unlearning

/// `unlearn evaluate`
struct Evaluate: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures a classifier's accuracy, in all and by class.",
        discussion: """
            With --forgotten the accuracy on those classes and on the others is given too.

            EXAMPLES
              unlearn evaluate model.safetensors --dataset fashion-mnist
              unlearn evaluate forgotten.safetensors \\
                --dataset fashion-mnist --forgotten 0,2 --json
              unlearn evaluate torch.safetensors --architecture resnet18 \\
                --dataset fashion-mnist --split train
            """)

    @OptionGroup var model: ModelFlags

    @Option(
        help: ArgumentHelp(
            "The images to measure on: \(DatasetArgument.helpForms).", valueName: "data set"),
        transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument

    @Option(help: ArgumentHelp("Which part of it: train or test.", valueName: "split"))
    var split: DatasetSplit = .test

    @Option(
        name: .customLong("forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Classes that were forgotten, by number or name, with commas between them.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var forgottenLists: [ClassList] = []

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var flags: RunFlags

    func perform(_ console: Console) async throws -> EvaluateReport {
        try pictures.check(for: [dataset])
        var network = try model.load()
        let list = ClassList(joining: forgottenLists)
        let images = try pictures.load(
            dataset, split: split, for: network, absent: AbsentClasses(classes: list, option: "--forgotten"), console)
        network = try network.completed(from: images)
        let forgotten = forgottenLists.isEmpty ? [] : try network.classIndices(of: list, console)
        let evaluator = Evaluator()
        console.describe(
            network, flags.options,
            [("evaluation", .nothing, min(evaluator.predictor.batchSize, images.count))])
        let accuracy = try await evaluator.accuracy(
            of: network, on: network.prepare(images), forgottenClasses: forgotten, options: flags.options,
            progress: console.progress())
        return EvaluateReport(accuracy: accuracy, classNames: network.metadata.classNames, split: split)
    }
}

/// What a measurement has to say.
struct EvaluateReport: Report {
    let accuracy: Accuracy
    let classNames: [String]
    let split: DatasetSplit

    enum CodingKeys: CodingKey {
        case accuracy, count
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(AccuracyReport(accuracy), forKey: .accuracy)
        try container.encode(accuracy.counts.reduce(0, +), forKey: .count)
    }

    var text: String {
        AccuracyTable(columns: [(split.rawValue, accuracy)], classNames: classNames).text
    }
}
