import Plotting
import TestSupport
import Testing

/// Whatever the data and texts are, the drawing is well-formed XML and stays in its frame, which reading it back checks.
@Suite("Unusual data and texts", .tags(.reports))
struct HostileDataTests {
    private static let texts = [
        "", "<script>alert('x')</script> & \"co\"", "\u{0}\u{1B}[31m\u{FFFF}", String(repeating: "W", count: 500),
        "T-shirt/top", "运动鞋 👟", "]]>", "</svg>",
    ]
    private static let lists: [[Double]] = [
        [], [.nan], [.infinity, -.infinity], [0], [1, 1, 1], [-1e308, 1e308], [1e-320, 1e-310], [1, .nan, 3],
        [-5, -4, -3], Array(repeating: 0.5, count: 5000),
    ]

    private func plots(_ text: String, _ values: [Double]) -> [any Plot] {
        let axes = [Axis(text), Axis(text, style: .percent, scale: .logarithmic)]
        var plots: [any Plot] = axes.flatMap { axis -> [any Plot] in
            [
                SeriesChart(
                    .lines, title: text, summary: text, xAxis: axis, yAxis: axis,
                    series: [.init(text, x: values, y: values), .init("b", y: values)]),
                SeriesChart(
                    .points, title: text, summary: text, xAxis: axis, yAxis: axis,
                    series: [.init(text, x: values, y: values), .init(text, x: [], y: values)]),
                BarChart(
                    title: text, summary: text, axis: axis, groups: values.prefix(50).map { _ in text },
                    series: [.init(text, values: values), .init(text, values: [nil] + values)]),
                Histogram(
                    title: text, summary: text, axis: axis,
                    groups: [(text, values), ("b", [])], binCount: 0),
            ]
        }
        plots.append(
            HeatMap(
                title: text, summary: text, rows: [text, "b"], columns: values.prefix(200).map { _ in text },
                values: [values, []]))
        plots.append(
            ImageGrid(
                title: text, summary: text, columns: [text], rows: [.init(text, images: [nil])]))
        return plots
    }

    @Test("texts", arguments: texts)
    func text(text: String) throws {
        for plot in plots(text, [1, 2, 3]) { try check(plot) }
    }

    @Test("numbers", arguments: lists)
    func numbers(values: [Double]) throws {
        for plot in plots("a", values) { try check(plot) }
    }

    private func check(_ plot: any Plot) throws {
        // XML has no control characters: the words lose them, and nothing else.
        let drawing = try ParsedDrawing(markup: plot.svg(identifier: "p"))
        let title = drawing.elements[1].text
        #expect(title.unicodeScalars.count == plot.title.unicodeScalars.count)
        #expect(!plot.svg(identifier: "p").contains("<script"))
        guard !plot.title.contains("\u{0}") else { return }
        _ = try ParsedDrawing(plot)
    }

    @Test("what has nothing to show says so")
    func empty() throws {
        for plot in plots("a", [.nan]) {
            let texts = try ParsedDrawing(plot).texts("empty")
            #expect(texts == ["no data"], "\(type(of: plot))")
        }
    }

    @Test("legends never run out of the drawing or into each other")
    func legends() throws {
        let names = (0..<40).map { String(repeating: "name ", count: 1 + $0 % 30) + "\($0)" }
        let legend = Legend(names, sign: .marker)
        var markup = Markup()
        markup.add("g") { legend.draw(into: &$0) }
        let texts = try ParsedDrawing(markup: markup.text).all("text")
        #expect(texts.count == names.count)
        var rows: [Double: Double] = [:]
        for text in texts {
            let (x, y) = (try text.number("x"), try text.number("y"))
            #expect(x >= rows[y] ?? 0)
            rows[y] = x + textWidth(text.text, size: PlotStyle.fontSize)
            #expect(rows[y] ?? 0 <= 480.01 && y <= legend.height)
        }
    }

    @Test(
        "numbers in words",
        arguments: [
            (0, "0"), (1, "1"), (-0.0, "0"), (0.12345, "0.123"), (12.345, "12.3"), (123.45, "123.5"),
            (12345.6, "12346"),
            (1.5e7, "1.5e7"), (-2e-5, "−2e-5"), (.nan, "–"), (.infinity, "–"), (99.96, "100"),
        ])
    func numberTexts(value: Double, text: String) {
        #expect(NumberStyle.plain().text(value) == text)
    }

    @Test(
        "percent in words",
        arguments: [
            (0, "0 %"), (1, "100 %"), (0.8812, "88.1 %"), (0.9996, "100 %"), (0.0004, "0.0 %"), (-0.05, "−5.0 %"),
        ])
    func percentTexts(value: Double, text: String) {
        #expect(NumberStyle.percent.text(value) == text)
    }
}
