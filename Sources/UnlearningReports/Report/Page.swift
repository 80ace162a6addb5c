import Foundation
import Plotting

/// A report's body as it grows: sections with headings, tables, figures.
struct Page {
    private(set) var body = Markup()
    /// The sections so far, for the list of contents.
    private(set) var contents: [(identifier: String, title: String)] = []
    private var figureCount = 0

    /// Writes a section with a heading and an introduction.
    mutating func section(
        _ identifier: String, _ title: String, _ lead: String, _ content: (inout Page) -> Void
    ) {
        contents.append((identifier, title))
        body.add(markup: "<section id=\"\(identifier)\" aria-labelledby=\"\(identifier)-heading\">\n")
        body.add("h2", ["id": "\(identifier)-heading"], text: title)
        paragraph(lead)
        content(&self)
        body.add(markup: "</section>\n")
    }

    /// Writes an empty section with the reason.
    mutating func absent(_ identifier: String, _ title: String, _ reason: String) {
        section(identifier, title, reason) { _ in }
    }

    mutating func heading(_ text: String) {
        body.add("h3", text: text)
    }

    mutating func paragraph(_ text: String) {
        body.add("p", text: text.keepingUnits)
        body.add(markup: "\n")
    }

    mutating func list(_ items: [String]) {
        body.add("ul") { markup in
            for item in items { markup.add("li", text: item) }
        }
    }

    /// Writes elements directly.
    mutating func write(_ content: (inout Markup) -> Void) {
        content(&body)
    }

    /// Writes drawings side by side where there is room.
    mutating func figures(_ plots: [any Plot]) {
        body.add(markup: "<div class=\"figures\">\n")
        for plot in plots { figure(plot) }
        body.add(markup: "</div>\n")
    }

    private mutating func figure(_ plot: any Plot) {
        figureCount += 1
        let identifier = "figure-\(figureCount)"
        body.add("figure") { markup in
            markup.add("figcaption") { markup in
                markup.add(text: plot.title)
                markup.add("span", text: plot.summary)
            }
            markup.add(markup: plot.svg(identifier: identifier, embedsStyle: false))
        }
        body.add(markup: "\n")
    }

    /// Writes content that is collapsed at first.
    mutating func details(_ title: String, _ content: (inout Page) -> Void) {
        body.add(markup: "<details>")
        body.add("summary", text: title)
        content(&self)
        body.add(markup: "</details>\n")
    }

    /// Writes a list of names and values.
    mutating func facts(_ facts: [(name: String, value: String)]) {
        body.add("dl", ["class": "facts"]) { markup in
            for fact in facts {
                markup.add("dt", text: fact.name)
                markup.add("dd", text: fact.value)
            }
        }
    }

    /// Writes a table of texts, whose first column names the rows.
    mutating func table(_ caption: String, columns: [String], rows: [[String]]) {
        table(caption, columns: columns) { markup in
            for row in rows {
                markup.add("tr") { markup in
                    for (position, cell) in row.enumerated() {
                        if position == 0 {
                            markup.add("th", ["scope": "row"], text: cell)
                        } else {
                            markup.add(
                                "td", ["data-label": columns.indices.contains(position) ? columns[position] : ""],
                                text: cell)
                        }
                    }
                }
            }
        }
    }

    /// Writes a table whose rows a function adds. On narrow pages each row is a block of its own, whose cells have the
    /// names of their columns (`data-label`).
    mutating func table(
        _ caption: String, columns: [String], textColumns: Set<Int> = [], _ rows: (inout Markup) -> Void
    ) {
        // Scrolling by keyboard needs focus.
        body.add(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": "Table: \(caption)"]
        ) { markup in
            markup.add("table") { markup in
                markup.add("caption", text: caption)
                markup.add("thead") { markup in
                    markup.add("tr") { markup in
                        for (position, column) in columns.enumerated() {
                            if textColumns.contains(position) {
                                markup.add("th", ["scope": "col", "class": "text"], text: column)
                            } else {
                                markup.add("th", ["scope": "col"], text: column)
                            }
                        }
                    }
                }
                markup.add("tbody") { rows(&$0) }
            }
        }
        body.add(markup: "\n")
    }
}

extension String {
    /// The text with no-break spaces before percent signs.
    var keepingUnits: String { replacingOccurrences(of: " %", with: "\u{A0}%") }
}

extension Page {
    /// Renders the whole page as one HTML file that needs no network: header, contents, sections.
    func document(title: String, header: (inout Markup) -> Void) -> String {
        var markup = Markup()
        markup.add(markup: "<!DOCTYPE html>\n")
        markup.add("html", ["lang": "en"]) { markup in
            markup.add("head") { markup in
                markup.add("meta", ["charset": "utf-8"])
                markup.add("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                markup.add("meta", ["name": "color-scheme", "content": "light dark"])
                // Forbids fetching anything, whatever text a class name holds.
                markup.add(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
                    ])
                markup.add("title", text: title)
                // HTML does not escape quotes in style sheets.
                markup.add(markup: "<style>\n\(PageStyle.sheet)</style>")
            }
            markup.add("body") { markup in
                markup.add("header") { header(&$0) }
                markup.add("nav", ["aria-label": "Contents"]) { markup in
                    markup.add("ul") { markup in
                        for entry in contents {
                            markup.add("li") { $0.add("a", ["href": "#\(entry.identifier)"], text: entry.title) }
                        }
                    }
                }
                markup.add("main") { $0.add(markup: body.text) }
            }
        }
        return markup.text + "\n"
    }
}
