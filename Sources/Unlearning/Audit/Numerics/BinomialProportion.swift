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
        return BetaDistribution.quantile(1 - level, Double(successes), Double(trials - successes) + 1)
    }

    /// Computes the upper bound of the true share at a confidence level.
    package func upperBound(level: Double) -> Double {
        guard successes < trials else { return 1 }
        return BetaDistribution.quantile(level, Double(successes) + 1, Double(trials - successes))
    }

    /// Computes the central interval at a confidence level.
    package func interval(level: Double) -> ConfidenceInterval {
        ConfidenceInterval(
            lower: lowerBound(level: (1 + level) / 2), upper: upperBound(level: (1 + level) / 2), level: level)
    }
}
