import Foundation

/// Statistics of lists of numbers.
package enum Statistics {
    /// Computes the arithmetic mean; nil for an empty list.
    package static func mean(_ values: some Collection<Double>) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    /// Computes the elementwise mean of several lists; nil without lists.
    static func mean(of lists: [[Double]]) -> [Double]? {
        guard let first = lists.first else { return nil }
        return first.indices.map { index in
            lists.reduce(0) { $0 + $1[index] } / Double(lists.count)
        }
    }

    /// Finds the position of the largest number, the first of equal ones; nil if there is none, or one is undefined.
    static func positionOfLargest(_ values: ArraySlice<Double>) -> Int? {
        var best: Int?
        for position in values.indices {
            if values[position].isNaN { return nil }
            if let found = best, values[position] <= values[found] { continue }
            best = position
        }
        return best.map { $0 - values.startIndex }
    }

    /// Computes a quantile by linear interpolation (Hyndman and Fan 1996, definition 7, NumPy's default).
    /// - Parameters:
    ///   - share: the quantile's share, 0 to 1.
    ///   - sorted: one number or more in rising order.
    package static func quantile(_ share: Double, ofSorted sorted: [Double]) -> Double {
        precondition(!sorted.isEmpty, "an empty list has no quantiles")
        let place = min(max(share, 0), 1) * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    /// Computes the Shannon entropy of a distribution in nats.
    static func entropy(_ probabilities: some Sequence<Double>) -> Double {
        probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    }
}

/// Histograms with equal bins.
package enum ScoreHistogram {
    /// Computes the borders of equal bins from the smallest number to the largest.
    ///
    /// The last percent of a long tail goes into the last bin, so that it does not squeeze the rest.
    package static func edges(of values: [Double], bins: Int = 30) -> [Double] {
        guard !values.isEmpty else { return [] }
        let sorted = values.sorted()
        let low = sorted[0]
        let far = Statistics.quantile(0.99, ofSorted: sorted)
        let largest = sorted[sorted.count - 1]
        var high = largest - low > 2 * (far - low) ? far : largest
        if high <= low { high = low + 1 }
        return (0...bins).map { low + (high - low) * Double($0) / Double(bins) }
    }

    /// Computes the share of numbers in each bin; numbers beyond the borders count in the outer bins.
    package static func shares(of values: [Double], edges: [Double]) -> [Double] {
        let bins = edges.count - 1
        guard bins > 0 else { return [] }
        var shares = [Double](repeating: 0, count: bins)
        let width = (edges[bins] - edges[0]) / Double(bins)
        for value in values {
            let place = ((value - edges[0]) / width).rounded(.down)
            shares[Int(min(max(place, 0), Double(bins - 1)))] += 1 / Double(values.count)
        }
        return shares
    }
}
