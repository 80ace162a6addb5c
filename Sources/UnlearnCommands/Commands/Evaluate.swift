import ArgumentParser
import Foundation
import Unlearning

/// `unlearn evaluate`
struct Evaluate: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures a classifier's accuracy, overall and by class.",
        discussion: """
            With --forgotten the accuracy on these classes and on the others is printed too.

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
        completion: DatasetArgument.completion, transform: DatasetArgument.init(parsing:))
    var dataset: DatasetArgument

    @Option(
        help: ArgumentHelp("The split to measure on: train or test. (default: test)", valueName: "split"),
        completion: WordParsing.completion(DatasetSplit.self), transform: WordParsing.word("split"))
    var split: DatasetSplit?

    @Option(
        name: .customLong("forgotten"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Classes that were forgotten, by number or name, comma-separated.",
            valueName: "classes"),
        transform: ClassList.init(parsing:))
    var forgottenLists: [ClassList] = []

    @OptionGroup var pictures: PictureFlags
    @OptionGroup var flags: ThreadFlags

    func validate() throws {
        try pictures.check(for: [dataset])
        try dataset.check(split)
    }

    func perform(_ console: Console) async throws -> EvaluateReport {
        let split = split ?? .test
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
        return EvaluateReport(
            accuracy: accuracy, classNames: network.metadata.classNames, forgottenClasses: forgotten, split: split)
    }
}

/// An accuracy.
struct EvaluateReport: Report {
    let accuracy: Accuracy
    let classNames: [String]
    let forgottenClasses: Set<Int>
    let split: DatasetSplit

    enum CodingKeys: CodingKey {
        case accuracy, forgottenClasses, imageCount, split
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(AccuracyReport(accuracy), forKey: .accuracy)
        try container.encode(forgottenClasses.sorted(), forKey: .forgottenClasses)
        try container.encode(accuracy.counts.reduce(0, +), forKey: .imageCount)
        try container.encode(split.rawValue, forKey: .split)
    }

    var text: String {
        AccuracyTable(columns: [(split.rawValue, accuracy)], classNames: classNames).text
    }
}
