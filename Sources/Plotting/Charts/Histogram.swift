/// How values of several groups are spread: the share of each group in bins, as outlines.
package struct Histogram: Plot {
    /// One outline.
    package struct Series: Sendable {
        /// Its name in the legend.
        package var name: String
        /// The share of its values in each bin, 0 to 1; empty where there are none.
        package var shares: [Double]

        /// Creates a series.
        package init(_ name: String, shares: [Double]) {
            self.name = name
            self.shares = shares
        }
    }

    package var title: String
    package var summary: String
    /// What is measured.
    package var axis: Axis
    /// Borders of the bins, one more than bins, in rising order.
    package var edges: [Double]
    /// The outlines in the order of the legend.
    package var series: [Series]
    /// The upper end of the shares' axis, so that several histograms can be compared; nil takes it from the data.
    package var largestShare: Double?

    /// Creates a histogram of shares that are known.
    package init(title: String, summary: String, axis: Axis, edges: [Double], series: [Series]) {
        self.title = title
        self.summary = summary
        self.axis = axis
        self.edges = edges
        self.series = series
    }

    /// Creates a histogram of values, in equal bins over all of them or over the axis' range.
    /// - Parameters:
    ///   - groups: names and values. Values that are not finite do not count; those outside of the range count in the
    ///     first and the last bin.
    ///   - binCount: at least 1.
    package init(
        title: String, summary: String, axis: Axis, groups: [(name: String, values: [Double])], binCount: Int = 25
    ) {
        let count = max(1, binCount)
        let values = groups.flatMap(\.values).filter(\.isFinite)
        let ends = Axis("", range: axis.range).placed(over: values, from: 0, to: 1)
        self.init(
            title: title, summary: summary, axis: axis,
            edges: values.isEmpty
                ? []
                : (0...count).map { edge in
                    let share = Double(edge) / Double(count)
                    return ends.lower * (1 - share) + ends.upper * share
                },
            series: groups.map { group in
                Series(group.name, shares: Self.shares(of: group.values, ends.lower, ends.upper, binCount: count))
            })
    }

    private var legend: Legend { Legend(series.count > 1 ? series.map(\.name) : [], sign: .line) }

    package var height: Double { PlotFrame.height(legend: legend) }

    private static func shares(of values: [Double], _ lower: Double, _ upper: Double, binCount: Int) -> [Double] {
        let finite = values.filter(\.isFinite)
        guard !finite.isEmpty, upper > lower else { return [] }
        var counts = [Int](repeating: 0, count: binCount)
        for value in finite {
            // Halved, so that a range of nearly all numbers does not overflow.
            let place = (value / 2 - lower / 2) / (upper / 2 - lower / 2)
            counts[min(Int(min(max(place, 0), 1) * Double(binCount)), binCount - 1)] += 1
        }
        return counts.map { Double($0) / Double(finite.count) }
    }

    package func draw(into markup: inout Markup) {
        let outlines = series.map { series in series.shares.count == edges.count - 1 ? series.shares : [] }
        let shares = outlines.flatMap { $0 }.filter(\.isFinite)
        guard !shares.isEmpty, zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 && $1 - $0 < .infinity }) else {
            return markup.noData(height: height)
        }
        let legend = legend
        legend.draw(into: &markup)
        // Rounding up to a tick would go beyond all of them.
        let top = Axis("").placed(over: [0, largestShare ?? shares.max() ?? 1], from: 0, to: 1).upper
        let ends = edges[0]...max(edges[0], edges[edges.count - 1])
        let frame = PlotFrame(
            Axis(axis.label, style: axis.style, range: axis.range ?? ends), edges,
            Axis("share", style: .percent, range: 0...min(top, 1)), shares, top: legend.height)
        frame.draw(into: &markup)
        let places = edges.map(frame.x.position)
        for (position, shares) in outlines.enumerated() where !shares.isEmpty {
            markup.add("g", ["class": "series \(SeriesStyle(position: position).color)"]) { markup in
                draw(shares, SeriesStyle(position: position), places, frame, into: &markup)
            }
        }
    }

    private func draw(
        _ shares: [Double], _ style: SeriesStyle, _ places: [Double], _ frame: PlotFrame,
        into markup: inout Markup
    ) {
        let ground = coordinate(frame.y.position(of: 0))
        var data = "M\(coordinate(places[0])) \(ground)"
        for (bin, share) in shares.enumerated() {
            let height = frame.y.position(of: share.isFinite ? share : 0)
            data += "V\(coordinate(height))H\(coordinate(places[bin + 1]))"
        }
        data += "V\(ground)"
        markup.add(
            "path",
            [
                "class": "outline", "d": data, "fill": "currentColor", "fill-opacity": "0.1",
                "stroke": "currentColor", "stroke-width": "1.8", "stroke-dasharray": style.dashes,
            ])
        guard let peak = shares.indices.max(by: { shares[$0] < shares[$1] }) else { return }
        markup.markers(
            style.marker,
            at: [((places[peak] + places[peak + 1]) / 2, frame.y.position(of: shares[peak]))])
    }
}
