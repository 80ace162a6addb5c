/// Finds the name that somebody most likely meant by one that does not exist.
package enum NearestName {
    /// The name with the fewest typing errors, or nil if every name is too far away.
    ///
    /// Case does not count. A third of the letters may be wrong, one at least and three at most. Of equally near names the
    /// first in the list is taken.
    package static func nearest(to name: String, in names: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased())
        guard wanted.count > 1 else { return nil }
        let limit = max(1, min(3, wanted.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in names where candidate != name {
            let letters = Array(candidate.lowercased())
            guard abs(letters.count - wanted.count) <= limit else { continue }
            let distance = distance(from: wanted, to: letters)
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// A hint for a message, such as ` (did you mean 'scrub'?)`, or an empty text.
    package static func hint(for name: String, in names: some Sequence<String>) -> String {
        nearest(to: name, in: names).map { " (did you mean '\($0)'?)" } ?? ""
    }

    /// The Damerau-Levenshtein distance: the fewest insertions, deletions, substitutions, and swaps of neighbors, where no
    /// part is edited twice.
    package static func distance(from source: [Character], to target: [Character]) -> Int {
        // Rows of the table for the last two, and for this prefix of the source.
        var (beforePrevious, previous) = ([Int](), Array(0...target.count))
        for (row, letter) in source.enumerated() {
            var current = [row + 1]
            for (column, other) in target.enumerated() {
                var cost = min(
                    previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == target[column - 1], source[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[target.count]
    }
}
