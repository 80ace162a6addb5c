import Plotting
import Unlearning

extension AuditReport {
    /// The maximum number of classes that are drawn; the table has all.
    private static let maximumClasses = 20

    /// Adds the accuracy by class.
    func addClasses(to page: inout Page) {
        let classes = result.figures.classAccuracy
        guard !classes.isEmpty else {
            page.absent(
                "classes", "Accuracy by class", missing("Accuracy by class", measure: .classAccuracy))
            return
        }
        page.section(
            "classes", "Accuracy by class",
            "Share of each class's test images that the models recognize. Forgotten classes should be where retraining "
                + "leaves them, and all others as high as before. Adjacent classes are those that the original confuses "
                + "most with the forgotten ones; damage appears there first."
        ) { page in
            let drawn = Self.drawn(classes)
            let models = present(in: classes.map(\.accuracy))
            page.figures([
                BarChart(
                    title: "Test accuracy by class",
                    summary: drawn.count < classes.count
                        ? "The forgotten classes, the adjacent ones and those that changed most, "
                            + "\(drawn.count) of \(classes.count)."
                        : "All \(classes.count) classes.",
                    axis: Axis("test accuracy", style: .percent, range: 0...1),
                    groups: drawn.map { Self.name(of: $0) },
                    series: models.map { model in
                        BarChart.Series(
                            model.title, values: drawn.map { $0.accuracy[model] }, style: model.position)
                    })
            ])
            page.details("Accuracy by class in numbers") { page in
                page.table(
                    "Test accuracy by class", columns: ["class"] + models.map(\.title) + ["change"],
                    rows: classes.map { figure in
                        [Self.name(of: figure)]
                            + models.map { figure.accuracy[$0].map(NumberStyle.percent.text) ?? "–" }
                            + [figure.change.map { MeasureDescription.Unit.share.differenceText($0) } ?? "–"]
                    })
            }
        }
    }

    private static func drawn(_ classes: [ClassAccuracyFigure]) -> [ClassAccuracyFigure] {
        guard classes.count > maximumClasses else { return classes }
        let marked = classes.filter { $0.relation != .remote }
        let others = classes.filter { $0.relation == .remote }
            .sorted { abs($0.change ?? 0) > abs($1.change ?? 0) }
        let kept = Set((marked + others).prefix(maximumClasses).map(\.index))
        return classes.filter { kept.contains($0.index) }
    }

    private static func name(of figure: ClassAccuracyFigure) -> String {
        figure.relation == .remote ? figure.name : "\(figure.name) (\(figure.relation.rawValue))"
    }

    /// Adds the classes predicted for images of forgotten classes.
    func addConfusion(to page: inout Page) {
        let figures = result.figures.forgottenConfusion
        guard !figures.isEmpty else {
            page.absent(
                "confusion", "Predictions for forgotten classes",
                missing("Predictions for forgotten classes", measure: .predictionEntropy))
            return
        }
        page.section(
            "confusion", "Predictions for forgotten classes",
            "The classes that the models predict for test images of a forgotten class. A model that never saw the class "
                + "predicts similar-looking ones; if most predictions were one unlikely class, this would reveal that "
                + "something was removed."
        ) { page in
            page.figures(figures.map(confusion))
        }
    }

    private func confusion(_ figure: ConfusionFigure) -> any Plot {
        let models = present(in: [figure.shares])
        func largest(_ index: Int) -> Double {
            models.map { model in
                figure.shares[model].flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? 0
            }.max() ?? 0
        }
        let all = result.classNames.indices.sorted { (largest($1), $0) < (largest($0), $1) }
        let shown = all.prefix(12)
        return HeatMap(
            title: "Images of \(figure.name)",
            summary: "Share of its test images for which each model predicts each class"
                + (shown.count < all.count ? "; the \(shown.count) most frequent classes." : "."),
            rows: shown.map(result.classNames.className), columns: models.map(\.title),
            values: shown.map { index in
                models.map { model in
                    figure.shares[model].flatMap { $0.indices.contains(index) ? $0[index] : nil }
                }
            }, style: .percent, range: 0...1)
    }

    /// The models that have a value in a list.
    func present<Value>(in values: [ByModel<Value>]) -> [AuditedModel] {
        AuditedModel.allCases.filter { model in values.contains { $0[model] != nil } }
    }

    /// The reason why a section is empty.
    func missing(_ what: String, measure: MeasureIdentifier) -> String {
        if let reason = result[measure]?.omission { return "\(what) is not shown: \(reason)." }
        guard result.configuration.makesFigures else {
            return "\(what) is not shown: the audit was run without figures."
        }
        return "\(what) is not shown: this audit did not measure it."
    }
}

extension ClassAccuracyFigure {
    /// Accuracy after forgetting minus before.
    fileprivate var change: Double? {
        guard let before = accuracy.original, let after = accuracy.unlearned else { return nil }
        return after - before
    }
}
