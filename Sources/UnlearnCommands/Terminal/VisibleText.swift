/// Text from files, folders and arguments, made safe for a terminal.
///
/// A terminal takes some characters for commands: escape sequences change colors, move the cursor or set the title, and others
/// reverse the order of the text after them.
extension String {
    /// The text with such characters written as `\u{1B}`.
    /// - Parameter keepingLines: whether line breaks stay, which text of several lines has and a name has not.
    package func visible(keepingLines: Bool = false) -> String {
        guard unicodeScalars.contains(where: { $0.actsOnTerminal }) else { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.actsOnTerminal, !(keepingLines && scalar == "\n") {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result.append(contentsOf: "\\u{\(digits.count < 2 ? "0" : "")\(digits)}".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// JSON with such characters in the escapes that JSON has for them. Its encoder leaves many as they are.
    package var visibleJSON: String {
        guard unicodeScalars.contains(where: { $0.actsOnTerminal && $0 != "\n" }) else { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.actsOnTerminal, scalar != "\n" {
                // All of them are in the plane of four digits.
                let digits = String(scalar.value, radix: 16)
                let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
                result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// The most columns that a name takes up in tables and lists.
    static let longestName = 40

    /// A name for a table or a list: visible, and cut with an ellipsis if it is long.
    package var asName: String { visible().shortened(to: Self.longestName) }

    /// The text, cut with an ellipsis where it is wider than a number of columns.
    package func shortened(to columns: Int) -> String {
        // A character is at most two columns wide, and most texts are short.
        guard utf8.count > columns, width > columns else { return self }
        var result = ""
        var width = 0
        for character in self {
            width += character.width
            if width > columns - 1 { break }
            result.append(character)
        }
        return result + "…"
    }

    /// How many columns a terminal needs for the text.
    package var width: Int { reduce(0) { $0 + $1.width } }
}

extension Unicode.Scalar {
    /// Whether a terminal takes the character for a command, or orders others by it.
    fileprivate var actsOnTerminal: Bool {
        if (0x20..<0x7f).contains(value) { return false }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: return true
        default: return properties.isBidiControl
        }
    }

    /// The blocks whose characters are two columns wide: East Asian scripts and pictures.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
        0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f,
        0x1f680...0x1f6ff, 0x1f900...0x1f9ff, 0x20000...0x3fffd,
    ]

    fileprivate var width: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return Self.wide.contains { $0.contains(value) } ? 2 : 1
        }
    }
}

extension Character {
    fileprivate var width: Int { unicodeScalars.reduce(0) { max($0, $1.width) } }
}
