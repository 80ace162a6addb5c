import Foundation
import Plotting
import Unlearning

/// A comparison of methods as one HTML file: a table of all figures, and the main ones as plots. It needs no network.
public struct ComparisonPage: Sendable {
    /// What was compared on.
    public struct Details: Sendable {
        /// The network's name.
        public var architecture: String
        /// The data set's name.
        public var dataset: String
        /// Epochs of the original's training.
        public var epochs: Int
        /// Images of each class that methods saw.
        public var samplesPerClass: Int

        /// Puts details together.
        public init(architecture: String, dataset: String, epochs: Int, samplesPerClass: Int) {
            self.architecture = architecture
            self.dataset = dataset
            self.epochs = epochs
            self.samplesPerClass = samplesPerClass
        }
    }

    private let result: ComparedMethods
    private let classNames: [String]
    private let details: Details

    /// Puts a page together.
    public init(_ result: ComparedMethods, classNames: [String], details: Details) {
        self.result = result
        self.classNames = classNames
        self.details = details
    }

    /// Writes the page. The file is whole or not there.
    /// - Throws: `FileError` if it cannot be written.
    public func write(to url: URL) throws {
        try AtomicFile.write(Data(html().utf8), to: url)
    }

    /// The page's text.
    public func html() -> String {
        var page = Page()
        addTable(to: &page)
        addCharts(to: &page)
        addFailures(to: &page)
        let names = result.classes.map(classNames.className).inWords
        return page.document(title: "Methods that forget: \(names)") { markup in
            markup.add("h1", text: "Methods that forget: \(names)")
            markup.add(
                "p",
                text: "\(details.architecture) on \(details.dataset), \(details.epochs) epochs; methods see "
                    + "\(details.samplesPerClass) images of each class, of the kinds in the column 'data'. "
                    + "\(seedText) Every figure is against a network retrained without the class; the row 'retrain' is "
                    + "another one of these, so that its figures are as near as any method can be expected to come.")
        }
    }

    private var seedText: String {
        let seeds = Set(result.runs.map(\.seed)).count
        return seeds == 1 ? "One seed: differences may be chance." : "Means over \(seeds) seeds."
    }

    private func addTable(to page: inout Page) {
        let table = ComparisonTable(result)
        page.section("table", "All figures", ComparisonTable.legend) { page in
            page.table(
                "Methods", columns: table.heading, rows: result.methods.map { table.row($0).map(\.keepingUnits) })
        }
    }

    private func addCharts(to page: inout Page) {
        let charts: [(ComparedFigure, String, String)] = [
            (.retainAccuracy, "Retain accuracy", "Test images of the classes that stay; more is better."),
            (.retainGap, "Retain accuracy and retraining", "Retain accuracy less a retrained network's; 0 is ideal."),
            (.forgetAccuracy, "Forget accuracy", "Test images of the forgotten classes; a retrained network is at 0."),
            (
                .totalVariation, "Distance to retraining",
                "Total variation of answers to forgotten images; less is nearer."
            ),
            (
                .probeGap, "Probe gap",
                "How much better a linear probe finds the class than after retraining; 0 is ideal."
            ),
            (.membershipGap, "Membership gap", "The largest of three attacks' gaps to retraining; 0 is ideal."),
            (.relearnRatio, "Relearn ratio", "Relearn time over that of a retrained network; 1 is ideal."),
        ]
        page.section("plots", "By figure", "Means over seeds, with 95 % intervals where there are several.") { page in
            page.figures(charts.map { chart($0, title: $1, summary: $2) } + [cost])
        }
    }

    private func chart(_ figure: ComparedFigure, title: String, summary: String) -> any Plot {
        let methods = result.methods
        let values = methods.map { result.summary(of: figure, for: $0) }
        return BarChart(
            title: title, summary: summary, axis: Axis(figure.title, style: figure.isShare ? .percent : .plain()),
            groups: methods,
            series: [
                BarChart.Series(
                    figure.title, values: values.map { $0?.mean },
                    intervals: values.map { $0.flatMap { Self.interval($0, of: figure) } })
            ])
    }

    /// The 95 % interval, as far as it is possible: few seeds make wide ones.
    private static func interval(_ summary: SeedSummary, of figure: ComparedFigure) -> ClosedRange<Double>? {
        guard let margin = summary.margin else { return nil }
        let least = figure.isSigned ? -1.0 : 0
        let most = figure.isShare || figure == .totalVariation ? 1 : Double.infinity
        return max(least, summary.mean - margin)...min(most, summary.mean + margin)
    }

    /// Seconds against the distance to retraining.
    private var cost: any Plot {
        ScatterPlot(
            title: "Cost and distance", summary: "Each mark is a method: to the left is quicker, lower is nearer.",
            xAxis: Axis("seconds", scale: .logarithmic), yAxis: Axis("total variation"),
            series: result.methods.compactMap { method in
                guard let seconds = result.summary(of: .seconds, for: method)?.mean, seconds > 0,
                    let distance = result.summary(of: .totalVariation, for: method)?.mean
                else { return nil }
                return ScatterPlot.Series(method, x: [seconds], y: [distance])
            })
    }

    private func addFailures(to page: inout Page) {
        let failures = result.runs.compactMap { run in
            run.failure.map { "\(run.method), seed \(run.seed): \($0)" }
        }
        guard !failures.isEmpty else { return }
        page.section("failures", "Runs that failed", "These methods gave no model with their settings.") { page in
            page.list(failures)
        }
    }
}
