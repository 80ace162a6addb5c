import TestSupport
import Testing
import Unlearning

/// What scikit-learn and NumPy say; written by Tests/Fixtures/Audit/make_evidence_fixtures.py.
private struct HeadShareFixture: Decodable {
    struct Case: Decodable {
        let forgotten: [Int]
        let labels: [Int]
        let original: [Int]
        let own: [Int]
        let restored: [Int]
        let recognition: [Double]
        let recall: Double
        let falsePositives: Double
        let share: Double
        let interval: [Double]
        let draws: [[[Double]]]
        let drawn: [Double]

        var trial: HeadShareTrial {
            HeadShareTrial(
                original: original, own: own, restored: restored, labels: labels, forgotten: Set(forgotten))
        }
    }

    let headShares: [Case]
}

@Suite("Head shares", .tags(.audit))
struct HeadShareTests {
    @Test("shares, their parts and their intervals are scikit-learn's and NumPy's, of one class and of several")
    func fixture() throws {
        for entry in try AuditFixture.read(HeadShareFixture.self, "evidence.json").headShares {
            let forgotten = Set(entry.forgotten)
            let found = [entry.original, entry.own, entry.restored].map {
                HeadShare.recognition(predicted: $0, labels: entry.labels, forgotten: forgotten).reduce(0, +)
            }
            #expect(largestDifference(found, entry.recognition) < 1e-12)
            let trial = entry.trial
            #expect(abs(try #require(trial.value) - entry.share) < 1e-12)
            #expect(abs(trial.restored.recall - entry.recall) < 1e-12)
            #expect(abs(trial.restored.falsePositives - entry.falsePositives) < 1e-12)
            #expect(largestDifference(trial.shares(drawn: entry.draws).map { $0 ?? .nan }, entry.drawn) < 1e-9)
            var draws = Bootstrap.Draws(4000, of: trial.kinds, seed: 1)
            let interval = try #require(Bootstrap().interval(of: trial.shares(drawn: draws.next(4000))))
            let width = entry.interval[1] - entry.interval[0]
            #expect(abs(interval.lower - entry.interval[0]) < 0.07 * width)
            #expect(abs(interval.upper - entry.interval[1]) < 0.07 * width)
        }
    }

    @Test("answers that do not depend on the image are no recognition")
    func chance() {
        let labels = (0..<400).map { $0 % 4 }
        func recognition(_ predicted: [Int], _ forgotten: Set<Int> = [2]) -> Double {
            HeadShare.recognition(predicted: predicted, labels: labels, forgotten: forgotten).reduce(0, +)
        }
        let always = labels.map { _ in 2 }
        #expect(abs(recognition(always)) < 1e-12 && abs(recognition(always, [1, 2])) < 1e-12)
        // Three quarters of every class.
        let often = labels.indices.map { $0 / 4 % 4 == 0 ? 0 : 2 }
        #expect(abs(recognition(often)) < 1e-12)
        #expect(abs(recognition(labels) - 1) < 1e-12 && abs(recognition(labels, [1, 2]) - 1) < 1e-12)
        // One class for the other is a wrong answer, but no false positive among the retained.
        #expect(abs(recognition(labels.map { $0 == 1 ? 2 : $0 }, [1, 2]) - 0.5) < 1e-12)
        #expect(abs(recognition(labels.map { $0 == 2 ? 0 : 2 }) + 1) < 1e-12)
    }

    @Test("an original's layer that gives a network of another seed the class for most images brings nothing back")
    func otherSeed() {
        let labels = (0..<1000).map { $0 % 10 }
        // 90 of 100 images of the forgotten class, and 800 of the other 900.
        let restored = labels.indices.map { labels[$0] == 0 ? ($0 / 10 < 90 ? 0 : 1) : ($0 % 9 < 8 ? 0 : 1) }
        let other = HeadShareTrial(
            original: labels, own: labels.map { max(1, $0) }, restored: restored, labels: labels, forgotten: [0])
        #expect(other.restored.recall > 0.89)
        #expect(other.value.map { $0 < 0.1 } == true)
        let masked = HeadShareTrial(
            original: labels, own: labels.map { max(1, $0) }, restored: labels, labels: labels, forgotten: [0])
        #expect(masked.value == 1 && masked.restored.falsePositives == 0)
    }

    @Test("an audit measures what a network with the original's last layer predicts")
    func audit() async throws {
        let original = try await Patterns.model
        let retrained = try await AuditedModels.retrained[0]
        let swapped = try retrained.replacing(
            Dictionary(
                uniqueKeysWithValues: ["fc.weight", "fc.bias"].compactMap { name in
                    original.stateDictionary[name].map { (name, $0) }
                }))
        let result = try await AuditedModels.audit(retrained)
        let labels = (0..<Patterns.test.count).map { Patterns.test.label(at: $0) }
        var sums: [Double] = []
        for model in [original, retrained, swapped] {
            let predicted = try Predictions(logits: await Predictor().logits(of: Patterns.test, by: model)).predicted
            let parts = HeadShare.recognition(
                predicted: predicted, labels: labels, forgotten: AuditedModels.forgotten)
            sums.append(parts.reduce(0, +))
        }
        let expected = HeadShare.value(original: sums[0], unlearned: sums[1], restored: sums[2])
        let share = try #require(result[.headShareLayer])
        let value = try #require(share.unlearned)
        #expect(abs(value.value - (try #require(expected))) < 1e-9)
        #expect(share.verdict == .pass && share.rows.map(\.name) == ["recall", "false positives"])
        let recall = try #require(share.rows[0].values.unlearned)
        let falsePositives = try #require(share.rows[1].values.unlearned)
        #expect(abs(recall - falsePositives - sums[2]) < 1e-9)
        #expect(value.interval.map { $0.lower <= value.value && value.value <= $0.upper } ?? (sums[2] == 0))
    }
}
