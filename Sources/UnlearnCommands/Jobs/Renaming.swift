import Foundation
import Unlearning
import UnlearningReports

/// What takes the place of forgotten classes' names.
package struct Renaming: Sendable {
    /// The text that asks for a salted digest.
    package static let digestWord = "digest"

    package let text: String
    /// The digest's salt; nil draws one.
    let salt: String?

    private static let longest = 100

    /// Why a text cannot be a class's name; nil if it can.
    static func fault(of text: String) -> String? {
        guard !text.trimmingCharacters(in: .whitespaces).isEmpty, text.count <= longest else {
            return "cannot be a class's name; use 1 to \(longest) characters"
        }
        if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "has control characters; leave them out"
        }
        return Int(text) == nil ? nil : "is a number, which would stand for a class's index; use a word"
    }

    /// Chooses the new names.
    /// - Parameters:
    ///   - classes: the classes to rename.
    ///   - names: all classes' names; empty if they have none.
    /// - Throws: `CommandError` if the text has one of the names in it.
    func names(of classes: Set<Int>, among names: [String]) throws -> RemovedNames {
        guard !names.isEmpty else { return RemovedNames(entries: []) }
        let isDigest = text == Self.digestWord
        let salt = salt ?? Self.randomSalt()
        var taken = Set(names.indices.filter { !classes.contains($0) }.map { names[$0] })
        var entries: [RemovedNames.Entry] = []
        for index in classes.sorted() {
            let name = names[index]
            // A class that is called by its own number has no name.
            guard name != String(index) else { continue }
            var new = isDigest ? "forgotten-\(Self.digest(of: name, salt: salt))" : text
            if !isDigest, classes.count > 1 || taken.contains(new) { new += "-\(index)" }
            guard new.range(of: name, options: .caseInsensitive) == nil else {
                throw CommandError("--rename-forgotten '\(text)' has the name '\(name)' in it; use another text")
            }
            guard taken.insert(new).inserted else {
                throw CommandError("--rename-forgotten '\(text)': a class is called '\(new)' already; use another text")
            }
            entries.append(RemovedNames.Entry(index: index, old: name, new: new))
        }
        return RemovedNames(entries: entries, salt: isDigest && !entries.isEmpty ? salt : nil)
    }

    /// The first half of the SHA-256 of salt, line feed and name, which shows the name to nobody without the salt.
    private static func digest(of name: String, salt: String) -> String {
        String(SHA256Digest(of: Data("\(salt)\n\(name)".utf8)).description.prefix(32))
    }

    private static func randomSalt() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// Class names that were taken out of a run's outputs, and what stands in their places.
struct RemovedNames: Sendable {
    struct Entry: Sendable {
        let index: Int
        let old: String
        let new: String
    }

    let entries: [Entry]
    /// The salt of digests, which is printed and kept nowhere.
    var salt: String?

    /// The names of all classes with the new ones among them.
    func applied(to names: [String]) -> [String] {
        var names = names
        for entry in entries where names.indices.contains(entry.index) { names[entry.index] = entry.new }
        return names
    }

    /// A text with the new names in place of the old ones.
    func redact(_ text: String) -> String {
        // A salt beside its digest would be no salt.
        var result = salt.map { text.replacing($0, with: "SALT") } ?? text
        for entry in entries {
            // The name as shells and JSON write it, too.
            for form in Set([entry.old, Self.json(entry.old), entry.old.replacing("'", with: "'\\''")]) {
                result = Self.replacing(form, with: entry.new, in: result)
            }
        }
        return result
    }

    /// Refuses a file or folder whose name tells a class's name.
    /// - Throws: `CommandError`.
    func check(_ outputs: [URL]) throws {
        for output in outputs {
            let name = output.lastPathComponent
            guard redact(name) != name else { continue }
            if let entry = entries.first(where: { name.range(of: $0.old, options: .caseInsensitive) != nil }) {
                throw CommandError(
                    "\(output.path): has the class's name '\(entry.old)' in it, which --rename-forgotten takes out; give "
                        + "another name")
            }
        }
    }

    /// Files that still have one of the names in them, for a warning. Names of three bytes and less occur in numbers by
    /// chance and are not looked for.
    func traces(in files: [URL]) -> [String] {
        files.flatMap { file -> [String] in
            guard let data = try? Data(contentsOf: file, options: .mappedIfSafe) else { return [] }
            return entries.compactMap { entry in
                guard entry.old.utf8.count > 3, let place = data.range(of: Data(entry.old.utf8)) else { return nil }
                return "\(file.path): still has the text '\(entry.old)', at byte \(place.lowerBound); it came with the "
                    + "input model, outside of what this program writes"
            }
        }
    }

    private static func json(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(text) else { return text }
        return String(String(decoding: data, as: UTF8.self).dropFirst().dropLast())
    }

    /// Replaces a name, in any case. A short one is replaced as a word alone, since others have its letters.
    private static func replacing(_ name: String, with new: String, in text: String) -> String {
        guard !name.isEmpty else { return text }
        var result = ""
        var rest = text[...]
        func isWordCharacter(_ character: Character?) -> Bool { character.map { $0.isLetter || $0.isNumber } ?? false }
        while let range = rest.range(of: name, options: .caseInsensitive) {
            let before = range.lowerBound > text.startIndex ? text[text.index(before: range.lowerBound)] : nil
            let after = range.upperBound < text.endIndex ? text[range.upperBound] : nil
            let isPart = name.count < 3 && (isWordCharacter(before) || isWordCharacter(after))
            result += rest[..<range.lowerBound] + (isPart ? String(rest[range]) : new)
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
