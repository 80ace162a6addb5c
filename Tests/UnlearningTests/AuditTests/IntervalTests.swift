import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Intervals of shares", .tags(.audit))
struct ShareIntervalTests {
    // The values of R's binom.test.
    @Test(
        "bounds are Clopper and Pearson's",
        arguments: [
            (682, 925, 0.7076682835, 0.7654065700), (1, 10, 0.002528579, 0.445016117),
            (5, 10, 0.187086028, 0.812913972), (0, 1000, 0, 0.003682084), (1000, 1000, 0.996317916, 1),
            (3, 10_000, 0.0000618690, 0.0008764698), (0, 1, 0, 0.975),
        ])
    func exact(successes: Int, trials: Int, lower: Double, upper: Double) throws {
        let proportion = try #require(BinomialProportion(successes: successes, trials: trials))
        let interval = proportion.interval(level: 0.95)
        #expect(abs(interval.lower - lower) < 1e-7, "\(interval.lower)")
        #expect(abs(interval.upper - upper) < 1e-7, "\(interval.upper)")
        #expect(proportion.lowerBound(level: 0.975) == interval.lower)
    }

    @Test("counts that are none")
    func impossible() {
        for (successes, trials) in [(0, 0), (-1, 5), (6, 5), (0, -1)] {
            #expect(BinomialProportion(successes: successes, trials: trials) == nil)
        }
    }

    @Test("shares of several kinds are put together, and are never certain")
    func kinds() throws {
        let one = ScoreIntervals(strata: [4], level: 0.95)
        let half = try #require(one.proportion([1, 0, 1, 0]))
        #expect(half == BinomialProportion(successes: 2, trials: 4)?.interval(level: 0.95))
        #expect(one.proportion([1, 0, 0.5, 0]) == nil, "a mean over models is no count")
        // All members are called members and so are all others: each kind is told by its own scale.
        let two = ScoreIntervals(strata: [2, 4], level: 0.95)
        let balanced = try #require(two.proportion([1.5, 1.5, 0, 0, 0, 0]))
        let (members, others) = (1 - pow(0.025, 0.5), 1 - pow(0.025, 0.25))
        #expect(abs(balanced.lower - (0.5 - members / 2)) < 1e-9)
        #expect(abs(balanced.upper - (0.5 + others / 2)) < 1e-9)
        #expect(one.constant(0).upper == BinomialProportion(successes: 0, trials: 4)?.upperBound(level: 0.975))
        #expect(one.constant(0.9).upper == 1)
    }

    @Test("examples are drawn from their own kind")
    func strata() throws {
        // Drawn from all together, the numbers of both kinds would vary, and with them the mean.
        let scores = [Double](repeating: 2, count: 10) + [Double](repeating: 0, count: 30)
        let pooled = try #require(Bootstrap().intervals(ofMeans: [scores], seed: 1)[0])
        #expect(pooled.lower < 0.5 && pooled.upper > 0.5)
        let stratified = try #require(Bootstrap().intervals(ofMeans: [scores], seed: 1, strata: [10, 30])[0])
        #expect(stratified.lower == 0.5 && stratified.upper == 0.5)
    }
}
