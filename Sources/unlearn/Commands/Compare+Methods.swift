import Foundation
import Unlearning
import UnlearningReports

extension Compare {
    /// Compares methods over seeds; what is finished stays in the report's folder.
    func compare(_ methods: [any UnlearningMethod], _ console: Console) async throws -> MethodComparisonReport {
        let folder = reporting.report.map { URL(fileURLWithPath: $0) }
        let page = folder?.appendingPathComponent("comparison.html")
        let store = folder?.appendingPathComponent("comparison")
        let inputs = InputFiles(files: self.training.pictures.files, datasets: [self.training.dataset])
        // The comparison makes its folders itself.
        if let page { try inputs.checkNotRead([page]) }
        if let store { try inputs.check(folder: store) }
        let configuration = try training.configuration(epochs: epochs)
        let network = try training.network()
        let images = try training.images(console)
        let seedList = (0..<UInt64(seeds ?? 1)).map { flags.seed &+ $0 }
        let model = try training.untrainedModel(network, for: images, seed: seedList[0])
        let classes = try model.classIndices(of: forgetting.classes, console)
        let test = try training.testImages(for: model, console)
        let comparison = MethodComparison(
            methods: methods, seeds: seedList, training: configuration, augmentation: training.augmentation,
            samplesPerClass: forgetting.samplesPerClass, options: flags.options)
        try comparison.validate()
        console.describe(
            model, flags.options, [("training", .parameters, min(configuration.batchSize, images.count))])
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
            samplesPerClass: forgetting.samplesPerClass)
        if let page { try ComparisonPage(result, classNames: images.classNames, details: details).write(to: page) }
        return MethodComparisonReport(
            result: result, classNames: images.classNames, details: details, page: page, seeds: seedList)
    }
}

/// What a comparison of methods has to say.
struct MethodComparisonReport: Report {
    let result: ComparedMethods
    let classNames: [String]
    let details: ComparisonPage.Details
    let page: URL?
    let seeds: [UInt64]

    enum CodingKeys: CodingKey {
        case architecture, classes, dataset, epochs, report, rows, runs, samplesPerClass, seeds
    }

    private struct Row: Encodable {
        let method: String
        let data: [Requirement]
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
            data = runs.first?.requirements ?? []
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
        try container.encode(result.classes, forKey: .classes)
        try container.encode(details.dataset, forKey: .dataset)
        try container.encode(details.epochs, forKey: .epochs)
        try container.encodeIfPresent(page?.relativePath, forKey: .report)
        try container.encode(result.methods.map { Row(result, $0) }, forKey: .rows)
        try container.encode(result.runs, forKey: .runs)
        try container.encode(details.samplesPerClass, forKey: .samplesPerClass)
        try container.encode(seeds, forKey: .seeds)
    }

    var text: String {
        var table = TextTable()
        for row in ComparisonTable(result).rows { table.add(row) }
        var text =
            "Forgetting \(classNames.names(of: Set(result.classes))) by several methods (\(details.architecture), "
            + "\(details.epochs) epochs, \(seeds.count == 1 ? "1 seed" : "\(seeds.count) seeds"))\n\n" + table.text
        for run in result.runs {
            if let failure = run.failure { text += "\(run.method), seed \(run.seed): \(failure)\n" }
        }
        text += "\n" + ComparisonTable.legend + "\n"
        if let page { text += "Wrote \(page.relativePath)\n" }
        return text
    }
}
