package import Foundation
import Plotting
package import Unlearning

/// A comparison of methods as one HTML file: a table of all figures, and plots of the main ones.
package struct ComparisonPage: Sendable {
    /// The network, data and settings of a comparison.
    package struct Details: Sendable {
        /// The network's name.
        package var architecture: String
        /// The data set's name.
        package var dataset: String
        /// Epochs of the original's training.
        package var epochs: Int
        /// Images of each class that the methods saw.
        package var samplesPerClass: Int

        /// Creates details.
        package init(architecture: String, dataset: String, epochs: Int, samplesPerClass: Int) {
            self.architecture = architecture
            self.dataset = dataset
            self.epochs = epochs
            self.samplesPerClass = samplesPerClass
        }
    }

    private let result: ComparedMethods
    private let classNames: [String]
    private let details: Details

    /// Creates a page.
    package init(_ result: ComparedMethods, classNames: [String], details: Details) {
        self.result = result
        self.classNames = classNames
        self.details = details
    }

    /// Writes the page atomically.
    /// - Throws: `FileError` if it cannot be written.
    package func write(to url: URL) throws {
        try AtomicFile.write(Data(html().utf8), to: url)
    }

    /// Renders the page as HTML.
    package func html() -> String {
        var page = Page()
        addTable(to: &page)
        addCharts(to: &page)
        addFailures(to: &page)
        let names = result.classes.map(classNames.className).inWords
        return page.document(title: "Unlearning methods compared: \(names)") { markup in
            markup.add("h1", text: "Unlearning methods compared: \(names)")
            markup.add(
                "p",
                text: "\(details.architecture) on \(details.dataset), \(details.epochs) epochs. The methods see "
                    + "\(details.samplesPerClass) images of each class, of the kinds in the column 'data'. "
                    + "\(ComparisonTable.guardNote) \(seedText) The reference is a network retrained without the class. The row 'retrain' is another such "
                    + "network; its figures are the best that a method can be expected to reach.")
        }
    }

    private var seedText: String {
        let seeds = Set(result.runs.map(\.seed)).count
        return seeds == 1 ? "One seed only: differences may be due to chance." : "Means over \(seeds) seeds."
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
            (.retainAccuracy, "Retain accuracy", "On test images of the retained classes; higher is better."),
            (.retainGap, "Retain gap", "Retain accuracy minus the retrained network's; 0 is ideal."),
            (
                .forgetAccuracy, "Forget accuracy",
                "On test images of the forgotten classes; a retrained network is at about 0."
            ),
            (
                .totalVariation, "Distance to retraining",
                "Total variation distance of predictions for forgotten test images; lower is closer."
            ),
            (
                .probeGap, "Probe gap",
                "Recall of a linear probe minus the retrained network's; 0 is ideal."
            ),
            (.membershipGap, "Membership gap", "Largest gap of three membership attacks to retraining; 0 is ideal."),
            (.relearnRatio, "Relearn ratio", "Relearn time divided by the retrained network's; 1 is ideal."),
        ]
        page.section("plots", "By figure", "Means over seeds, with 95 % confidence intervals if there are several.") {
            page in
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

    /// The 95 % confidence interval, cut off at possible values.
    private static func interval(_ summary: SeedSummary, of figure: ComparedFigure) -> ClosedRange<Double>? {
        guard let margin = summary.margin else { return nil }
        let least = figure.isSigned ? -1.0 : 0
        let most = figure.isShare || figure == .totalVariation ? 1 : Double.infinity
        return max(least, summary.mean - margin)...min(most, summary.mean + margin)
    }

    /// The plot of time against the distance to retraining.
    private var cost: any Plot {
        SeriesChart(
            .points, title: "Cost and distance",
            summary: "Each mark is a method: left is faster, lower is closer to retraining.",
            xAxis: Axis("seconds", scale: .logarithmic), yAxis: Axis("total variation"),
            series: result.methods.compactMap { method in
                guard let seconds = result.summary(of: .seconds, for: method)?.mean, seconds > 0,
                    let distance = result.summary(of: .totalVariation, for: method)?.mean
                else { return nil }
                return PointSeries(method, x: [seconds], y: [distance])
            })
    }

    private func addFailures(to page: inout Page) {
        let failures = result.runs.compactMap { run in
            run.failure.map { "\(run.method), seed \(run.seed): \($0)" }
        }
        guard !failures.isEmpty else { return }
        page.section("failures", "Runs that failed", "These runs gave no model.") { page in
            page.list(failures)
        }
    }
}
