import Foundation
import NeuralGraph
import TestSupport
import Testing
import Unlearning

/// What NumPy and scikit-learn say; written by Tests/Fixtures/Audit/make_refits.py.
private struct RefitFixture: Decodable {
    /// Resamples with their values, and intervals of thousands of others.
    struct Expected: Decodable {
        let counts: [[[Double]]]
        let values: [Double]
        let interval: [Double]
        /// If only the examples in question are resampled.
        let fixed: [Double]
    }

    struct Attack: Decodable {
        let members: [Double]
        let others: [Double]
        let asked: [Double]
    }

    struct LossAttack: Decodable {
        let members: [Double]
        let others: [Double]
        let memberFolds: [Int]
        let otherFolds: [Int]
    }

    struct Features: Decodable {
        let training: [Double]
        let labels: [Int]
        let asked: [Double]
        let weight: [Float]?
        let bias: [Float]?
        let choices: [[[Int]]]?

        static let classes = 4
        static let forgotten = 2
        static let width = 5

        func matrix(_ elements: [Double]) -> DoubleMatrix {
            DoubleMatrix(rows: elements.count / Self.width, columns: Self.width, elements: elements)
        }
        var askedLabels: [Int] { [Int](repeating: Self.forgotten, count: asked.count / Self.width) }
    }

    struct Case<Content: Decodable>: Decodable {
        let content: Content
        let expected: Expected

        init(from decoder: any Decoder) throws {
            (content, expected) = (try Content(from: decoder), try Expected(from: decoder))
        }
    }

    let attack: Case<Attack>
    let lossAttack: Case<LossAttack>
    let centroid: Case<Features>
    let probe: Case<Features>
    let prototype: Case<Features>

    static func read() throws -> RefitFixture { try AuditFixture.read(Self.self, "refits.json") }
}

@Suite("Attacks and probes that are fitted again to resamples", .tags(.audit))
struct RefitTests {
    private let fixture: RefitFixture
    private static let resamples = 4000

    init() throws {
        fixture = try RefitFixture.read()
    }

