/// Values of several series by group, as horizontal bars from zero, with intervals and numbers. The groups' names are
/// on the left, so that long ones stay readable.
package struct BarChart: Plot {
    /// One bar in every group.
    package struct Series: Sendable {
        /// Its name in the legend.
        package var name: String
        /// A value for each group; nil where there is none.
        package var values: [Double?]
        /// A range for each group, such as a confidence interval; nil where there is none. May be empty.
        package var intervals: [ClosedRange<Double>?]
        /// The position whose color and filling it has, so that it looks the same in charts that lack others; nil takes
        /// its own.
        package var style: Int?

        /// Creates a series.
        package init(
            _ name: String, values: [Double?], intervals: [ClosedRange<Double>?] = [], style: Int? = nil
        ) {
            self.name = name
            self.values = values
            self.intervals = intervals
            self.style = style
        }
    }

    package var title: String
    package var summary: String
    /// What the bars measure; the range always has zero in it.
    package var axis: Axis
    /// The groups' names from top to bottom.
    package var groups: [String]
    /// The bars of each group from top to bottom.
    package var series: [Series]

    /// Creates a chart.
    package init(title: String, summary: String, axis: Axis, groups: [String], series: [Series]) {
        self.title = title
        self.summary = summary
        self.axis = axis
        self.groups = groups
        self.series = series
    }

    private static let barHeight = 13.0
    private static let groupGap = 9.0
    private static let bottomMargin = 40.0

    private var styles: [Int] { series.enumerated().map { max(0, $1.style ?? $0) } }
    private var legend: Legend {
        series.count > 1
            ? Legend(series.map(\.name), sign: .bar, styles: styles) : Legend([], sign: .bar)
    }
    private var groupHeight: Double { Double(max(1, series.count)) * Self.barHeight + Self.groupGap }

    package var height: Double {
        legend.height + Double(max(3, groups.count)) * groupHeight + Self.bottomMargin
    }

    private var axisWithZero: Axis {
        let range = axis.range.map { min(0, $0.lowerBound)...max(0, $0.upperBound) }
        return Axis(axis.label, style: axis.style, range: range)
    }

    package func draw(into markup: inout Markup) {
        let values = series.flatMap { $0.values.prefix(groups.count).compactMap(\.self) }.filter(\.isFinite)
        guard !values.isEmpty else { return markup.noData(height: height) }
        let ends = series.flatMap { $0.intervals.compactMap(\.self) }
            .flatMap { [$0.lowerBound, $0.upperBound] }.filter(\.isFinite)
        let legend = legend
        legend.draw(into: &markup)

        let widest = groups.map { textWidth($0, size: PlotStyle.fontSize) }.max() ?? 0
        let left = min(widest, PlotStyle.width * 0.45) + 10
        let numbers = values.map { textWidth(axis.style.text($0), size: PlotStyle.smallFontSize) }.max() ?? 0
        let right = PlotStyle.width - max(22, numbers + 8)
        let placed = axisWithZero.placed(over: values + ends + [0], from: left, to: right)
        let bottom = legend.height + Double(max(3, groups.count)) * groupHeight
        drawAxis(placed, top: legend.height, bottom: bottom, right: right, into: &markup)
        for (row, group) in groups.enumerated() {
            let top = legend.height + Double(row) * groupHeight + Self.groupGap / 2
            let name = fitted(group, to: left - 10, size: PlotStyle.fontSize)
            let middle = top + Double(series.count) * Self.barHeight / 2
            markup.label(name, x: left - 8, y: middle + 4.5, anchor: "end", style: "group")
            for (position, series) in series.enumerated() {
                drawBar(
                    series, group: row, SeriesStyle(position: styles[position]), placed,
                    top: top + Double(position) * Self.barHeight, into: &markup)
            }
        }
        let zero = placed.position(of: 0)
        markup.line("axis", from: (zero, legend.height), to: (zero, bottom))
    }

    private func drawAxis(
        _ placed: PlacedAxis, top: Double, bottom: Double, right: Double, into markup: inout Markup
    ) {
        var lastEnd = -Double.infinity
        for (tick, text) in zip(placed.ticks, placed.tickTexts) {
            let place = placed.position(of: tick)
            markup.line("grid", from: (place, top), to: (place, bottom))
            let half = textWidth(text, size: PlotStyle.fontSize) / 2
            guard place - half > lastEnd + 6 else { continue }
            lastEnd = place + half
            markup.label(text, x: place, y: bottom + 16, anchor: "middle", style: "tick")
        }
        markup.label(
            fitted(axis.label, to: PlotStyle.width, size: PlotStyle.fontSize), x: PlotStyle.width - 4,
            y: bottom + 34, anchor: "end", style: "faint")
    }

    private func drawBar(
        _ series: Series, group: Int, _ style: SeriesStyle, _ placed: PlacedAxis, top: Double,
        into markup: inout Markup
    ) {
        let zero = placed.position(of: 0)
        let middle = top + Self.barHeight / 2
        let value = series.values.indices.contains(group) ? series.values[group] : nil
        guard let value, value.isFinite else {
            markup.label("–", x: zero + 4, y: middle + 4, style: "small faint missing")
            return
        }
        let end = placed.position(of: value)
        var labelStart = max(zero, end)
        markup.add("g", ["class": "series \(style.color)"]) { markup in
            markup.add(
                "rect",
                [
                    "class": "bar", "x": coordinate(min(zero, end)), "y": coordinate(top + 1.5),
                    "width": coordinate(abs(end - zero)), "height": coordinate(Self.barHeight - 3),
                    "fill": "currentColor", "fill-opacity": style.filling, "stroke": "currentColor",
                ]
            ) { markup in
                markup.add("title", text: "\(groups[group]), \(series.name): \(axis.style.text(value))")
            }
            let interval = series.intervals.indices.contains(group) ? series.intervals[group] : nil
            if let interval, interval.lowerBound.isFinite, interval.upperBound.isFinite {
                let (low, high) = (
                    placed.position(of: interval.lowerBound), placed.position(of: interval.upperBound)
                )
                labelStart = max(labelStart, high)
                let (l, h, m) = (coordinate(low), coordinate(high), coordinate(middle))
                markup.add(
                    "path", ["class": "whisker", "d": "M\(l) \(m)H\(h)M\(l) \(m)m0-3v6M\(h) \(m)m0-3v6"])
            }
        }
        markup.label(axis.style.text(value), x: labelStart + 4, y: middle + 4, style: "small")
    }
}
