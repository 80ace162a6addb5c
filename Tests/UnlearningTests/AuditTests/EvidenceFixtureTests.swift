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
