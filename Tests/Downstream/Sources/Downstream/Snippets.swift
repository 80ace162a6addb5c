import Foundation

/// Whether pages show code that is here: what a page says must compile and run.
enum Snippets {
    /// Checks that every Swift block of a page stands, line by line, in one of this program's files. Indentation does
    /// not count.
    static func check(_ page: String) throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
        let root = sources.appending(path: "../../../..").standardized
        let files = try FileManager.default.contentsOfDirectory(at: sources, includingPropertiesForKeys: nil)
            .map { try lines(String(contentsOf: $0, encoding: .utf8)) }
        let text = try String(contentsOf: root.appending(path: "Docs/\(page)"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        try Downstream.expect(!blocks.isEmpty, "\(page) shows code")
        for block in blocks.map(lines) {
            let found = files.contains { file in
                file.indices.contains { file[$0...].starts(with: block) }
            }
            try Downstream.expect(found, "the code of \(page) that starts with '\(block.first ?? "")' is compiled")
        }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
