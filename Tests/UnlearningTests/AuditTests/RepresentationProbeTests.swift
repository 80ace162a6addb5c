import TestSupport
import Testing
import Unlearning

@Suite("Linear probe and nearest class centroid against scikit-learn", .tags(.audit))
struct RepresentationProbeTests {
    @Test("the probe is scikit-learn's ridge regression", arguments: RepresentationFixture.Kind.allCases)
    func ridgeRegression(_ kind: RepresentationFixture.Kind) throws {
        let fixture = try RepresentationFixture()
        let probe = try LinearProbe(
            features: RepresentationFixture.training(kind),
            labels: RepresentationFixture.labels(kind.sizes.training), classes: RepresentationFixture.classes)
        let test = try RepresentationFixture.test(kind)
        let expected = try fixture.file.values("\(kind.rawValue).ridge_scores")
        #expect(relativeDifference(try probe.scores(of: test), from: expected) < 1e-6)
        let classes = RepresentationFixture.classes
        let answers = (0..<kind.sizes.test).map { row in
            let scores = expected[row * classes..<(row + 1) * classes]
            return scores.indices.max { scores[$0] < scores[$1] }.map { $0 - row * classes }
        }
        #expect(try probe.predictions(of: test) == answers)
        #expect(Set(answers).count > 1)
    }

    @Test("the nearest centroid is scikit-learn's", arguments: RepresentationFixture.Kind.allCases)
    func nearestCentroid(_ kind: RepresentationFixture.Kind) throws {
        let fixture = try RepresentationFixture()
        let rule = try NearestCentroid(
            features: RepresentationFixture.training(kind),
            labels: RepresentationFixture.labels(kind.sizes.training), classes: RepresentationFixture.classes)
        let expected = try fixture.file.values("\(kind.rawValue).nearest_centroid").map { Int($0) }
        #expect(try rule.predictions(of: RepresentationFixture.test(kind)) == expected)
    }

    @Test("a network whose features are scaled has the same probe")
    func unitsDoNotMatter() throws {
        let labels = RepresentationFixture.labels(60)
        let training = try RepresentationFixture.training(.narrow)
        let test = try RepresentationFixture.test(.narrow)
        func scaled(_ tensor: Tensor) throws -> Tensor {
            try Tensor(tensor.elements.map { 1024 * $0 }, shape: tensor.shape)
        }
        let plain = try LinearProbe(features: training, labels: labels, classes: 4).scores(of: test)
        let large = try LinearProbe(features: scaled(training), labels: labels, classes: 4).scores(of: scaled(test))
        #expect(relativeDifference(large, from: plain) < 1e-10)
    }

    @Test("classes without examples are never the nearest")
    func classesWithoutExamples() throws {
        let features = try Tensor([0, 1, 0, 1], shape: [4, 1])
        let probe = try LinearProbe(features: features, labels: [0, 2, 0, 2], classes: 4)
        let center = try NearestCentroid(features: features, labels: [0, 2, 0, 2], classes: 4)
        let test = try Tensor([-1, 0.1, 0.9, 3], shape: [4, 1])
        #expect(try probe.predictions(of: test) == [0, 0, 2, 2])
        #expect(try center.predictions(of: test) == [0, 0, 2, 2])
        // Halfway, the first of equals.
        #expect(try center.predictions(of: Tensor([0.5], shape: [1, 1])) == [0])
    }

    @Test("features and labels that do not fit are errors")
    func badFeatures() throws {
        let constant = Tensor(repeating: 2, shape: [4, 3])
        #expect(throws: LinearAlgebraError.singular(matrix: "the probe's features", order: 1)) {
            try LinearProbe(features: constant, labels: [0, 1, 0, 1], classes: 2)
        }
        let undefined = try Tensor([1, 2, .nan, 4], shape: [4, 1])
        #expect(throws: LinearAlgebraError.notFinite(matrix: "the probe's features")) {
            try LinearProbe(features: undefined, labels: [0, 1, 0, 1], classes: 2)
        }
        #expect(throws: LinearAlgebraError.notFinite(matrix: "the class centroids' features")) {
            try NearestCentroid(features: undefined, labels: [0, 1, 0, 1], classes: 2)
        }
        for (shape, labels) in [([4, 1], [0, 1, 0]), ([4, 1], [0, 1, 2, 0]), ([0, 1], []), ([4], [0, 1, 0, 1])]
            as [(TensorShape, [Int])]
        {
            let features = Tensor(repeating: 1, shape: shape)
            #expect(throws: ShapeError.self) { try LinearProbe(features: features, labels: labels, classes: 2) }
            #expect(throws: ShapeError.self) { try NearestCentroid(features: features, labels: labels, classes: 2) }
        }
        let good = try Tensor([1, 2, 3, 4], shape: [4, 1])
        #expect(throws: UnlearningError.self) {
            try LinearProbe(features: good, labels: [0, 1, 0, 1], classes: 2, regularization: 0)
        }
        let probe = try LinearProbe(features: good, labels: [0, 1, 0, 1], classes: 2)
        #expect(throws: ShapeError.self) { try probe.predictions(of: constant) }
    }
}
