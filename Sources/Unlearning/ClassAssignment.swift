import NeuralGraph

/// The assignment of a data set's classes to a model's, where the data set may lack some.
///
/// A class that is to be forgotten often has no images any more.
///
/// The names that the model has come first. What is left of the data set's names fills the places of the classes whose names
/// are not known, in the order of the names' bytes, which is the order that classes from folders were trained in; the places
/// of absent classes are left out.
package struct ClassAssignment: Equatable {
    /// A name for each class of the model; its number where no name is known.
    package let names: [String]
    /// The classes that the data set lacks, by their numbers, where that was concluded from the list of absent classes.
    package let absent: [Int]

    /// - Parameters:
    ///   - found: the data set's classes, in their order.
    ///   - data: what messages call the data set.
    ///   - known: the model's class names; empty if it has none. A name that is the class's own number does not count as a name.
    ///   - count: the number of the model's classes.
    ///   - list: the classes that may have no images; nil if not given.
    ///   - option: what messages call the list.
    /// - Throws: ``ClassAssignmentError`` if it stays open which class is which.
    package init(
        of found: [String], in data: String, known: [String], count: Int, absent list: ClassList?, option: String?
    ) throws(ClassAssignmentError) {
        let numbers = (0..<count).map(String.init)
        let hasNames = !known.isEmpty && known != numbers
        // Up to ten, numbers are in the order of their bytes, so that a folder called by a number is the class of that number
        // whether or not the model says so.
        let isNumbered = !hasNames && (!known.isEmpty || count <= 10) && Set(found).isSubset(of: numbers)
        let known = hasNames ? known : numbers
        let knownNames = Set(known)
        let unknown = hasNames ? found.filter { !knownNames.contains($0) } : isNumbered ? [] : found
        let matched = Set(found).subtracting(unknown)
        let open = known.indices.filter { known[$0] == String($0) && !matched.contains(known[$0]) }
        guard !unknown.isEmpty else {
            (names, absent) = (known, [])
            return
        }
        // With too many names, whoever compares them with the model's finds out.
        guard unknown.count < open.count else {
            let fits = unknown.count == open.count
            names = fits ? Self.filled(open, with: unknown, known: known) : hasNames ? known : unknown
            absent = []
            return
        }
        let gone = AbsentClasses(list, found: found, known: hasNames ? known : [], open: hasNames ? open : nil)
        var error = ClassAssignmentError(data: data, found: found, count: count, isNamed: hasNames, option: option)
        guard gone.isSound(for: open), unknown.count + gone.names.count + gone.indices.count == open.count else {
            throw error
        }
        let all = unknown + gone.names
        if !hasNames, let (number, position) = gone.ambiguousNumber(among: all) {
            error.ambiguity = ClassAssignmentError.Ambiguity(number: number, position: position)
            throw error
        }
        names = Self.filled(open.filter { !gone.indices.contains($0) }, with: all.sortedByBytes, known: known)
        absent = gone.indices.sorted()
    }

    private static func filled(_ open: [Int], with names: [String], known: [String]) -> [String] {
        var result = known
        for (index, name) in zip(open, names) { result[index] = name }
        return result
    }

    /// What a reader should know of the classes that were concluded to be absent; nil if there are none.
    package func note(for found: [String]) -> String? {
        guard !absent.isEmpty else { return nil }
        let (classes, verb) = absent.count == 1 ? ("class", "has") : ("classes", "have")
        let numbers = found.compactMap { names.firstIndex(of: $0) }.map(String.init)
        return "\(classes) \(absent.map(String.init).joined(separator: ", ")) \(verb) no folder; folders "
            + "\(found.quotedWhereNeeded) are taken as classes \(numbers.joined(separator: ", "))"
    }
}

/// The classes of a list that a data set has no name for.
private struct AbsentClasses {
    /// Those that are given by name.
    let names: [String]
    /// Those that are given by number.
    let indices: [Int]
    /// Of these, the ones that may have been meant as names.
    private let plainNumbers: [String]

    /// - Parameter open: the numbers that count; nil counts all.
    init(_ list: ClassList?, found: [String], known: [String], open: [Int]?) {
        let entries = (list?.parsedEntries ?? []).filter { !found.contains($0.text) }
        let numbered = entries.filter { entry in entry.number.map { open?.contains($0) ?? true } ?? false }
        indices = numbered.compactMap(\.number)
        plainNumbers = numbered.filter { !$0.hasIndexPrefix }.map(\.text)
        names = entries.filter { $0.number == nil && !known.contains($0.text) }.map(\.text)
    }

    /// Whether every number is an open place, and nothing is named twice.
    func isSound(for open: [Int]) -> Bool {
        Set(indices).isSubset(of: open) && Set(indices).count == indices.count && Set(names).count == names.count
    }

    /// A number that would be another class if it was a folder's name, as the names of all others are numbers.
    func ambiguousNumber(among others: [String]) -> (number: String, position: Int)? {
        guard others.allSatisfy({ Int($0) != nil }) else { return nil }
        let sorted = (others + plainNumbers).sortedByBytes
        for number in plainNumbers {
            if let position = sorted.firstIndex(of: number), position != Int(number) { return (number, position) }
        }
        return nil
    }
}

extension [String] {
    fileprivate var sortedByBytes: [String] { sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
}

/// A data set that lacks some of a model's classes, and it is open which.
package struct ClassAssignmentError: DescribedError, Equatable {
    /// A number that may be a class's index, or the name of one at another index.
    struct Ambiguity: Equatable {
        let number: String
        let position: Int
    }

    let data: String
    let found: [String]
    let count: Int
    /// Whether the model knows names of its classes.
    let isNamed: Bool
    let option: String?
    var ambiguity: Ambiguity?

    package var description: String {
        if let ambiguity {
            let (number, position) = (ambiguity.number, ambiguity.position)
            return
                "\(data): \(number) may be the class at index \(number), or the one whose folder was called '\(number)', at index "
                + "\(position); write index:\(number) or index:\(position)"
        }
        let shown = Array(found.prefix(10)).quotedWhereNeeded + (found.count > 10 ? ", ..." : "")
        let byOption = option.map { "name those without a folder by \($0), or " } ?? ""
        return "\(data): has folders for \(found.count) of the model's \(count) classes (\(shown)), and the model "
            + "\(isNamed ? "does not name all of them" : "has no class names"); \(byOption)name all classes in their order by "
            + "--class-names"
    }
}
