import Foundation

/// Sums over lists of numbers that several measures need.
enum Statistics {
    /// The arithmetic mean; nil for an empty list.
    static func mean(_ values: some Collection<Double>) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// The mean of several lists, entry by entry; nil without lists.
    static func mean(of lists: [[Double]]) -> [Double]? {
        guard let first = lists.first else { return nil }
        return first.indices.map { index in
            lists.reduce(0) { $0 + $1[index] } / Double(lists.count)
        }
    }

    /// A quantile of rising numbers, interpolated linearly (Hyndman and Fan 1996, definition 7, as NumPy's default).
    /// - Parameters:
    ///   - share: 0 to 1.
    ///   - sorted: at least one number.
    static func quantile(_ share: Double, ofSorted sorted: [Double]) -> Double {
        precondition(!sorted.isEmpty, "an empty list has no quantiles")
        let place = min(max(share, 0), 1) * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    /// The Shannon entropy of a distribution in nats; terms of 0 count as 0.
    static func entropy(_ probabilities: some Sequence<Double>) -> Double {
        probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    }
}
