import Foundation
import TestSupport
import Testing
import Unlearning

/// What SciPy, scikit-learn, PyTorch and onnxruntime say; written by Tests/Fixtures/Audit/make_evidence_fixtures.py.
private struct EvidenceFixture: Decodable {
    struct Quantile: Decodable {
        let probability: Double
        let freedom: Double
        let quantile: Double
    }

    struct Limit: Decodable {
        let values: [Double]
        let areDistances: Bool
        let deviation: Double
        let freedom: Double
        let rate: Double
        let limit: Double
    }

    struct RatioLimit: Decodable {
        let values: [Double]
        let deviation: Double
        let freedom: Double
        let rate: Double
        let low: Double
        let high: Double
    }

    struct Awareness: Decodable {
        let labels: [Int]
        let logits: [[Float]]
        let signals: [Double]
        let scores: [Double]
    }

    struct Attack: Decodable {
        let labels: [Int]
        let logits: [Float]
        let asked: [Float]
        let shares: [Double?]
    }

    let quantiles: [Quantile]
    let limits: [Limit]
    let ratioLimits: [RatioLimit]
    let awareness: Awareness
    let classAttack: Attack
    let rounded: [String: [Float]]

    static func read() throws -> EvidenceFixture { try AuditFixture.read(EvidenceFixture.self, "evidence.json") }
}

@Suite("Limits, attacks on images, rounded weights: other implementations", .tags(.audit))
struct EvidenceFixtureTests {
    @Test("quantiles of Student's t are SciPy's")
    func quantiles() throws {
        for entry in try EvidenceFixture.read().quantiles {
            let found = StudentDistribution.quantile(entry.probability, freedom: entry.freedom)
            #expect(abs(found - entry.quantile) <= 1e-9 * max(1, abs(entry.quantile)), "\(entry)")
        }
    }

    @Test("limits from the spread of retrained models are SciPy's moderated t intervals")
    func limits() throws {
        for entry in try EvidenceFixture.read().limits {
            let found = ReferenceSpread(deviation: entry.deviation, freedom: entry.freedom)
                .limit(rate: entry.rate, values: entry.values, areDistances: entry.areDistances)
            #expect(abs(found - entry.limit) < 1e-12, "\(entry)")
        }
    }

