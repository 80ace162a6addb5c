/// The shapes, dashes and fills that distinguish series in addition to color.
enum Marker: Int, CaseIterable {
    case circle, square, triangle, cross, diamond, plus

    /// The marker of a series by its position.
    static func ofSeries(_ position: Int) -> Marker { allCases[position % allCases.count] }

    /// The shape around a point, as path data.
    func path(x: Double, y: Double, radius: Double = 3) -> String {
        let start = "M\(coordinate(x)) \(coordinate(y))"
        let (r, d) = (coordinate(radius), coordinate(2 * radius))
        return switch self {
        case .circle: "\(start)m-\(r) 0a\(r) \(r) 0 1 0 \(d) 0a\(r) \(r) 0 1 0-\(d) 0z"
        case .square: "\(start)m-\(r)-\(r)h\(d)v\(d)h-\(d)z"
        case .triangle: "\(start)m0-\(r)l\(r) \(d)h-\(d)z"
        case .cross: "\(start)m-\(r)-\(r)l\(d) \(d)m0-\(d)l-\(d) \(d)"
        case .diamond: "\(start)m0-\(r)l\(r) \(r)l-\(r) \(r)l-\(r)-\(r)z"
        case .plus: "\(start)m0-\(r)v\(d)m-\(r)-\(r)h\(d)"
        }
    }

    /// Whether the shape is filled.
    var isFilled: Bool { self != .cross && self != .plus }
}

/// The color, dashes, marker and fill of a series, by its position.
struct SeriesStyle {
    let position: Int

    private static let dashes = ["none", "7 3", "2 3", "9 3 2 3", "5 2"]

    /// The CSS class of the color.
    var color: String { "c\(position % PlotStyle.colorCount)" }

    /// The line's dashes in SVG's notation.
    var dashes: String { Self.dashes[position % Self.dashes.count] }

    /// The marker.
    var marker: Marker { .ofSeries(position) }

    /// The opacity of a bar's fill: full, half, outline only.
    var filling: String { ["1", "0.45", "0"][position % 3] }
}

extension Markup {
    /// Draws markers at points in one path.
    mutating func markers(_ marker: Marker, at places: [(x: Double, y: Double)], radius: Double = 3) {
        guard !places.isEmpty else { return }
        let data = places.map { marker.path(x: $0.x, y: $0.y, radius: radius) }.joined()
        add(
            "path",
            [
                "class": "marks", "d": data, "fill": marker.isFilled ? "currentColor" : "none",
                "stroke": marker.isFilled ? "none" : "currentColor", "stroke-width": "1.5",
            ])
    }
}
