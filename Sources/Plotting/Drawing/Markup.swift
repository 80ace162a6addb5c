/// The text of an SVG or HTML document, grown element by element. Texts and attributes are escaped, so that what comes
/// from outside stays text. The result is well-formed XML.
package struct Markup: Sendable {
    /// Names and values in the order that they are written in.
    package typealias Attributes = KeyValuePairs<String, String>

    /// What was written so far.
    package private(set) var text = ""

    /// Creates an empty text.
    package init() {}

    /// Writes an element without content, such as `circle` or `meta`.
    package mutating func add(_ name: String, _ attributes: Attributes = [:]) {
        open(name, attributes, end: "/>")
    }

    /// Writes an element whose content is a text.
    package mutating func add(_ name: String, _ attributes: Attributes = [:], text content: String) {
        open(name, attributes, end: ">")
        add(text: content)
        text += "</\(name)>"
    }

    /// Writes an element whose content is made by a function.
    package mutating func add(
        _ name: String, _ attributes: Attributes = [:], _ content: (inout Markup) throws -> Void
    ) rethrows {
        open(name, attributes, end: ">")
        try content(&self)
        text += "</\(name)>"
    }

    /// Writes text between elements.
    package mutating func add(text content: String) {
        text += Self.escaped(content)
    }

    /// Writes what is markup already.
    package mutating func add(markup: String) {
        text += markup
    }

    /// A text as it may stand between tags or in quotes: the five special characters as entities, and characters that
    /// XML does not allow replaced.
    package static func escaped(_ content: String) -> String {
        var result = ""
        result.reserveCapacity(content.utf8.count)
        for scalar in content.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            default:
                let isForbidden =
                    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    || scalar.value & 0xFFFE == 0xFFFE
                result.unicodeScalars.append(isForbidden ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }

    private mutating func open(_ name: String, _ attributes: Attributes, end: String) {
        text += "<\(name)"
        for (key, value) in attributes { text += " \(key)=\"\(Self.escaped(value))\"" }
        text += end
    }
}
