import Foundation

/// KLoM: the divergence between unlearned and retrained models' margins of one image.
///
/// The margin is the logit of the image's class minus the logarithm of the others' sum of exponentials. Both kinds of
/// models give a histogram of margins, and the measure is `KL(unlearned || retrained)` between these: 0 for equal ones, at
/// most ``maximum``. With few models it is far above 0 for equal distributions too, since histograms of few margins differ.
///
/// Source: Georgiev et al. 2024, Attribute-to-Delete (arXiv 2410.23232)
package enum MarginDivergence {
    /// The bins of both histograms, from the smallest margin of either kind to the largest.
    static let bins = 20
    /// The size that margins are clipped to.
    static let largestMargin = 100.0
    /// The share that a bin without retrained models counts as.
    static let floor = 1e-5

    /// The divergence of margins without a common bin, `-ln 1e-5`.
    package static let maximum = -log(floor)

    /// Computes the divergence of one image in nats.
    /// - Parameters:
    ///   - unlearned: the margin by each unlearned model, one or more.
    ///   - retrained: the margin by each retrained model, one or more.
    package static func value(unlearned: [Double], retrained: [Double]) -> Double {
        let sides = [unlearned, retrained].map { $0.map { min(max($0, -largestMargin), largestMargin) } }
        let (low, high) = (sides.joined().min() ?? 0, sides.joined().max() ?? 0)
        guard low < high else { return 0 }
        let own = shares(of: sides[0], from: low, to: high)
        let reference = zip(own, shares(of: sides[1], from: low, to: high)).map { $0 > 0 ? max($1, floor) : $1 }
        let total = reference.reduce(0, +)
        return zip(own, reference).reduce(0) { $1.0 > 0 ? $0 + $1.0 * log($1.0 * total / $1.1) : $0 }
    }

    /// Computes the share of values in each of equal bins; the last bin includes its upper end.
    private static func shares(of values: [Double], from low: Double, to high: Double) -> [Double] {
        let width = (high - low) / Double(bins)
        var shares = [Double](repeating: 0, count: bins)
        for value in values {
            var bin = min(Int((value - low) / width), bins - 1)
            // Division may round across a bin's ends.
            if value < low + Double(bin) * width {
                bin -= 1
            } else if bin < bins - 1, value >= low + Double(bin + 1) * width {
                bin += 1
            }
            shares[max(0, bin)] += 1 / Double(values.count)
        }
        return shares
    }
}
