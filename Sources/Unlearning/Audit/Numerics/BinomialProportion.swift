import Foundation

/// A share of successes among independent trials, with exact confidence bounds (Clopper and Pearson 1934).
///
/// The bounds hold for no successes and for successes only, too.
package struct BinomialProportion: Sendable, Hashable {
    /// The number of successes.
    package let successes: Int
    /// The number of trials, 1 or more.
    package let trials: Int

    /// Counts successes.
    /// - Returns: nil without trials, or with more successes than trials.
    package init?(successes: Int, trials: Int) {
        guard trials > 0, (0...trials).contains(successes) else { return nil }
        self.successes = successes
        self.trials = trials
    }

    /// The share, 0 to 1.
    package var share: Double { Double(successes) / Double(trials) }

    /// Computes the lower bound of the true share at a confidence level.
    package func lowerBound(level: Double) -> Double {
        guard successes > 0 else { return 0 }
        return Self.quantile(1 - level, Double(successes), Double(trials - successes) + 1)
    }

    /// Computes the upper bound of the true share at a confidence level.
    package func upperBound(level: Double) -> Double {
        guard successes < trials else { return 1 }
        return Self.quantile(level, Double(successes) + 1, Double(trials - successes))
    }

    /// Computes the central interval at a confidence level.
    package func interval(level: Double) -> ConfidenceInterval {
        ConfidenceInterval(
            lower: lowerBound(level: (1 + level) / 2), upper: upperBound(level: (1 + level) / 2), level: level)
    }

    /// The beta distribution's quantile, by bisection: its distribution function rises from 0 to 1.
    private static func quantile(_ probability: Double, _ a: Double, _ b: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        // The interval is then as narrow as rounding allows.
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if distribution(middle, a, b) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// The regularized incomplete beta function `I_x(a, b)`.
    private static func distribution(_ x: Double, _ a: Double, _ b: Double) -> Double {
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