    private func expect(
        _ expected: RefitFixture.Expected, values: [Double?], resampled: [Double?], sourceLocation: SourceLocation
    ) throws {
        #expect(
            largestDifference(values.map { $0 ?? .nan }, expected.values) < 1e-9, sourceLocation: sourceLocation)
        let found = try #require(Bootstrap().interval(of: resampled))
        let width = expected.interval[1] - expected.interval[0]
        // Four standard errors of the two quantiles, and less than what holding the fit makes of the interval.
        let tolerance = 0.07 * width
        #expect(abs(found.lower - expected.interval[0]) < tolerance, sourceLocation: sourceLocation)
        #expect(abs(found.upper - expected.interval[1]) < tolerance, sourceLocation: sourceLocation)
        let difference = max(
            abs(expected.fixed[0] - expected.interval[0]), abs(expected.fixed[1] - expected.interval[1]))
        #expect(difference > tolerance, "the fixture can tell", sourceLocation: sourceLocation)
    }

    private func draws(_ kinds: [Int]) -> [[[Double]]] {
        var draws = Bootstrap.Draws(Self.resamples, of: kinds, seed: 1)
        return draws.next(Self.resamples)
    }

    @Test("the share that an attack calls members is scikit-learn's")
    func attack() throws {
        let data = fixture.attack.content
        let attack = try #require(RefittedAttack(members: data.members, nonMembers: data.others, asking: data.asked))
        let expected = fixture.attack.expected
        try expect(
            expected, values: expected.counts.map { attack.share(drawn: $0) },
            resampled: draws(attack.kinds).map { attack.share(drawn: $0) }, sourceLocation: #_sourceLocation)
    }

    @Test("the attack on losses is scikit-learn's, and an example keeps its fold")
    func lossAttack() throws {
        let data = fixture.lossAttack.content
        let attack = try #require(
            RefittedLossAttack(
                members: data.members, others: data.others, memberFolds: data.memberFolds, otherFolds: data.otherFolds)
        )
        let expected = fixture.lossAttack.expected
        try expect(
            expected, values: expected.counts.map { attack.balancedAccuracy(drawn: $0) },
            resampled: draws(attack.kinds).map { attack.balancedAccuracy(drawn: $0) },
            sourceLocation: #_sourceLocation)
        let once = attack.kinds.map { [Double](repeating: 1, count: $0) }
        let scores = LossAttack.scores(
            members: data.members, others: data.others, memberFolds: data.memberFolds, otherFolds: data.otherFolds)
        let whole = try #require(scores.flatMap { Statistics.mean($0) })
        #expect(abs(try #require(attack.balancedAccuracy(drawn: once)) - whole) < 1e-12)
    }

    @Test("recall by the nearest centroid is scikit-learn's")
    func centroid() throws {
        let data = fixture.centroid.content
        let rule = RefittedCentroids(
            features: data.matrix(data.training), labels: data.labels, classes: RefitFixture.Features.classes,
            asking: data.matrix(data.asked), labels: data.askedLabels)
        let expected = fixture.centroid.expected
        try expect(
            expected, values: rule.recalls(drawn: expected.counts),
            resampled: rule.recalls(drawn: draws(rule.kinds)), sourceLocation: #_sourceLocation)
    }

    @Test("recall by the linear probe is scikit-learn's ridge regression")
    func probe() throws {
        let data = fixture.probe.content
        let rule = try #require(
            RefittedProbe(
                features: data.matrix(data.training), labels: data.labels, classes: RefitFixture.Features.classes,
                asking: data.matrix(data.asked), labels: data.askedLabels))
        let expected = fixture.probe.expected
        try expect(
            expected, values: rule.recalls(drawn: expected.counts),
            resampled: rule.recalls(drawn: draws(rule.kinds)), sourceLocation: #_sourceLocation)
        #expect(
            RefittedProbe(
                features: DoubleMatrix(repeating: 1, rows: 3, columns: 4), labels: [0, 1, 2], classes: 3,
                asking: DoubleMatrix(repeating: 1, rows: 1, columns: 4), labels: [0]) == nil, "too few examples")
    }

    @Test("accuracy with prototypes of other images is NumPy's")
    func prototype() throws {
        let data = fixture.prototype.content
        typealias Features = RefitFixture.Features
        let head = try LinearHead(
            weight: Tensor(try #require(data.weight), shape: [Features.classes, Features.width]),
            bias: Tensor(try #require(data.bias), shape: [Features.classes]))
        let relearning = try PrototypeRelearning(
            head: head,
            features: Tensor(data.training.map { Float($0) }, shape: [data.labels.count, Features.width]),
            labels: data.labels, forgotten: [Features.forgotten])
        let rows = data.labels.indices.filter { data.labels[$0] == Features.forgotten }
        let members = rows.flatMap { data.training[$0 * Features.width..<($0 + 1) * Features.width] }
        let rule = RefittedPrototypes(
            relearning, members: [Features.forgotten: data.matrix(members)], asking: data.matrix(data.asked),
            labels: data.askedLabels)
        let expected = fixture.prototype.expected
        // One class is rewritten, so that each choice is of one class's images.
        let choices = try #require(data.choices).map { $0.map { [$0] } }
        var random = SeededRandom(seed: 2)
        let drawn = draws([data.askedLabels.count]).map { $0[0] }
        let others = drawn.map { _ in
            (0..<5).map { _ in [(0..<10).map { _ in random.integer(below: rule.memberCounts[0]) }] }
        }
        try expect(
            expected, values: rule.accuracies(choices, drawn: expected.counts.map { $0[0] }),
            resampled: rule.accuracies(others, drawn: drawn), sourceLocation: #_sourceLocation)
    }

    @Test("a fit far from its examples, or of one kind, is no trouble")
    func edges() throws {
        // Apart from each other: Newton's method alone would leave for infinity.
        let apart = try #require(
            RefittedAttack(members: [10, 11, 12, 40], nonMembers: [1, 2, 3, 39], asking: [0, 20]))
        #expect(apart.share(drawn: [[2, 1, 1, 0], [1, 1, 2, 0], [1, 1]]) == 0.5)
        #expect(apart.share(drawn: [[0, 0, 0, 0], [1, 1, 2, 0], [1, 1]]) == nil)
        #expect(apart.share(drawn: [[1, 1, 1, 1], [1, 1, 2, 0], [0, 0]]) == nil)
        let equal = try #require(RefittedAttack(members: [5, 5], nonMembers: [5, 5], asking: [5]))
        #expect(equal.share(drawn: [[2, 0], [1, 1], [1]]) != nil)
        var none = Bootstrap.Draws(10, of: [3, 0], seed: 1)
        #expect(none.next(5).isEmpty)
        #expect(Bootstrap().interval(of: [nil, nil, 1]) == nil && Bootstrap().interval(of: []) == nil)
    }

    @Test("the same seed draws the same resamples, however many at a time")
    func draws() {
        var (one, other) = (Bootstrap.Draws(7, of: [3, 4], seed: 1), Bootstrap.Draws(7, of: [3, 4], seed: 1))
        let whole = one.next(100)
        #expect(whole.count == 7 && whole.allSatisfy { $0[0].reduce(0, +) == 3 && $0[1].reduce(0, +) == 4 })
        #expect(other.next(3) + other.next(4) == whole && other.next(1).isEmpty)
    }
}
