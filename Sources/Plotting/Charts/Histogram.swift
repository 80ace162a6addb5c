/// How the values of several series are spread: the share of each series in equal bins, as outlines.
public struct Histogram: Plot {
    /// One outline.
    public struct Series: Sendable {
        /// Its name in the legend.
        public var name: String
        /// The values; those that are not finite are left out and not counted.
        public var values: [Double]

        /// Creates a series.
        public init(_ name: String, values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    public var title: String
    public var summary: String
    /// What is measured. Values outside of its range count in the first and the last bin.
    public var axis: Axis
    /// The outlines in the order of the legend.
    public var series: [Series]
    /// The number of bins, at least 1.
    public var binCount: Int

    /// Creates a histogram.
    public init(title: String, summary: String, axis: Axis, series: [Series], binCount: Int = 25) {
        self.title = title
        self.summary = summary
        self.axis = axis
        self.series = series
        self.binCount = max(1, binCount)
    }

    private var legend: Legend { Legend(series.count > 1 ? series.map(\.name) : [], sign: .line) }

    public var height: Double { PlotFrame.height(legend: legend) }

    /// The share of a series in each bin between two ends. An empty series has none.
    static func shares(of values: [Double], from lower: Double, to upper: Double, binCount: Int) -> [Double] {
        let finite = values.filter(\.isFinite)
        guard !finite.isEmpty, upper > lower else { return [] }
        var counts = [Int](repeating: 0, count: binCount)
        for value in finite {
            let share = (value / 2 - lower / 2) / (upper / 2 - lower / 2)
            counts[Int(min(max(share, 0), 1) * Double(binCount)).clamped(to: 0...binCount - 1)] += 1
        }
        return counts.map { Double($0) / Double(finite.count) }
    }

    public func draw(into markup: inout Markup) {
        let values = series.flatMap(\.values).filter(\.isFinite)
        guard !values.isEmpty else { return markup.noData(height: height) }
        var axis = axis
        axis.scale = .linear
        let ends = axis.placed(over: values, from: 0, to: 1)
        let outlines = series.map {
            Self.shares(of: $0.values, from: ends.lower, to: ends.upper, binCount: binCount)
        }
        let legend = legend
        legend.draw(into: &markup)
        let frame = PlotFrame(
            axis, values, Axis("share", style: .percent), outlines.flatMap { $0 } + [0], top: legend.height)
        frame.draw(into: &markup)
        let edges = (0...binCount).map { edge in
            frame.x.position(
                of: ends.lower + (ends.upper / 2 - ends.lower / 2) * (2 * Double(edge) / Double(binCount)))
        }
        for (position, shares) in outlines.enumerated() where !shares.isEmpty {
            let style = SeriesStyle(position: position)
            let ground = coordinate(frame.y.position(of: 0))
            var data = "M\(coordinate(edges[0])) \(ground)"
            for (bin, share) in shares.enumerated() {
                data += "V\(coordinate(frame.y.position(of: share)))H\(coordinate(edges[bin + 1]))"
            }
            data += "V\(ground)"
            markup.add("g", ["class": "series \(style.colour)"]) { markup in
                markup.add(
                    "path",
                    [
                        "class": "outline", "d": data, "fill": "currentColor", "fill-opacity": "0.1",
                        "stroke": "currentColor", "stroke-width": "1.8", "stroke-dasharray": style.dashes,
                    ])
                if let peak = shares.indices.max(by: { shares[$0] < shares[$1] }) {
                    let place = ((edges[peak] + edges[peak + 1]) / 2, frame.y.position(of: shares[peak]))
                    markup.markers(style.marker, at: [place])
                }
            }
        }
    }
}

extension Int {
    fileprivate func clamped(to range: ClosedRange<Int>) -> Int {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
