import Foundation
import Plotting
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A drawing read back by an XML parser: its elements in order, with attributes and text.
struct ParsedDrawing {
    struct Element {
        let name: String
        let attributes: [String: String]
        var text = ""

        func number(_ attribute: String) throws -> Double {
            let text = try #require(attributes[attribute])
            return try #require(Double(text))
        }

        func has(class name: String) -> Bool {
            (attributes["class"] ?? "").split(separator: " ").contains { $0 == name }
        }
    }

    let elements: [Element]

    init(_ plot: some Plot) throws {
        try self.init(markup: plot.svg(identifier: "plot"))
        let root = try #require(elements.first)
        #expect(root.name == "svg" && root.attributes["role"] == "img")
        let described = (root.attributes["aria-labelledby"] ?? "").split(separator: " ").map(String.init)
        #expect(
            described
                == elements.filter { ["title", "desc"].contains($0.name) && $0.attributes["id"] != nil }
                .compactMap { $0.attributes["id"] })
        #expect(elements[1].text == plot.title && elements[2].text == plot.summary)
        try checkPlaces(height: plot.height)
    }

    init(markup: String) throws {
        let reader = Reader()
        let parser = XMLParser(data: Data(markup.utf8))
        parser.delegate = reader
        #expect(parser.parse(), "\(String(describing: parser.parserError)): \(markup.prefix(2000))")
        elements = reader.elements
    }

    func all(_ name: String, class wanted: String? = nil) -> [Element] {
        elements.filter { $0.name == name && (wanted.map($0.has) ?? true) }
    }

    /// The texts of a class, in order.
    func texts(_ wanted: String) -> [String] { all("text", class: wanted).map(\.text) }

    /// The places of a path that begins its parts with M and goes on with L.
    static func places(_ path: String) -> [(x: Double, y: Double)] {
        path.split { "ML".contains($0) }.map { part in
            let numbers = part.split(separator: " ").compactMap { Double($0) }
            return (numbers[0], numbers[1])
        }
    }

    /// Nothing is undefined or outside of the drawing.
    private func checkPlaces(height: Double) throws {
        for element in elements where ["rect", "image", "text"].contains(element.name) {
            let (x, y) = (try element.number("x"), try element.number("y"))
            #expect((0...480).contains(x) && (0...height).contains(y), "\(element)")
            guard element.name != "text" else { continue }
            #expect(x + (try element.number("width")) <= 480.01, "\(element)")
            #expect(y + (try element.number("height")) <= height + 0.01, "\(element)")
        }
        for path in all("path") {
            let data = try #require(path.attributes["d"])
            #expect(!data.contains("nan") && !data.contains("inf"))
        }
    }

    private final class Reader: NSObject, XMLParserDelegate {
        var elements: [Element] = []
        private var open: [Int] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String] = [:]
        ) {
            open.append(elements.count)
            elements.append(Element(name: name, attributes: attributes))
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            open.removeLast()
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) {
            if let last = open.last { elements[last].text += string }
        }
    }
}
