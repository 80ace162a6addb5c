/// The usual spread of a measure between models retrained from different seeds.
///
/// It is the prior of a scaled inverse chi-squared distribution of the variance (Smyth 2004, "Linear models and empirical
/// Bayes methods", section 6): it counts as much as ``freedom`` further retrained models would. `Docs/Audit.md` says how
/// it was measured.
package struct ReferenceSpread: Sendable, Codable, Hashable {
    /// The usual standard deviation, in the measure's unit; above 0.
    package var deviation: Double
    /// The degrees of freedom that it counts for, above 0.
    package var freedom: Double

    /// Creates a spread.
    package init(deviation: Double, freedom: Double) {
        self.deviation = deviation
        self.freedom = freedom
    }

    /// Computes the difference from the retrained models' mean that another retrained model exceeds with a probability.
    ///
    /// `t(1 - rate, ν₀ + ν) s √(1 + 1/n)`, with `s² = (ν₀ s₀² + ν s_n²) / (ν₀ + ν)` of this spread and the variance of n
    /// retrained models, of which ν is the degrees of freedom.
    /// - Parameters:
    ///   - rate: the probability, on one side.
    ///   - values: the retrained models' values, one or more.
    ///   - areDistances: whether each value is the mean distance to the other retrained models. Such values share their
    ///     distances, so that their variance is too small by the factor `((n-2)/(n-1))²`, and two are always equal.
    package func limit(rate: Double, values: [Double], areDistances: Bool) -> Double {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        var squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        var own = count - 1
        if areDistances {
            own = max(0, count - 2)
            // The corrected variance times its degrees of freedom.
            squares = count > 2 ? squares * (count - 1) / (count - 2) : 0
        }
        let total = freedom + own
        let variance = (freedom * deviation * deviation + squares) / total
        return StudentDistribution.quantile(1 - rate, freedom: total) * (variance * (1 + 1 / count)).squareRoot()
    }
}
