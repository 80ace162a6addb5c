/// A table of numbers in which larger numbers have darker cells, with the numbers in the cells if they fit. Rows of
/// a confusion matrix are drawn this way.
package struct HeatMap: Plot {
    package var title: String
    package var summary: String
    /// The rows' names from top to bottom.
    package var rows: [String]
    /// The columns' names from left to right.
    package var columns: [String]
    /// A list of numbers for each row, one per column; nil for missing ones.
    package var values: [[Double?]]
    /// The format of the numbers.
    package var style: NumberStyle
    /// The numbers of the lightest and the darkest cell; nil takes them from the data.
    package var range: ClosedRange<Double>?

    /// Creates a map.
    package init(
        title: String, summary: String, rows: [String], columns: [String], values: [[Double?]],
        style: NumberStyle = .plain(), range: ClosedRange<Double>? = nil
    ) {
        self.title = title
        self.summary = summary
        self.rows = rows
        self.columns = columns
        self.values = values
        self.style = style
        self.range = range
    }

    private static let header = 24.0
    private static let footer = 30.0

    private var rowHeight: Double { rows.count <= 24 ? 24 : 12 }

    package var height: Double { Self.header + Double(max(3, rows.count)) * rowHeight + Self.footer }

    package func draw(into markup: inout Markup) {
        let finite = values.joined().compactMap(\.self).filter(\.isFinite)
        guard !rows.isEmpty, !columns.isEmpty, let lowest = finite.min(), let highest = finite.max() else {
            return markup.noData(height: height)
        }
        let range = range ?? lowest...highest
        let widest = rows.map { textWidth($0, size: PlotStyle.fontSize) }.max() ?? 0
        let left = min(widest, PlotStyle.width * 0.36) + 10
        let cell = (PlotStyle.width - left) / Double(columns.count)
        drawColumnNames(left: left, cell: cell, into: &markup)
        for (row, name) in rows.enumerated() {
            let top = Self.header + Double(row) * rowHeight
            let shown = fitted(name, to: left - 10, size: PlotStyle.fontSize)
            markup.label(
                shown, x: left - 8, y: top + rowHeight / 2 + 4.5, anchor: "end",
                style: rowHeight < 20 ? "small" : "group")
            for (column, columnName) in columns.enumerated() {
                let value =
                    values.indices.contains(row) && values[row].indices.contains(column)
                    ? values[row][column] : nil
                drawCell(
                    value, name: "\(name), \(columnName)", shade: Self.shade(value, range),
                    x: left + Double(column) * cell,
                    y: top, width: cell, into: &markup)
            }
        }
        drawScale(range, left: left, into: &markup)
    }

    /// The darkness of a number, from 0 to 1.
    package static func shade(_ value: Double?, _ range: ClosedRange<Double>) -> Double? {
        guard let value, value.isFinite else { return nil }
        let span = range.upperBound / 2 - range.lowerBound / 2
        guard span > 0 else { return 1 }
        return min(max((value / 2 - range.lowerBound / 2) / span, 0), 1)
    }

    private func drawColumnNames(left: Double, cell: Double, into markup: inout Markup) {
        let widest = columns.map { textWidth($0, size: PlotStyle.smallFontSize) }.max() ?? 0
        // Where not even a few letters fit, every few columns have a name.
        let room = max(cell, min(widest + 4, 40))
        let spacing = max(1, Int((room / cell).rounded(.up)))
        for column in stride(from: 0, to: columns.count, by: spacing) {
            markup.label(
                fitted(columns[column], to: cell * Double(spacing) - 2, size: PlotStyle.smallFontSize),
                x: left + (Double(column) + 0.5) * cell, y: Self.header - 8, anchor: "middle", style: "small")
        }
    }

    private func drawCell(
        _ value: Double?, name: String, shade: Double?, x: Double, y: Double, width: Double,
        into markup: inout Markup
    ) {
        let text = value.map(style.text) ?? "–"
        markup.add("g", ["class": "heat"]) { markup in
            markup.add(
                "rect",
                [
                    "class": "cell", "x": coordinate(x + 0.5), "y": coordinate(y + 0.5),
                    "width": coordinate(max(0.5, width - 1)), "height": coordinate(rowHeight - 1),
                    "fill": "currentColor", "fill-opacity": coordinate(0.04 + 0.96 * (shade ?? 0)),
                ]
            ) { $0.add("title", text: "\(name): \(text)") }
            guard rowHeight >= 20, textWidth(text, size: PlotStyle.smallFontSize) < width - 2 else { return }
            markup.label(
                text, x: x + width / 2, y: y + rowHeight / 2 + 4, anchor: "middle",
                style: (shade ?? 0) > 0.66 ? "small inverse" : "small")
        }
    }

    private func drawScale(_ range: ClosedRange<Double>, left: Double, into markup: inout Markup) {
        let top = height - Self.footer + 10
        let steps = 8
        let (low, high) = (style.text(range.lowerBound), style.text(range.upperBound))
        var x = left + textWidth(low, size: PlotStyle.smallFontSize) + 6
        markup.label(low, x: left, y: top + 10, style: "small faint")
        markup.add("g", ["class": "heat"]) { markup in
            for step in 0..<steps {
                let shade = Double(step) / Double(steps - 1)
                markup.add(
                    "rect",
                    [
                        "class": "scale", "x": coordinate(x), "y": coordinate(top), "width": "14",
                        "height": "11", "fill": "currentColor", "fill-opacity": coordinate(0.04 + 0.96 * shade),
                    ])
                x += 14
            }
        }
        markup.label(high, x: x + 6, y: top + 10, style: "small faint")
    }
}
