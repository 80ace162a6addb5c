/// Text in columns: the first to the left, the others, which are numbers, to the right.
struct TextTable {
    private var rows: [[String]] = []

    /// Adds a row; a missing cell is empty.
    mutating func add(_ cells: [String]) {
        rows.append(cells)
    }

    /// The rows, each ended by a line break.
    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = row.enumerated().map { column, cell in
                cell.padded(to: widths[column], onTheRight: column == 0)
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

extension String {
    /// The text with spaces up to a width, after it or before it.
    func padded(to width: Int, onTheRight: Bool = true) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return onTheRight ? self + spaces : spaces + self
    }
}
