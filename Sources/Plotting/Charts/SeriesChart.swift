/// A chart of series over two axes, as lines or as points. Undefined numbers leave gaps.
package struct SeriesChart: Plot {
    /// How a series is drawn.
    package enum Style: Sendable {
        /// As a line with markers.
        case lines
        /// As points; the first series is drawn on top.
        case points
    }

    /// How the series are drawn.
    package var style: Style
    package var title: String
    package var summary: String
    /// The horizontal axis.
    package var xAxis: Axis
    /// The vertical axis.
    package var yAxis: Axis
    /// The series in the order of the legend.
    package var series: [PointSeries]

    /// Creates a chart.
    package init(_ style: Style, title: String, summary: String, xAxis: Axis, yAxis: Axis, series: [PointSeries]) {
        self.style = style
        self.title = title
        self.summary = summary
        self.xAxis = xAxis
        self.yAxis = yAxis
        self.series = series
    }

    // One series needs no legend: the title names it.
    private var legend: Legend {
        Legend(series.count > 1 ? series.map(\.name) : [], sign: style == .lines ? .line : .marker)
    }

    package var height: Double { PlotFrame.height(legend: legend) }

    package func draw(into markup: inout Markup) {
        let points = series.map { zip($0.x, $0.y).map { (x: $0, y: $1) } }
        let shown = points.joined().filter { xAxis.shows($0.x) && yAxis.shows($0.y) }
        guard !shown.isEmpty else { return markup.noData(height: height) }
        let legend = legend
        legend.draw(into: &markup)
        let frame = PlotFrame(xAxis, shown.map(\.x), yAxis, shown.map(\.y), top: legend.height)
        frame.draw(into: &markup)
        switch style {
        case .lines:
            for (position, line) in points.enumerated() {
                let style = SeriesStyle(position: position)
                markup.add("g", ["class": "series \(style.color)"]) { markup in
                    draw(line, style, frame, into: &markup)
                }
            }
        case .points:
            for (position, points) in points.enumerated().reversed() {
                let shown = points.filter { xAxis.shows($0.x) && yAxis.shows($0.y) }
                guard !shown.isEmpty else { continue }
                let style = SeriesStyle(position: position)
                markup.add("g", ["class": "series \(style.color)", "opacity": "0.75"]) { markup in
                    markup.markers(
                        style.marker,
                        at: shown.map { (frame.x.position(of: $0.x), frame.y.position(of: $0.y)) }, radius: 2.2)
                }
            }
        }
    }

    private func draw(
        _ line: [(x: Double, y: Double)], _ style: SeriesStyle, _ frame: PlotFrame, into markup: inout Markup
    ) {
        var data = ""
        var places: [(x: Double, y: Double)] = []
        var isDown = false
        for point in line {
            guard xAxis.shows(point.x), yAxis.shows(point.y) else {
                isDown = false
                continue
            }
            let place = (x: frame.x.position(of: point.x), y: frame.y.position(of: point.y))
            data += "\(isDown ? "L" : "M")\(coordinate(place.x)) \(coordinate(place.y))"
            places.append(place)
            isDown = true
        }
        guard !places.isEmpty else { return }
        markup.add(
            "path",
            [
                "class": "line", "d": data, "fill": "none", "stroke": "currentColor", "stroke-width": "2",
                "stroke-linejoin": "round", "stroke-dasharray": style.dashes,
            ])
        // Many points would hide the line: a few markers then tell which one it is.
        let spacing = places.count <= 20 ? 1 : places.count / 8
        markup.markers(
            style.marker, at: stride(from: 0, to: places.count, by: spacing).map { places[$0] })
    }
}

/// Points with a name, drawn as a line or one by one.
package struct PointSeries: Sendable {
    /// The name in the legend.
    package var name: String
    /// The horizontal values.
    package var x: [Double]
    /// The vertical values.
    package var y: [Double]

    /// Creates a series; the longer list is cut.
    package init(_ name: String, x: [Double], y: [Double]) {
        self.name = name
        self.x = x
        self.y = y
    }

    /// Creates a series over 1, 2, 3 and so on.
    package init(_ name: String, y: [Double]) {
        self.init(name, x: y.indices.map { Double($0 + 1) }, y: y)
    }
}
