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

/// Histograms with equal bins.
enum ScoreHistogram {
    /// Borders of equal bins from the smallest number to the largest. The last hundredth of a long tail goes into the
    /// last bin, so that it does not squeeze the rest.
    static func edges(of values: [Double], bins: Int = 30) -> [Double] {
        guard !values.isEmpty else { return [] }
        let sorted = values.sorted()
        let low = sorted[0]
        let far = Statistics.quantile(0.99, ofSorted: sorted)
        let largest = sorted[sorted.count - 1]
        var high = largest - low > 2 * (far - low) ? far : largest
        if high <= low { high = low + 1 }
        return (0...bins).map { low + (high - low) * Double($0) / Double(bins) }
    }

    /// The share of numbers in each bin; numbers beyond the borders count in the outer bins.
    static func shares(of values: [Double], edges: [Double]) -> [Double] {
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
