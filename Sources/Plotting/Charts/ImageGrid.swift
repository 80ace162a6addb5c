/// Small pictures in rows and columns, inside the drawing itself.
package struct ImageGrid: Plot {
    /// One row of pictures.
    package struct Row: Sendable {
        /// Its name on the left; may be empty.
        package var name: String
        /// The pictures from left to right; nil where there is none.
        package var images: [PixelImage?]
        /// A text under each picture; may be empty.
        package var captions: [String]

        /// Creates a row.
        package init(_ name: String, images: [PixelImage?], captions: [String] = []) {
            self.name = name
            self.images = images
            self.captions = captions
        }
    }

    package var title: String
    package var summary: String
    /// The columns' names; may be empty.
    package var columns: [String]
    /// The rows from top to bottom.
    package var rows: [Row]

    /// Creates a grid.
    package init(title: String, summary: String, columns: [String] = [], rows: [Row]) {
        self.title = title
        self.summary = summary
        self.columns = columns
        self.rows = rows
    }

    private static let largestCell = 88.0

    private var header: Double { columns.isEmpty ? 2 : 22 }
    private var columnCount: Int { max(columns.count, rows.map(\.images.count).max() ?? 0) }

    private var left: Double {
        let widest = rows.map { textWidth($0.name, size: PlotStyle.fontSize) }.max() ?? 0
        return widest > 0 ? min(widest, PlotStyle.width * 0.3) + 10 : 0
    }

    private var cell: Double {
        min(Self.largestCell, (PlotStyle.width - left) / Double(max(1, columnCount)))
    }

    private var rowHeight: Double { cell + (rows.contains { !$0.captions.isEmpty } ? 16 : 0) }

    package var height: Double { header + max(60, Double(rows.count) * rowHeight) + 2 }

    package func draw(into markup: inout Markup) {
        guard rows.contains(where: { $0.images.contains { $0 != nil } }) else {
            return markup.noData(height: height)
        }
        for (column, name) in columns.enumerated() {
            markup.label(
                fitted(name, to: cell - 2, size: PlotStyle.smallFontSize),
                x: left + (Double(column) + 0.5) * cell, y: header - 7, anchor: "middle", style: "small")
        }
        for (row, content) in rows.enumerated() {
            let top = header + Double(row) * rowHeight
            if !content.name.isEmpty {
                markup.label(
                    fitted(content.name, to: left - 10, size: PlotStyle.fontSize), x: left - 8,
                    y: top + cell / 2 + 4.5, anchor: "end", style: "group")
            }
            for (column, image) in content.images.enumerated() {
                guard let image else { continue }
                markup.add(
                    "image",
                    [
                        "x": coordinate(left + Double(column) * cell + 1.5), "y": coordinate(top + 1.5),
                        "width": coordinate(cell - 3), "height": coordinate(cell - 3),
                        "href": image.dataURI,
                    ])
            }
            for (column, caption) in content.captions.prefix(columnCount).enumerated() {
                markup.label(
                    fitted(caption, to: cell - 2, size: PlotStyle.smallFontSize),
                    x: left + (Double(column) + 0.5) * cell, y: top + cell + 10, anchor: "middle",
                    style: "small faint")
            }
        }
    }
}
