import ImageDatasets
import NeuralGraph
import TestSupport
import Testing
import Unlearning

/// What scikit-learn says; written by Tests/Fixtures/Audit/make_weighted_probe.py.
private struct WeightedProbeFixture: Decodable {
    struct Unbalanced: Decodable {
        let training: [Float]
        let labels: [Int]
        let weights: [Double]
        let asked: [Float]
        let scores: [Double]
        let weighted: Double
        let plain: Double
        let population: Double
        let draws: [[[Double]]]
        let values: [Double]

        static let (classes, forgotten, width) = (50, 7, 10)
    }

    struct Wide: Decodable {
        let training: [Float]
        let labels: [Int]
        let weights: [Double]
        let scores: [Double]
    }

    let unbalanced: Unbalanced
    let wide: Wide

    static func read() throws -> WeightedProbeFixture { try AuditFixture.read(Self.self, "weighted_probe.json") }
}

@Suite("Linear probe of examples that were drawn more often than others", .tags(.audit))
struct WeightedProbeTests {
    private typealias Unbalanced = WeightedProbeFixture.Unbalanced

    private func matrix(_ elements: [Float]) -> DoubleMatrix {
        DoubleMatrix(
            rows: elements.count / Unbalanced.width, columns: Unbalanced.width, elements: elements.map(Double.init))
    }

    @Test("the weighted probe is scikit-learn's, and close to the one of the whole data set, unlike the plain one")
    func unbalanced() throws {
        let data = try WeightedProbeFixture.read().unbalanced
        let features = try Tensor(data.training, shape: [data.labels.count, Unbalanced.width])
        let asked = try Tensor(data.asked, shape: [data.asked.count / Unbalanced.width, Unbalanced.width])
        func recall(_ weights: [Double]?) throws -> Double {
            let probe = try LinearProbe(
                features: features, labels: data.labels, classes: Unbalanced.classes, weights: weights)
            let predicted = try probe.predictions(of: asked)
            return Double(predicted.count { $0 == Unbalanced.forgotten }) / Double(predicted.count)
        }
        let (weighted, plain) = (try recall(data.weights), try recall(nil))
        #expect(abs(weighted - data.weighted) < 1e-12 && abs(plain - data.plain) < 1e-12)
        #expect(abs(weighted - data.population) < 0.05 && plain > data.population + 0.3)
        let probe = try LinearProbe(
            features: features, labels: data.labels, classes: Unbalanced.classes, weights: data.weights)
        let scores = try Array(probe.scores(of: asked).prefix(data.scores.count))
        #expect(relativeDifference(scores, from: data.scores) < 1e-9)
    }

    @Test("probes of resamples weight as the probe does, and classes with fewer examples than groups are spread")
    func refitted() throws {
        let data = try WeightedProbeFixture.read().unbalanced
        let rows = data.asked.count / Unbalanced.width
        let rule = try #require(
            RefittedProbe(
                features: matrix(data.training), labels: data.labels, classes: Unbalanced.classes,
                weights: data.weights, asking: matrix(data.asked),
                labels: [Int](repeating: Unbalanced.forgotten, count: rows)))
        let found = rule.recalls(drawn: data.draws)
        #expect(largestDifference(found.map { $0 ?? .nan }, data.values) < 1e-9)
        let once = rule.kinds.map { [Double](repeating: 1, count: $0) }
        #expect(abs(try #require(rule.recalls(drawn: [once])[0]) - data.weighted) < 1e-9)
    }

    @Test("with fewer examples than features the weighted probe is scikit-learn's, too; equal weights change nothing")
    func wide() throws {
        let data = try WeightedProbeFixture.read().wide
        let features = try Tensor(data.training, shape: [data.labels.count, data.training.count / data.labels.count])
        func scores(_ weights: [Double]?) throws -> [Double] {
            try LinearProbe(features: features, labels: data.labels, classes: 3, weights: weights).scores(of: features)
        }
        #expect(relativeDifference(try scores(data.weights), from: data.scores) < 1e-9)
        let equal = [Double](repeating: 2, count: data.labels.count)
        #expect(relativeDifference(try scores(equal), from: try scores(nil)) < 1e-10)
        #expect(relativeDifference(try scores(nil), from: data.scores) > 1e-4)
        for wrong in [[1], equal.map { -$0 }, equal.map { $0 * .infinity }] {
            #expect(throws: ShapeError.self) { try scores(wrong) }
        }
    }

    @Test("an audit's examples weigh what their classes are in the data, exactly 1 where drawn in proportion")
    func samples() throws {
        // Ten classes of 90 examples, of which 200 are drawn: a tenth of them is in proportion.
        func samples(_ counts: [Int], limit: Int) throws -> AuditSamples {
            let labels = counts.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
            let examples = try TensorExamples(Tensor(repeating: 0, shape: [labels.count, 1]), labels: labels)
            return try AuditSamples(
                from: examples, limit: limit, forgotten: [3], classCount: counts.count, seed: 1)
        }
        #expect(try samples([Int](repeating: 90, count: 10), limit: 200).weights.allSatisfy { $0 == 1 })
        #expect(try samples([5, 70, 3, 8], limit: 1000).weights == [Double](repeating: 1, count: 86))
        // A hundred classes of 30: of the forgotten one all 30 are drawn, where a hundredth would be 3.
        let many = try samples([Int](repeating: 30, count: 100), limit: 300)
        #expect(many.forgotten.count == 30)
        for row in many.forgotten { #expect(abs(many.weights[row] - 0.1) < 1e-12) }
        let total = (0..<100).map { label in
            zip(many.labels, many.weights).reduce(0) { $0 + ($1.0 == label ? $1.1 : 0) }
        }
        for sum in total { #expect(abs(sum - 3) < 1e-9) }
    }
}
