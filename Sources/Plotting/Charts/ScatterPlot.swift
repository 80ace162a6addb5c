/// A scatter plot, with a color and a marker for each series. Points that are not finite are left out.
package struct ScatterPlot: Plot {
    package var title: String
    package var summary: String
    /// What the horizontal places are.
    package var xAxis: Axis
    /// What the vertical places are.
    package var yAxis: Axis
    /// The series, the first drawn on top.
    package var series: [PointSeries]

    /// Creates a plot.
    package init(title: String, summary: String, xAxis: Axis, yAxis: Axis, series: [PointSeries]) {
        self.title = title
        self.summary = summary
        self.xAxis = xAxis
        self.yAxis = yAxis
        self.series = series
    }

    private var legend: Legend { Legend(series.count > 1 ? series.map(\.name) : [], sign: .marker) }

    package var height: Double { PlotFrame.height(legend: legend) }

    package func draw(into markup: inout Markup) {
        let points = series.map { series in
            zip(series.x, series.y).map { (x: $0, y: $1) }
                .filter { xAxis.shows($0.x) && yAxis.shows($0.y) }
        }
        let all = points.joined()
        guard !all.isEmpty else { return markup.noData(height: height) }
        let legend = legend
        legend.draw(into: &markup)
        let frame = PlotFrame(xAxis, all.map(\.x), yAxis, all.map(\.y), top: legend.height)
        frame.draw(into: &markup)
        for (position, points) in points.enumerated().reversed() where !points.isEmpty {
            let style = SeriesStyle(position: position)
            markup.add("g", ["class": "series \(style.color)", "opacity": "0.75"]) { markup in
                markup.markers(
                    style.marker,
                    at: points.map { (frame.x.position(of: $0.x), frame.y.position(of: $0.y)) }, radius: 2.2)
            }
        }
    }
}
