import Foundation
import NeuralGraph

/// Classes as people write them: numbers or names, separated by commas, such as `0,2` or `T-shirt/top, Bag`.
///
/// A name that has commas is put in double quotes, or a backslash stands before each of its commas; a text that as a whole is
/// one class's name needs neither. An entry in quotes is a name, never a number. `index:4` is the class at index 4, whatever
/// names there are.
public struct ClassList: Sendable, Hashable {
    struct Entry: Hashable {
        let text: String
        /// Whether the entry is a name even if it looks like a number.
        var isQuoted = false
    }

    /// One text, as an option of the command line is.
    private struct Part: Hashable {
        /// The text before it was taken apart; nil if it never was one.
        let whole: String?
        let entries: [Entry]
    }

    private let parts: [Part]

    /// Names or numbers in the order that they were written in.
    package var entries: [String] { parsedEntries.map(\.text) }

    /// The entries with what is known of them.
    var parsedEntries: [Entry] { parts.flatMap(\.entries) }

    /// Creates a list from its entries.
    public init(_ entries: [String]) {
        parts = [Part(whole: nil, entries: entries.map { Entry(text: $0) })]
    }

    /// Parses a list with commas; spaces around an entry do not count, and an empty text is an empty list.
    package init(parsing text: String) {
        let entries = Self.separated(text)
        parts = [Part(whole: text, entries: entries == [Entry(text: "")] ? [] : entries)]
    }

    /// Puts lists together.
    package init(joining lists: [ClassList]) {
        parts = lists.flatMap(\.parts)
    }

    /// Returns the classes' numbers; a name is looked for first, so that a class called `7` is found by its name.
    /// - Parameters:
    ///   - names: the names in the order of the classes; empty if they have none.
    ///   - count: the number of classes.
    /// - Throws: ``UnlearningError`` if the list is empty, names a class twice, or names one that does not exist.
    public func indices(names: [String], count: Int) throws(UnlearningError) -> Set<Int> {
        try resolved(names: names, count: count).indices
    }

    /// The classes' numbers, and what a reader should know of how they were found: which numbers were taken as names.
    package func resolved(
        names: [String], count: Int
    ) throws(UnlearningError) -> (indices: Set<Int>, notes: [String]) {
        guard !parsedEntries.isEmpty else { throw .noClasses }
        var indices: Set<Int> = []
        var notes: [String] = []
        for part in parts {
            for index in try Self.indices(of: part, names: names, count: count, &notes) {
                guard indices.insert(index).inserted else { throw .repeatedClass(index: index) }
            }
        }
        return (indices, notes)
    }

    /// Names in the order of their bytes, with those of this list that they lack.
    package func namesAdded(to names: [String]) -> [String] {
        let added = parsedEntries.filter { $0.number == nil && !$0.text.isEmpty }.map(\.text)
        return Set(names + added).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func indices(
        of part: Part, names: [String], count: Int, _ notes: inout [String]
    ) throws(UnlearningError) -> [Int] {
        if let whole = part.whole, part.entries.map(\.text) != [whole], let index = names.firstIndex(of: whole) {
            // Commas of a name and commas between names look the same.
            if part.entries.count > 1, part.entries.allSatisfy({ names.contains($0.text) }) {
                throw .ambiguousClasses(text: whole)
            }
            return [index]
        }
        var indices: [Int] = []
        for entry in part.entries { indices.append(try index(of: entry, names: names, count: count, &notes)) }
        return indices
    }

    private static func index(
        of entry: Entry, names: [String], count: Int, _ notes: inout [String]
    ) throws(UnlearningError) -> Int {
        let text = entry.text
        if let named = names.firstIndex(of: text) {
            if !entry.isQuoted, let number = Int(text), number != named, (0..<count).contains(number) {
                notes.append(
                    "\(text) was taken as the class named '\(text)' (index \(named)); write index:\(text) for the class at "
                        + "index \(text)")
            }
            return named
        }
        guard let number = entry.number else { throw .unknownClassName(name: text, known: names) }
        guard (0..<count).contains(number) else { throw .unknownClass(index: number, classCount: count) }
        return number
    }
}

extension ClassList.Entry {
    private static let indexPrefix = "index:"

    /// The index that is written, if it is not a name for sure.
    var number: Int? {
        guard !isQuoted else { return nil }
        return Int(hasIndexPrefix ? String(text.dropFirst(Self.indexPrefix.count)) : text)
    }

    /// Whether the index cannot be a name.
    var hasIndexPrefix: Bool { !isQuoted && text.hasPrefix(Self.indexPrefix) }
}

extension ClassList {
    /// Takes a text apart at the commas that are neither in quotes nor behind a backslash.
    private static func separated(_ text: String) -> [Entry] {
        var entries: [Entry] = []
        var rest = text[...]
        while true {
            let start = rest.drop(while: \.isWhitespace)
            if start.first == "\"", let (name, after) = quoted(start.dropFirst()) {
                entries.append(Entry(text: name, isQuoted: true))
                rest = after
            } else {
                let (name, after) = plain(rest)
                entries.append(Entry(text: name))
                rest = after
            }
            guard rest.first == "," else { return entries }
            rest = rest.dropFirst()
        }
    }

    /// A name up to its closing quote; nil if there is no quote, or anything but a comma follows.
    private static func quoted(_ text: Substring) -> (name: String, rest: Substring)? {
        var name = ""
        var position = text.startIndex
        while position < text.endIndex {
            if let escaped = escaped(text, at: position, from: "\"\\") {
                name.append(escaped)
                position = text.index(position, offsetBy: 2)
                continue
            }
            if text[position] == "\"" {
                let rest = text[text.index(after: position)...].drop(while: \.isWhitespace)
                return rest.isEmpty || rest.first == "," ? (name, rest) : nil
            }
            name.append(text[position])
            position = text.index(after: position)
        }
        return nil
    }

    /// A name up to the next comma that has no backslash before it, without the spaces around it.
    private static func plain(_ text: Substring) -> (name: String, rest: Substring) {
        var name = ""
        var position = text.startIndex
        while position < text.endIndex, text[position] != "," {
            let escaped = escaped(text, at: position, from: ",\\")
            name.append(escaped ?? text[position])
            position = text.index(position, offsetBy: escaped == nil ? 1 : 2)
        }
        return (name.trimmingCharacters(in: .whitespaces), text[position...])
    }

    /// The character behind a backslash, if it is one that needs it.
    private static func escaped(_ text: Substring, at position: String.Index, from characters: String) -> Character? {
        guard text[position] == "\\", case let next = text.index(after: position), next < text.endIndex,
            characters.contains(text[next])
        else { return nil }
        return text[next]
    }
}

extension [String] {
    /// A class's name for people, or `class 3` if it has none.
    ///
    /// Where names are missing, classes are called by their own numbers. Where some classes are called by other
    /// numbers, as folders can be, all of them are names.
    package func className(_ index: Int) -> String {
        guard indices.contains(index) else { return "class \(index)" }
        let isOwnNumber = self[index] == String(index)
        let areNumbersNames = isOwnNumber && enumerated().contains { Int($1) != nil && $1 != String($0) }
        return isOwnNumber && !areNumbersNames ? "class \(index)" : self[index]
    }
}

extension Collection<String> {
    /// Names in a list that ``ClassList`` understands: those with commas, or that begin with a quote, are in quotes.
    package var quotedWhereNeeded: String {
        map { name in
            guard name.contains(",") || name.hasPrefix("\"") else { return name }
            let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "\"\(escaped)\""
        }.joined(separator: ", ")
    }
}
