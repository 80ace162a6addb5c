import Foundation

/// The beta distribution, of which exact binomial bounds and the t distribution are special cases.
enum BetaDistribution {
    /// Computes the quantile of a probability, by bisection: the distribution function rises from 0 to 1.
    static func quantile(_ probability: Double, _ a: Double, _ b: Double) -> Double {
        // A quantile near 0 keeps its digits: the interval is first halved towards 0, then in the middle.
        var high = 1.0
        while high > .leastNormalMagnitude, distribution(high / 2, a, b) >= probability { high /= 2 }
        var low = high > .leastNormalMagnitude ? high / 2 : 0
        // The interval is then as narrow as rounding allows.
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if distribution(middle, a, b) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// Computes the distribution function, the regularized incomplete beta function `I_x(a, b)`.
    static func distribution(_ x: Double, _ a: Double, _ b: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let logBeta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
        let scale: Double = exp(a * log(x) + b * log1p(-x) - logBeta)
        // The fraction converges fast on this side of the mean.
        if x < (a + 1) / (a + b + 2) { return scale * fraction(x, a, b) / a }
        return 1 - scale * fraction(1 - x, b, a) / b
    }

    /// The function's continued fraction, by Lentz's method (Press et al., Numerical Recipes, section 6.4).
    private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        let tiny = 1e-300
        func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
        var c = 1.0
        var d = 1 / kept(1 - (a + b) * x / (a + 1))
        var result = d
        for step in 1...10_000 {
            let m = Double(step)
            for term in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                d = 1 / kept(1 + term * d)
                c = kept(1 + term / c)
                result *= d * c
            }
            if abs(d * c - 1) < 1e-15 { break }
        }
        return result
    }
}

/// Student's t distribution.
package enum StudentDistribution {
    /// Computes the quantile of a probability.
    ///
    /// With x = ν / (ν + t²), the probability beyond |t| on both sides is the incomplete beta function `I_x(ν/2, 1/2)`.
    /// - Parameters:
    ///   - probability: between 0 and 1.
    ///   - freedom: the degrees of freedom ν, above 0.
    package static func quantile(_ probability: Double, freedom: Double) -> Double {
        guard probability != 0.5 else { return 0 }
        let beyond = 2 * min(probability, 1 - probability)
        let x = BetaDistribution.quantile(beyond, freedom / 2, 0.5)
        let magnitude = (freedom * (1 - x) / x).squareRoot()
        return probability > 0.5 ? magnitude : -magnitude
    }
}