    @Test("limits of a ratio are SciPy's moderated t intervals of logarithms, on both sides of the mean")
    func ratioLimits() throws {
        for entry in try EvidenceFixture.read().ratioLimits {
            let spread = ReferenceSpread(deviation: entry.deviation, freedom: entry.freedom, scale: .logarithmic)
            func limit(_ side: MeasureThreshold.Side) -> Double {
                spread.limit(side, rate: entry.rate, values: entry.values, areDistances: false)
            }
            #expect(abs(1 + limit(.above) - entry.high) < 1e-9 * entry.high, "\(entry)")
            #expect(abs(1 - limit(.below) - entry.low) < 1e-9, "\(entry)")
            let linear = ReferenceSpread(deviation: entry.deviation, freedom: entry.freedom)
            #expect(
                linear.limit(.below, rate: entry.rate, values: entry.values, areDistances: false)
                    == linear.limit(.above, rate: entry.rate, values: entry.values, areDistances: false))
        }
        let read = try JSONDecoder().decode(
            ReferenceSpread.self, from: Data(#"{"deviation": 0.29, "freedom": 4}"#.utf8))
        #expect(read == ReferenceSpread(deviation: 0.29, freedom: 4), "records before the scale")
        let spread = ReferenceSpread(deviation: 0.37, freedom: 4, scale: .logarithmic)
        #expect(try JSONDecoder().decode(ReferenceSpread.self, from: JSONEncoder().encode(spread)) == spread)
    }

    @Test("one retrained model that learned fast does not make another over-forgotten, and the original leaks")
    func fastReference() {
        func verdict(_ time: Double, against others: [Double]) -> MeasureVerdict {
            let mean = others.reduce(0, +) / Double(others.count)
            func index(_ time: Double) -> MeasureValue {
                MeasureValue(AnamnesisIndex.value(time: time, retrained: mean))
            }
            let result = MeasureResult(
                AnamnesisIndex.description, original: index(0), unlearned: index(time), retrained: others.map(index))
            // With the other limits of the default, which share the false alarm rate.
            let rest = AuditThresholds.default.limits.keys.filter { $0 != "anamnesis-index" }.map { name in
                let other = MeasureDescription(
                    MeasureIdentifier(rawValue: name), title: name, definition: name, source: name, group: .outputs,
                    unit: .share, direction: .none)
                return MeasureResult(other, unlearned: MeasureValue(0), retrained: [MeasureValue(0)])
            }
            let judged = AuditThresholds.default.judged([result] + rest)[0]
            #expect(judged.findsOriginal == true)
            return judged.verdict
        }
        #expect(verdict(26, against: [4]) == .pass && verdict(4, against: [26]) == .pass)
        #expect(verdict(26, against: [1]) == .overForgotten && verdict(1, against: [26]) == .leak)
        #expect(verdict(26, against: [18, 20, 22]) == .pass && verdict(2, against: [18, 20, 22]) == .leak)
    }

    @Test("the distance to one retrained model is judged by a limit that was set, and not by default")
    func distanceToOne() {
        var thresholds = AuditThresholds.default
        let result = MeasureResult(
            TotalVariation.description, original: MeasureValue(0.9), unlearned: MeasureValue(0.4))
        #expect(thresholds.judged(result).verdict == .notJudged)
        thresholds.setLimits(of: TotalVariation.description, above: 0.3, below: nil)
        #expect(thresholds.judged(result).verdict == .leak && thresholds.judged(result).findsOriginal == true)
    }

    @Test("of truly retrained models a stated share exceeds the limit")
    func falseAlarms() {
        var random = SeededRandom(seed: 3, stream: "false alarms")
        for count in [1, 3, 10] {
            var alarms = 0
            for _ in 0..<4000 {
                let values = (0..<count).map { _ in 0.5 + 0.02 * random.normal() }
                let mean = values.reduce(0, +) / Double(count)
                let limit = ReferenceSpread(deviation: 0.02, freedom: 4)
                    .limit(rate: 0.05, values: values, areDistances: false)
                if 0.02 * random.normal() + 0.5 - mean > limit { alarms += 1 }
            }
            // With the usual deviation known the rate is at most the stated one; it is not far below either.
            #expect(alarms < 4000 / 20 && alarms > 4000 / 200, "\(count): \(alarms)")
        }
    }

    @Test("IAM has the signals and scores of SciPy's Gumbel distributions, and its ends")
    func awareness() throws {
        let fixture = try EvidenceFixture.read().awareness
        let signals = try fixture.logits.map { logits in
            InterpolatedMembership.signals(
                try Predictions(logits: Tensor(logits, shape: [fixture.labels.count, 5])), labels: fixture.labels)
        }
        #expect(largestDifference(signals[1], fixture.signals) < 1e-9)
        let scores = InterpolatedMembership.scores(
            unlearned: signals[1], original: signals[0], unseen: signals[2])
        #expect(largestDifference(scores, fixture.scores) < 1e-9)
        let kept = InterpolatedMembership.scores(
            unlearned: signals[0].map { $0 + 100 }, original: signals[0], unseen: signals[2])
        #expect(kept.allSatisfy { $0 < 1e-9 })
    }

    @Test("the class attack has the shares of scikit-learn's ridge regressions")
    func classAttack() throws {
        let fixture = try EvidenceFixture.read().classAttack
        let attack = try ClassAttack(
            logits: Tensor(fixture.logits, shape: [fixture.labels.count, 5]), labels: fixture.labels, classes: 5)
        let shares = try attack.shares(of: Tensor(fixture.asked, shape: [fixture.asked.count / 5, 5]))
        #expect(shares == fixture.shares)
        let gap = try #require(ClassAttack.largestGap(shares, [0, 0, 0, 0, 0]))
        #expect(gap.gap == shares.compactMap(\.self).max() && gap.label == 3)
    }

    @Test("weights are rounded as PyTorch and onnxruntime round them", arguments: WeightFormat.allCases)
    func rounding(format: WeightFormat) throws {
        let fixture = try EvidenceFixture.read().rounded
        let weights = try Tensor(#require(fixture["weights"]), shape: [3, 2, 2, 2])
        let expected = try #require(fixture[format.rawValue])
        #expect(try format.rounded(weights).elements == expected)
        let bias = try Tensor([0.1, -2.3], shape: [2])
        let isInteger = format == .int8 || format == .int4
        #expect(try (format.rounded(bias) == bias) == isInteger, "vectors stay floats beside integers")
    }

    @Test("an audit of rounded models measures the rounded models")
    func deployed() async throws {
        let model = try await Patterns.model
        var configuration = AuditedModels.configuration
        configuration.weights = .int4
        let result = try await AuditedModels.audit(model, configuration: configuration)
        let evaluated = try await Evaluator().accuracy(
            of: model.rounded(to: .int4), on: model.prepare(Patterns.test), forgottenClasses: AuditedModels.forgotten)
        #expect(result[.forgetAccuracyTest]?.unlearned?.value == evaluated.forgotten)
        #expect(result.verdict.isOriginal && result.configuration.weights == .int4)
        let data = try result.json()
        #expect(try JSONDecoder().decode(AuditResult.self, from: data) == result)
    }
}
