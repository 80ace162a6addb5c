import ArgumentParser
import Foundation
import ImageFolders
import Unlearning

/// The names of all classes in their order: a comma-separated list, or a file with one name per line.
struct ClassNamesArgument: Sendable {
    private static let largestFile = 1 << 20

    let text: String

    /// The file, if there is one.
    var file: String? { text.contains(",") ? nil : text }

    init(parsing text: String) throws {
        guard !text.isEmpty else {
            throw ValidationError("give comma-separated names, or a file with one name per line")
        }
        self.text = text
    }

    /// The names, each of which occurs once.
    func names() throws -> [String] {
        let names = try file.map(Self.lines) ?? ClassList(parsing: text).entries
        guard names.count > 1, !names.contains("") else {
            throw CommandError(
                "--class-names \(text): names \(names.filter { !$0.isEmpty }.count) classes; name all of them")
        }
        var seen: Set<String> = []
        if let twice = names.first(where: { !seen.insert($0).inserted }) {
            throw CommandError("--class-names \(text): names '\(twice)' twice; name each class once")
        }
        return names
    }

    private static func lines(of path: String) throws -> [String] {
        let file = try InputFile(
            URL(fileURLWithPath: path), remedy: "give a file with one name per line, or comma-separated names")
        guard file.size <= largestFile else {
            throw CommandError(
                "\(path): \(file.size) bytes are too many for a list of names; give a file with one name per line")
        }
        var bytes = [UInt8](repeating: 0, count: file.size)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
