/// Text in columns: the first aligned left, the others, which are numbers unless said otherwise, aligned right.
///
/// Characters that would act on the terminal are written out.
package struct TextTable {
    private var rows: [[String]] = []
    private let alignsAllLeft: Bool

    /// Creates an empty table.
    /// - Parameter alignsAllLeft: whether all columns are words.
    package init(alignsAllLeft: Bool = false) {
        self.alignsAllLeft = alignsAllLeft
    }

    /// One cell alone must not make every row as long as itself.
    private static let widestCell = 200

    /// Adds a row; a missing cell is empty.
    package mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.visible().shortened(to: Self.widestCell) })
    }

    /// The rows, each ended by a line break.
    package var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].width : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = row.enumerated().map { column, cell in
                cell.padded(to: widths[column], onTheRight: column == 0 || alignsAllLeft)
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

extension String {
    /// The text with spaces up to a number of columns, after it or before it.
    func padded(to columns: Int, onTheRight: Bool = true) -> String {
        let spaces = String(repeating: " ", count: max(0, columns - width))
        return onTheRight ? self + spaces : spaces + self
    }
}
