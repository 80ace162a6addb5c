/// The legend above a plot, in rows; names too long for a row are shortened.
package struct Legend {
    /// The sign before a name.
    package enum Sign {
        /// A line with the series' dashes and marker.
        case line
        /// The series' marker.
        case marker
        /// A small bar with the series' fill.
        case bar
    }

    /// The height of all rows in pixels; 0 without names.
    package let height: Double

    private let sign: Sign
    private let entries: [(name: String, x: Double, y: Double)]
    private let styles: [Int]

    private static let rowHeight = 20.0
    private static let signWidth = 28.0
    private static let gap = 14.0

    /// Lays names out.
    /// - Parameter styles: the positions that determine each series' color and sign; nil takes its own.
    package init(_ names: [String], sign: Sign, styles: [Int]? = nil) {
        self.sign = sign
        self.styles = styles ?? Array(names.indices)
        var entries: [(String, Double, Double)] = []
        var (x, row) = (0.0, 0.0)
        for name in names {
            let room = PlotStyle.width - Self.signWidth
            let shown = fitted(name, to: room, size: PlotStyle.fontSize)
            let width = Self.signWidth + textWidth(shown, size: PlotStyle.fontSize)
            if x > 0, x + width > PlotStyle.width { (x, row) = (0, row + 1) }
            entries.append((shown, x, row * Self.rowHeight))
            x += width + Self.gap
        }
        self.entries = entries
        height = names.isEmpty ? 0 : (row + 1) * Self.rowHeight + 4
    }

    package func draw(into markup: inout Markup) {
        for (position, entry) in entries.enumerated() {
            let style = SeriesStyle(position: styles[position])
            markup.add("g", ["class": "legend \(style.color)"]) { markup in
                let middle = entry.y + Self.rowHeight / 2
                switch sign {
                case .line:
                    markup.add(
                        "path",
                        [
                            "d": "M\(coordinate(entry.x)) \(coordinate(middle))h22", "stroke": "currentColor",
                            "stroke-width": "2", "stroke-dasharray": style.dashes, "fill": "none",
                        ])
                    markup.markers(style.marker, at: [(entry.x + 11, middle)])
                case .marker:
                    markup.markers(style.marker, at: [(entry.x + 14, middle)], radius: 4)
                case .bar:
                    markup.add(
                        "rect",
                        [
                            "x": coordinate(entry.x + 1), "y": coordinate(middle - 5), "width": "20",
                            "height": "10", "fill": "currentColor", "fill-opacity": style.filling,
                            "stroke": "currentColor",
                        ])
                }
                markup.label(entry.name, x: entry.x + Self.signWidth, y: middle + 4.5)
            }
        }
    }
}

/// Estimates the width of a text in a sans-serif font in pixels, on the wide side, so that nothing overlaps. Fonts
/// differ between readers, so this is not exact.
package func textWidth(_ text: String, size: Double) -> Double {
    size * text.unicodeScalars.reduce(0) { $0 + relativeWidth($1) }
}

/// Shortens a text to a width with an ellipsis.
func fitted(_ text: String, to width: Double, size: Double) -> String {
    guard textWidth(text, size: size) > width else { return text }
    var kept = text
    while !kept.isEmpty, textWidth(kept, size: size) + size > width { kept.removeLast() }
    return kept + "…"
}

private func relativeWidth(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", "I", "t", "f", "r", ".", ",", ":", ";", "'", "|", "!", "(", ")", "/", " ", "-": 0.36
    case "m", "w", "M", "W", "%", "@", "—", "…": 0.96
    case "A"..."Z": 0.72
    case "0"..."9": 0.6
    // East Asian characters are as wide as they are high.
    case "\u{1100}"..."\u{11FF}", "\u{2E80}"..."\u{FFEF}", "\u{1F300}"..."\u{1FAFF}": 1.05
    default: 0.6
    }
}
