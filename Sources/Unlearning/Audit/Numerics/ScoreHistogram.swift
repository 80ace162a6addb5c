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
