/// A drawing as SVG, with its title and its content in words for those who do not see it.
package protocol Plot: Sendable {
    /// What the drawing is about, in a few words.
    var title: String { get }
    /// What it shows, in a sentence or two.
    var summary: String { get }
    /// The height in pixels at a width of 480.
    var height: Double { get }
    /// Draws the content. There is always something: where data are missing, words that say so.
    func draw(into markup: inout Markup)
}

extension Plot {
    /// The drawing as an `svg` element.
    /// - Parameters:
    ///   - identifier: a name for the parts, of letters, digits and hyphens; used once in a page.
    ///   - embedsStyle: whether the style sheet is inside, for a drawing that stands alone. A page has ``PlotStyle/sheet``
    ///     once instead.
    package func svg(identifier: String, embedsStyle: Bool = true) -> String {
        var markup = Markup()
        markup.add(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "plot", "role": "img",
                "viewBox": "0 0 \(coordinate(PlotStyle.width)) \(coordinate(height))",
                "aria-labelledby": "\(identifier)-title \(identifier)-description",
            ]
        ) { markup in
            markup.add("title", ["id": "\(identifier)-title"], text: title)
            markup.add("desc", ["id": "\(identifier)-description"], text: summary)
            if embedsStyle { markup.add("style", text: PlotStyle.sheet) }
            draw(into: &markup)
        }
        return markup.text
    }
}

extension Markup {
    /// Writes a text at a place.
    mutating func label(
        _ content: String, x: Double, y: Double, anchor: String = "start", style: String? = nil
    ) {
        if let style {
            add(
                "text", ["x": coordinate(x), "y": coordinate(y), "text-anchor": anchor, "class": style],
                text: content)
        } else {
            add("text", ["x": coordinate(x), "y": coordinate(y), "text-anchor": anchor], text: content)
        }
    }

    /// Writes a straight line.
    mutating func line(_ style: String, from start: (x: Double, y: Double), to end: (x: Double, y: Double)) {
        add(
            "path",
            [
                "class": style,
                "d": "M\(coordinate(start.x)) \(coordinate(start.y))L\(coordinate(end.x)) \(coordinate(end.y))",
            ])
    }

    /// Says in the middle of a plot that there is nothing to draw.
    mutating func noData(height: Double) {
        label("no data", x: PlotStyle.width / 2, y: height / 2, anchor: "middle", style: "faint empty")
    }
}
