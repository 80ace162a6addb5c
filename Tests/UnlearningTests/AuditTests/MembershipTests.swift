import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Membership inference", .tags(.audit))
struct MembershipTests {
    private let fixture: AuditFixture

    init() throws {
        fixture = try AuditFixture.read()
    }

    @Test("the regression is scikit-learn's", arguments: ["entropies", "confidences", "separable"])
    func regression(name: String) throws {
        let expected = try #require(fixture.membership[name])
        let fit = try #require(LogisticRegression(members: expected.members, others: expected.others))
        // scikit-learn's own solver stops about this near the minimum.
        #expect(abs(fit.weight - expected.weight) < 1e-4 * abs(expected.weight))
        #expect(abs(fit.intercept - expected.intercept) < 1e-4 * abs(expected.intercept))
        let called = try #require(
            MembershipInference.calledMembers(
                members: expected.members, nonMembers: expected.others, asking: expected.asked))
        #expect(abs(try #require(Statistics.mean(called)) - expected.share) < 1e-12)
    }

    @Test("the regression's slope is 0 at its end, whatever the numbers' size", arguments: [1e-6, 1, 1e4])
    func stationary(scale: Double) throws {
        let data = try #require(fixture.membership["entropies"])
        let (members, others) = (data.members.map { $0 * scale }, data.others.map { $0 * scale })
        let fit = try #require(LogisticRegression(members: members, others: others))
        // The gradient by the intercept: the weights of both kinds pull alike.
        let pull =
            try #require(Statistics.mean(members.map { 1 - fit.probability($0) }))
            - #require(Statistics.mean(others.map { fit.probability($0) }))
        #expect(abs(pull) < 1e-6)
    }

    @Test("equal groups cannot be told apart, and no group is nothing to learn from")
    func edges() throws {
        let fit = try #require(LogisticRegression(members: [1, 2, 3], others: [1, 2, 3, 1, 2, 3]))
        #expect(abs(fit.weight) < 1e-9 && abs(fit.probability(2) - 0.5) < 1e-9)
        #expect(LogisticRegression(members: [], others: [1]) == nil)
        #expect(LogisticRegression(members: [1], others: []) == nil)
        let constant = try #require(LogisticRegression(members: [5, 5], others: [5]))
        #expect(abs(constant.probability(5) - 0.5) < 1e-9)
    }

    @Test("the attack on losses is scikit-learn's cross-validation")
    func lossAttack() throws {
        let expected = fixture.lossAttack
        let scores = try #require(
            LossAttack.scores(
                members: expected.members, others: expected.others, memberFolds: expected.memberFolds,
                otherFolds: expected.otherFolds))
        #expect(abs(try #require(Statistics.mean(scores)) - expected.balancedAccuracy) < 1e-12)
        #expect(LossAttack.scores(members: [1, 2], others: [3, 4], memberFolds: [0, 0], otherFolds: [0, 1]) == nil)
    }

    @Test("folds differ by one example at most, and depend on the seed alone")
    func folds() {
        let folds = LossAttack.folds(count: 23, folds: 5, seed: 1)
        let sizes = (0..<5).map { fold in folds.count { $0 == fold } }
        #expect(sizes.sorted() == [4, 4, 5, 5, 5])
        #expect(folds == LossAttack.folds(count: 23, folds: 5, seed: 1))
        #expect(folds != LossAttack.folds(count: 23, folds: 5, seed: 2))
    }

    @Test("the likelihood ratio is SciPy's, the curve scikit-learn's")
    func likelihoodRatio() throws {
        let expected = fixture.likelihoodRatio
        let scores = LikelihoodRatioAttack.scores(
            attacked: expected.attacked, seen: expected.seen, unseen: expected.unseen)
        #expect(largestDifference(scores, expected.scores) < 1e-9)
        let curve = ReceiverOperatingCharacteristic(
            members: Array(expected.curveScores.prefix(expected.members)),
            others: Array(expected.curveScores.dropFirst(expected.members)))
        #expect(abs(curve.area - expected.area) < 1e-12)
        let rates = expected.rates.map { curve.truePositiveRate(atFalsePositiveRate: $0) }
        #expect(largestDifference(rates, expected.truePositiveRates) < 1e-12)
    }

    @Test("the confidence is the logarithm of the odds, also where probabilities are 0 or 1")
    func odds() throws {
        let outputs = fixture.outputs
        let predictions = try outputs.predictions(outputs.first)
        let odds = LikelihoodRatioAttack.confidences(predictions, labels: outputs.labels)
        #expect(largestDifference(odds, outputs.logits) < 1e-9)
        #expect(odds.allSatisfy { $0.isFinite })
    }

    @Test("a curve of separate groups has area 1, of equal scores a half")
    func curves() {
        let separate = ReceiverOperatingCharacteristic(members: [3, 4], others: [1, 2])
        #expect(separate.area == 1 && separate.truePositiveRate(atFalsePositiveRate: 0) == 1)
        let equal = ReceiverOperatingCharacteristic(members: [1, 1], others: [1, 1, 1])
        #expect(equal.area == 0.5 && equal.truePositiveRate(atFalsePositiveRate: 0.5) == 0)
        #expect(equal.truePositiveRate(atFalsePositiveRate: 1) == 1)
        #expect(ReceiverOperatingCharacteristic(members: [0], others: [1]).area == 0)
    }
}

