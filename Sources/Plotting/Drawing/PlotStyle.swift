/// Colors and type of all plots as CSS. A page can override the custom properties.
///
/// The series have the colors of Okabe and Ito ("Color Universal Design", 2008), which people with any common color
/// blindness can distinguish, slightly lighter in dark mode. Markers, dashes and fills distinguish them as well.
package enum PlotStyle {
    /// The number of colors before they repeat.
    static let colorCount = 7

    /// The width of all plots in pixels, readable on a phone.
    static let width = 480.0
    /// The size of labels in pixels.
    package static let fontSize = 13.0
    /// The size of numbers next to marks in pixels.
    static let smallFontSize = 11.0

    /// The style sheet, included once in a page, or in each drawing of its own.
    package static let sheet = """
        :root{\(properties(light, heat: "#004a75", ink: "#1b1b1b", faint: "#5c5c5c", grid: "#d9d9d9", ground: "#ffffff"))}
        @media (prefers-color-scheme:dark){:root{\
        \(properties(dark, heat: "#56b4e9", ink: "#ececec", faint: "#a9a9a9", grid: "#3d3d3d", ground: "#16181b"))}}
        @media print{:root{\
        \(properties(light, heat: "#004a75", ink: "#000000", faint: "#444444", grid: "#cccccc", ground: "#ffffff"))}}
        .plot{width:100%;height:auto;display:block;font:\(Int(fontSize))px system-ui,-apple-system,"Segoe UI",Roboto,\
        "Helvetica Neue",Arial,sans-serif}
        .plot text{fill:var(--plot-ink)}
        .plot .small{font-size:\(Int(smallFontSize))px}
        .plot .faint{fill:var(--plot-faint)}
        .plot .inverse{fill:var(--plot-ground)}
        .plot .grid{stroke:var(--plot-grid);stroke-width:1;fill:none}
        .plot .axis{stroke:var(--plot-faint);stroke-width:1;fill:none}
        .plot .whisker{stroke:var(--plot-ink);stroke-width:1.2;fill:none}
        .plot .heat{color:var(--plot-heat)}
        .plot image{image-rendering:pixelated}

        """ + (0..<colorCount).map { ".plot .c\($0){color:var(--plot-\($0))}\n" }.joined()

    private static let light = [
        "#0072b2", "#d55e00", "#009e73", "#b8578f", "#b07a00", "#3a9bd6", "#6b6b6b",
    ]
    private static let dark = [
        "#56b4e9", "#ff8a3d", "#2fd0a0", "#e79ac4", "#f0b429", "#9ad1f5", "#b4b4b4",
    ]

    private static func properties(
        _ colors: [String], heat: String, ink: String, faint: String, grid: String, ground: String
    ) -> String {
        let series = colors.enumerated().map { "--plot-\($0.offset):\($0.element)" }
        return
            (series + [
                "--plot-heat:\(heat)", "--plot-ink:\(ink)", "--plot-faint:\(faint)", "--plot-grid:\(grid)",
                "--plot-ground:\(ground)",
            ]).joined(separator: ";")
    }
}
