import Foundation
import Plotting
import TestSupport
import Testing

@Suite("Charts", .tags(.reports))
struct ChartTests {
    private func lineChart(_ y: [Double], x: [Double]? = nil, yAxis: Axis = Axis("loss")) -> SeriesChart {
        let series = x.map { PointSeries("a", x: $0, y: y) } ?? PointSeries("a", y: y)
        return SeriesChart(
            .lines, title: "Loss", summary: "Falls.", xAxis: Axis("steps"), yAxis: yAxis, series: [series])
    }

    private func places(_ chart: SeriesChart) throws -> [(x: Double, y: Double)] {
        let path = try #require(try ParsedDrawing(chart).all("path", class: "line").first?.attributes["d"])
        return ParsedDrawing.places(path)
    }

    @Test("a line's places are linear in its values")
    func linear() throws {
        let places = try places(lineChart([0, 10, 5, 2.5]))
        #expect(places.count == 4)
        let perUnit = (places[0].y - places[1].y) / 10
        #expect(perUnit > 0)
        #expect(abs(places[0].y - places[2].y - 5 * perUnit) < 0.02)
        #expect(abs(places[0].y - places[3].y - 2.5 * perUnit) < 0.02)
        #expect(abs(places[1].x - places[0].x - (places[3].x - places[2].x)) < 0.02)
    }

    @Test("a logarithmic axis makes equal factors equally long and leaves out what has no place")
    func logarithmic() throws {
        let axis = Axis("loss", scale: .logarithmic)
        let places = try places(lineChart([1, 10, 0, 100, -3, 1000], yAxis: axis))
        #expect(places.count == 4)
        let lengths = zip(places, places.dropFirst()).map { $0.y - $1.y }
        #expect(lengths.allSatisfy { abs($0 - lengths[0]) < 0.02 && $0 > 0 })
    }

    @Test("undefined numbers leave gaps")
    func gaps() throws {
        let drawing = try ParsedDrawing(lineChart([1, 2, .nan, 4, .infinity, 3]))
        let path = try #require(drawing.all("path", class: "line").first?.attributes["d"])
        #expect(path.filter { $0 == "M" }.count == 3)
        #expect(ParsedDrawing.places(path).count == 4)
    }

    @Test(
        "ticks are round, rising and inside",
        arguments: [
            [0.0, 1], [0, 0.3], [-3, 17], [0.9999, 1], [1e-9, 3e-9], [-1e300, 1e300], [5, 5], [0, 0], [1e16, 1e16 + 2],
            [-.greatestFiniteMagnitude, .greatestFiniteMagnitude], [.leastNonzeroMagnitude, .leastNonzeroMagnitude],
        ])
    func ticks(values: [Double]) throws {
        let axis = Axis("x").placed(over: values, from: 0, to: 100)
        #expect((2...12).contains(axis.ticks.count))
        #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(axis.tickTexts).count == axis.ticks.count, "\(axis.tickTexts)")
        #expect(axis.ticks.allSatisfy { (-0.01...100.01).contains(axis.position(of: $0)) })
        _ = try ParsedDrawing(lineChart(values))
    }

    @Test("a fixed range stays as it is")
    func fixedRange() {
        let axis = Axis("share", style: .percent, range: 0...1).placed(over: [0.2, 0.3], from: 0, to: 100)
        #expect(axis.tickTexts == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
        #expect(axis.position(of: 0.25) == 25)
        #expect(axis.position(of: 7) == 100)
    }

    @Test("one point has a marker")
    func onePoint() throws {
        #expect(try ParsedDrawing(lineChart([3])).all("path", class: "marks").count == 1)
    }

