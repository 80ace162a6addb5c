/// Confidence intervals of means of scores for which the bootstrap fails.
///
/// If all scores are equal, so are all resamples, and the bootstrap would claim certainty about the mean of a few
/// examples.
package struct ScoreIntervals {
    /// The number of examples of each kind in the order of the scores; each kind has the same weight in the mean.
    let strata: [Int]
    /// The confidence level, between 0 and 1.
    let level: Double

    package init(strata: [Int], level: Double) {
        self.strata = strata
        self.level = level
    }

    /// Computes the interval of a mean of scores that are all or nothing.
    ///
    /// It is exact for one kind (Clopper and Pearson 1934), and combined from the kinds' intervals for several (Zou and
    /// Donner 2008, the MOVER method).
    /// - Returns: the interval; nil if a score is neither all nor nothing.
    package func proportion(_ scores: [Double]) -> ConfidenceInterval? {
        let weight = 1 / Double(strata.count)
        var (mean, below, above) = (0.0, 0.0, 0.0)
        var start = 0
        for size in strata {
            let whole = Double(scores.count) * weight / Double(size)
            let successes = scores[start..<start + size].count { abs($0 - whole) < 1e-9 * whole }
            let failures = scores[start..<start + size].count { $0 == 0 }
            guard successes + failures == size,
                let proportion = BinomialProportion(successes: successes, trials: size)
            else { return nil }
            let interval = proportion.interval(level: level)
            if strata.count == 1 { return interval }
            mean += weight * proportion.share
            below += weight * weight * (proportion.share - interval.lower) * (proportion.share - interval.lower)
            above += weight * weight * (interval.upper - proportion.share) * (interval.upper - proportion.share)
            start += size
        }
        return ConfidenceInterval(lower: mean - below.squareRoot(), upper: mean + above.squareRoot(), level: level)
    }

    /// Computes the interval of a mean difference that is the same for every example.
    ///
    /// It covers the share of differing examples that a sample of this size can miss.
    package func constant(_ difference: Double) -> ConfidenceInterval {
        let weight = 1 / Double(strata.count)
        let missed = strata.reduce(0.0) { sum, size in
            let most = BinomialProportion(successes: 0, trials: size)?.upperBound(level: (1 + level) / 2) ?? 1
            return sum + weight * weight * most * most
        }.squareRoot()
        return ConfidenceInterval(
            lower: max(-1, difference - missed), upper: min(1, difference + missed), level: level)
    }
}
