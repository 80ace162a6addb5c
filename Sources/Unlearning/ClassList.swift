import Foundation
import NeuralGraph

/// Classes as people write them: numbers or names, separated by commas, such as `0,2` or `T-shirt/top, Bag`.
///
/// A class whose name has a comma is given by its number.
public struct ClassList: Sendable, Hashable {
    /// Names or numbers in the order that they were written in.
    public let entries: [String]

    /// Creates a list from its entries.
    public init(_ entries: [String]) {
        self.entries = entries
    }

    /// Separates a list at its commas; spaces around an entry do not count. An empty text is an empty list.
    public init(parsing text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        entries = parts == [""] ? [] : parts
    }

    /// The classes' numbers. A name is looked for first, so that a class called `7` is found by its name.
    /// - Parameters:
    ///   - names: the names in the order of the classes; empty if they have none.
    ///   - count: the number of classes.
    /// - Throws: ``UnlearningError`` if the list is empty, names a class twice, or names one that does not exist.
    public func indices(names: [String], count: Int) throws(UnlearningError) -> Set<Int> {
        guard !entries.isEmpty else { throw .noClasses }
        var indices: Set<Int> = []
        for entry in entries {
            let index: Int
            if let named = names.firstIndex(of: entry) {
                index = named
            } else if let number = Int(entry) {
                guard (0..<count).contains(number) else {
                    throw .unknownClass(index: number, classCount: count)
                }
                index = number
            } else {
                throw .unknownClassName(name: entry, known: names)
            }
            guard indices.insert(index).inserted else { throw .repeatedClass(index: index) }
        }
        return indices
    }
}
