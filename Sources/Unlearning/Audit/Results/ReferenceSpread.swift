import Foundation

/// The usual spread of a measure between models retrained from different seeds.
///
/// It is the prior of a scaled inverse chi-squared distribution of the variance (Smyth 2004, "Linear models and empirical
/// Bayes methods", section 6): it counts as much as ``freedom`` further retrained models would. `Docs/Audit.md` says how
/// it was measured.
package struct ReferenceSpread: Sendable, Hashable {
    /// The scale on which retrained models' values are about normal.
    package enum Scale: String, Sendable, Codable {
        /// That of the values.
        case linear
        /// That of their natural logarithms, for ratios above 0.
        case logarithmic
    }

    /// The usual standard deviation on the scale, above 0.
    package var deviation: Double
    /// The degrees of freedom that it counts for, above 0.
    package var freedom: Double
    /// The scale on which retrained models' values are about normal.
    package var scale: Scale

    /// Creates a spread.
    package init(deviation: Double, freedom: Double, scale: Scale = .linear) {
        self.deviation = deviation
        self.freedom = freedom
        self.scale = scale
    }

    /// Computes the difference from the retrained models' mean that another retrained model exceeds with a probability.
    ///
    /// On the logarithmic scale the ends are `exp(m ± d)` of the mean m of the logarithms, with the difference d of
    /// ``limit(rate:values:areDistances:)``.
    /// - Parameters:
    ///   - side: the side of the mean; either side counts as above.
    ///   - rate: the probability, on one side.
    ///   - values: the retrained models' values, one or more; above 0 on the logarithmic scale.
    ///   - areDistances: as of ``limit(rate:values:areDistances:)``.
    package func limit(
        _ side: MeasureThreshold.Side, rate: Double, values: [Double], areDistances: Bool
    ) -> Double {
        guard scale == .logarithmic else { return limit(rate: rate, values: values, areDistances: areDistances) }
        let mean = values.reduce(0, +) / Double(values.count)
        let logarithms = values.map { log(max($0, .leastNormalMagnitude)) }
        let center = logarithms.reduce(0, +) / Double(values.count)
        let difference = limit(rate: rate, values: logarithms, areDistances: areDistances)
        return max(0, side == .below ? mean - exp(center - difference) : exp(center + difference) - mean)
    }

    /// Computes the same on the scale itself, which is the same for either side.
    ///
    /// `t(1 - rate, ν₀ + ν) s √(1 + 1/n)`, with `s² = (ν₀ s₀² + ν s_n²) / (ν₀ + ν)` of this spread and the variance of n
    /// retrained models, of which ν is the degrees of freedom.
    /// - Parameters:
    ///   - rate: the probability, on one side.
    ///   - values: the retrained models' values on the scale, one or more.
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

extension ReferenceSpread: Codable {
    /// Reads a spread, on the linear scale if it says nothing else.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        deviation = try container.decode(Double.self, forKey: .deviation)
        freedom = try container.decode(Double.self, forKey: .freedom)
        scale = try container.decode(.scale, or: .linear)
    }
}