@Suite("Bootstrap", .tags(.audit))
struct BootstrapTests {
    @Test("intervals are SciPy's, up to chance")
    func interval() throws {
        let expected = try AuditFixture.read().bootstrap
        let found = try #require(
            Bootstrap(resamples: 20_000, level: 0.9).intervals(ofMeans: [expected.scores], seed: 3)[0])
        // 20,000 resamples place a 5 % quantile within about 0.015 deviations of the mean, four times over.
        let width = expected.upper - expected.lower
        #expect(abs(found.lower - expected.lower) < 0.02 * width)
        #expect(abs(found.upper - expected.upper) < 0.02 * width)
        #expect(found.level == 0.9)
    }

    @Test("quantiles are NumPy's")
    func quantiles() throws {
        let expected = try AuditFixture.read().bootstrap
        let found = expected.shares.map { Statistics.quantile($0, ofSorted: expected.values) }
        #expect(largestDifference(found, expected.quantiles) < 1e-12)
    }

    @Test("columns share their resamples: equal columns have equal intervals, and their difference none")
    func pairing() {
        let scores = (0..<50).map { Double($0 % 7) }
        let intervals = Bootstrap().intervals(
            ofMeans: [scores, scores, scores.map { _ in 0.25 }], seed: 1)
        #expect(intervals[0] == intervals[1] && intervals[2]?.lower == 0.25 && intervals[2]?.upper == 0.25)
        #expect(Bootstrap().intervals(ofMeans: [[]], seed: 1) == [nil])
    }

    @Test("settings are checked")
    func settings() async {
        #expect(
            await message { try Bootstrap(resamples: 99).validate() }
                == "bootstrap resamples cannot be 99; use a number from 100 to 100000")
        #expect(
            await message { try Bootstrap(level: 1).validate() }
                == "confidence level cannot be 1.0; use a number between 0 and 1, such as 0.95")
    }
}

@Suite("Histograms", .tags(.audit))
struct HistogramTests {
    @Test("bins are equal, shares add up, and a long tail is cut")
    func bins() {
        let edges = ScoreHistogram.edges(of: [0, 10], bins: 5)
        #expect(edges == [0, 2, 4, 6, 8, 10])
        let (half, third, sixth) = (0.5, 1.0 / 3, 1.0 / 6)
        #expect(ScoreHistogram.shares(of: [0, 1, 2, 10, -5, 50], edges: edges) == [half, sixth, 0, 0, third])
        let thousandths = (0..<1000).map { Double($0) / 1000 }
        let tail = ScoreHistogram.edges(of: thousandths + [1000])
        #expect((tail.last ?? 0) < 1.1)
        #expect(ScoreHistogram.edges(of: []).isEmpty && ScoreHistogram.shares(of: [1], edges: []).isEmpty)
        #expect(ScoreHistogram.edges(of: [3, 3]).first == 3)
    }
}
