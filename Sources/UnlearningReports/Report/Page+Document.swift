import Plotting

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