    @Test("bars start at zero and are as long as their values")
    func bars() throws {
        let chart = BarChart(
            title: "Accuracy", summary: "By class.", axis: Axis("accuracy"), groups: ["a", "b"],
            series: [
                .init("before", values: [8, -4], intervals: [6...10, nil]), .init("after", values: [2, nil]),
            ])
        let drawing = try ParsedDrawing(chart)
        let bars = drawing.all("rect", class: "bar")
        let widths = try bars.map { try $0.number("width") }
        #expect(bars.count == 3)
        #expect(abs(widths[0] - 4 * widths[1]) < 0.1 && abs(widths[0] - 2 * widths[2]) < 0.1)
        let zero = try bars[0].number("x")
        #expect(abs(try bars[2].number("x") + widths[2] - zero) < 0.02)
        #expect(drawing.all("path", class: "whisker").count == 1)
        #expect(drawing.texts("missing") == ["–"])
        #expect(drawing.texts("group") == ["a", "b"])
        #expect(drawing.all("title").dropFirst().map(\.text) == ["a, before: 8", "a, after: 2", "b, before: −4"])
    }

    @Test("a histogram's shares are of what is finite")
    func histogram() throws {
        func histogram(_ values: [Double], range: ClosedRange<Double>? = nil) -> Histogram {
            Histogram(
                title: "Scores", summary: "Spread.", axis: Axis("score", range: range),
                groups: [("members", values), ("others", [])], binCount: 2)
        }
        let spread = histogram([0, 0.1, 0.6, 1, .nan, -5, 7], range: 0...1)
        #expect(spread.edges == [0, 0.5, 1])
        #expect(spread.series.map(\.shares) == [[0.5, 0.5], []])
        #expect(histogram([.nan]).edges.isEmpty)
        let drawing = try ParsedDrawing(histogram([1, 2, 3]))
        #expect(drawing.all("path", class: "outline").count == 1)
    }

    @Test("every point of a scatter plot has a mark, and series have marks of their own")
    func scatter() throws {
        let drawing = try ParsedDrawing(
            SeriesChart(
                .points, title: "Features", summary: "Apart.", xAxis: Axis("1st"), yAxis: Axis("2nd"),
                series: [
                    .init("a", x: [1, 2, 3], y: [1, 2, .nan]), .init("b", x: [1], y: [5]),
                    .init("c", x: [], y: []),
                ]))
        let marks = drawing.all("path", class: "marks").suffix(2).compactMap { $0.attributes["d"] }
        #expect(marks.map { $0.filter { $0 == "M" }.count } == [1, 2])
        #expect(marks[1].contains("a2.2") && marks[0].contains("h4.4v4.4h-4.4z"))
    }

    @Test("a heat map's shades follow its numbers")
    func heatMap() throws {
        #expect(HeatMap.shade(3, 2...4) == 0.5)
        #expect(HeatMap.shade(9, 2...4) == 1)
        #expect(HeatMap.shade(.nan, 2...4) == nil)
        let drawing = try ParsedDrawing(
            HeatMap(
                title: "Confusion", summary: "Rows.", rows: ["a", "b"], columns: ["c", "d", "e"],
                values: [[0, 0.5, 1], [nil, .nan]], style: .percent))
        let cells = drawing.all("rect", class: "cell")
        #expect(cells.count == 6)
        let shades = try cells.map { try $0.number("fill-opacity") }
        #expect(shades[0] < shades[1] && shades[1] < shades[2])
        #expect(drawing.texts("inverse") == ["100 %"])
    }

    @Test("pictures are inside the drawing")
    func imageGrid() throws {
        let image = try #require(PixelImage(width: 1, height: 1, bytes: [7]))
        let grid = ImageGrid(
            title: "Noise", summary: "Pictures.", columns: ["1", "2"],
            rows: [.init("class <0>", images: [image, nil]), .init("class 1", images: [image, image])])
        let images = try ParsedDrawing(grid).all("image")
        #expect(images.count == 3)
        #expect(images.allSatisfy { $0.attributes["href"]?.hasPrefix("data:image/png;base64,iVBOR") ?? false })
    }
}
