import Plotting
import Unlearning

extension AuditReport {
    /// Every measure with its values, gap and verdict, group by group; those left out with the reason.
    func addMeasures(to page: inout Page) {
        page.section(
            "measures", "All measures",
            "Values of the model before forgetting (original), of the model after it (unlearned), and of models trained "
                + "without the forgotten classes (retrained), which are the target. The gap is unlearned minus retrained. "
                + "Below a value is its 95 % confidence interval, below a mean of several retrained models their range."
        ) { page in
            if let gaps { page.figures([gaps]) }
            for group in MeasureDescription.Group.allCases {
                let measures = result.measures.filter { $0.measure.group == group && !$0.isOmitted }
                guard !measures.isEmpty else { continue }
                page.table(
                    group.title,
                    columns: ["measure", "verdict", "original", "unlearned", "retrained", "gap", "limits and notes"],
                    textColumns: [1, 6]
                ) { markup in
                    for measure in measures { Self.addRow(measure, to: &markup) }
                }
            }
            let omitted = result.measures.filter(\.isOmitted)
            if !omitted.isEmpty {
                page.heading("Left out")
                page.list(omitted.map { "\($0.measure.title): \($0.omission ?? "")" })
            }
            page.details("What the measures are") { page in
                page.facts(
                    result.measures.map { result in
                        let measure = result.measure
                        return (
                            measure.title,
                            "\(measure.definition) \(measure.directionText.firstCapitalized). "
                                + "Source: \(measure.source)"
                        )
                    })
            }
            for measure in result.measures where !measure.rows.isEmpty {
                page.details("\(measure.measure.title): each \(Self.name(of: measure.rowKind))") { page in
                    page.table(
                        measure.measure.title,
                        columns: [Self.name(of: measure.rowKind)] + AuditedModel.allCases.map(\.title),
                        rows: measure.rows.map { row in
                            [row.name]
                                + AuditedModel.allCases.map { model in
                                    row.values[model].map((measure.rowUnit ?? measure.measure.unit).text) ?? "–"
                                }
                        })
                }
            }
        }
    }

    /// The gaps to retraining of shares, with their intervals; nil without a retrained model.
    private var gaps: (any Plot)? {
        let measures = result.measures.filter { $0.measure.unit == .share && $0.gap != nil }
        guard !measures.isEmpty else { return nil }
        return BarChart(
            title: "Gap to retraining",
            summary: "Unlearned minus retrained for all measures that are shares, with 95 % confidence intervals where "
                + "available. At 0 the two are alike.",
            axis: Axis("unlearned minus retrained, percentage points"), groups: measures.map(\.measure.title),
            series: [
                BarChart.Series(
                    "gap", values: measures.map { $0.gap.map { 100 * $0.value } },
                    intervals: measures.map { measure in
                        guard let interval = measure.gap?.interval, interval.lower <= interval.upper else { return nil }
                        return 100 * interval.lower...100 * interval.upper
                    }, style: AuditedModel.unlearned.position)
            ])
    }

    private static func name(of kind: MeasureResult.RowKind?) -> String {
        switch kind {
        case .classes: "class"
        case .layers: "layer"
        case .images: "image"
        case .variants, nil: "variant"
        }
    }

    private static func addRow(_ result: MeasureResult, to markup: inout Markup) {
        let measure = result.measure
        func cell(_ column: String, _ text: String, _ small: String?, _ markup: inout Markup) {
            markup.add("td", ["data-label": column]) { markup in
                markup.add(text: text)
                if let small { markup.add("small", text: small) }
            }
        }
        markup.add("tr") { markup in
            markup.add("th", ["scope": "row"]) { markup in
                markup.add(text: measure.title)
                markup.add("small", text: measure.directionText)
            }
            markup.add("td", ["class": "text", "data-label": "verdict"]) { markup in
                markup.add(
                    "span", ["class": "mark \(result.verdict.rawValue)"],
                    text: "\(result.verdict.sign) \(result.verdict.title)")
            }
            cell("original", measure.text(result.original), measure.intervalText(result.original), &markup)
            cell("unlearned", measure.text(result.unlearned), measure.intervalText(result.unlearned), &markup)
            cell("retrained", measure.text(result.retrained), spread(result), &markup)
            cell(
                "gap", measure.gapText(result.gap),
                result.gap?.interval.map {
                    "\(measure.unit.differenceText($0.lower, isShort: true)) to "
                        + measure.unit.differenceText($0.upper, isShort: true)
                }, &markup)
            let blind =
                result.findsOriginal == false && result.verdict == .pass && !result.limits.isEmpty
                ? "The original is within these limits too, so a pass says little here" : nil
            let notes =
                (result.limits.map { limit in
                    limit.finding == .leak && MeasureIdentifier.distances.contains(measure.identifier)
                        ? limit.text(measure.unit).replacing("Leak if", with: "Leak or over-forgotten if")
                        : limit.text(measure.unit)
                } + [blind, result.note].compactMap(\.self))
                .map { $0.firstCapitalized.trimmingSuffix(".") + "." }
            markup.add(
                "td", ["class": "text notes", "data-label": "limits and notes"], text: notes.joined(separator: " "))
        }
    }

    /// The interval of one retrained model, or the spread of several.
    private static func spread(_ result: MeasureResult) -> String? {
        guard let retrained = result.retrained else { return nil }
        guard retrained.values.count > 1 else { return result.measure.intervalText(retrained.values.first) }
        let unit = result.measure.unit
        return "\(unit.text(retrained.lowest)) to \(unit.text(retrained.highest)), \(retrained.values.count) models"
    }
}

extension String {
    /// The text with a capital first letter.
    var firstCapitalized: String { prefix(1).uppercased() + dropFirst() }

    /// The text without an ending, if it has it.
    func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
