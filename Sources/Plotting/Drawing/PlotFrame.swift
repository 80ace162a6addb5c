/// The two axes of a plot with their lines, ticks and labels.
struct PlotFrame {
    /// The horizontal axis, from left to right.
    let x: PlacedAxis
    /// The vertical axis, from bottom to top.
    let y: PlacedAxis

    private let xLabel: String
    private let yLabel: String
    private let area: (left: Double, top: Double, right: Double, bottom: Double)

    /// The height between the axes in pixels.
    static let areaHeight = 210.0
    /// The space below and above the area for labels, in pixels.
    static let margins = (top: 24.0, bottom: 40.0)

    /// Lays two axes out.
    /// - Parameter top: the distance of the frame from the top in pixels, below the legend.
    init(_ xAxis: Axis, _ xValues: [Double], _ yAxis: Axis, _ yValues: [Double], top: Double) {
        let bottom = top + Self.margins.top + Self.areaHeight
        y = yAxis.placed(over: yValues, from: bottom, to: top + Self.margins.top)
        let widest = y.tickTexts.map { textWidth($0, size: PlotStyle.fontSize) }.max() ?? 0
        let left = widest + 10
        // Half of the last tick's text is outside.
        x = xAxis.placed(over: xValues, from: left, to: PlotStyle.width - 22)
        area = (left, top + Self.margins.top, PlotStyle.width - 22, bottom)
        xLabel = xAxis.label
        yLabel = yAxis.label
    }

    /// The height of a plot with a legend and a frame.
    static func height(legend: Legend) -> Double { legend.height + margins.top + areaHeight + margins.bottom }

    /// Draws lines, ticks and labels, before any marks.
    func draw(into markup: inout Markup) {
        markup.label(
            fitted(yLabel, to: PlotStyle.width, size: PlotStyle.fontSize), x: 0, y: area.top - 10,
            style: "faint")
        for (tick, text) in zip(y.ticks, y.tickTexts) {
            let place = y.position(of: tick)
            markup.line("grid", from: (area.left, place), to: (area.right, place))
            markup.label(text, x: area.left - 6, y: place + 4.5, anchor: "end", style: "tick")
        }
        var lastEnd = -Double.infinity
        for (tick, text) in zip(x.ticks, x.tickTexts) {
            let place = x.position(of: tick)
            markup.line("axis", from: (place, area.bottom), to: (place, area.bottom + 4))
            // Texts that would run into each other are left out.
            let half = textWidth(text, size: PlotStyle.fontSize) / 2
            guard place - half > lastEnd + 6 else { continue }
            lastEnd = place + half
            markup.label(text, x: place, y: area.bottom + 17, anchor: "middle", style: "tick")
        }
        markup.line("axis", from: (area.left, area.bottom), to: (area.right, area.bottom))
        markup.label(
            fitted(xLabel, to: PlotStyle.width, size: PlotStyle.fontSize), x: area.right, y: area.bottom + 35,
            anchor: "end", style: "faint")
    }
}
