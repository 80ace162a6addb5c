import TestSupport
import Testing
import Unlearning

@Suite("Kernel alignment against NumPy, principal components against scikit-learn", .tags(.audit))
struct RepresentationSpaceTests {
    @Test("kernel alignment is NumPy's", arguments: RepresentationFixture.Kind.allCases)
    func alignment(_ kind: RepresentationFixture.Kind) throws {
        let fixture = try RepresentationFixture()
        let features = try RepresentationFixture.training(kind)
        let other = try fixture.file.tensor("\(kind.rawValue).cka_input")
        let expected = try fixture.file.scalar("\(kind.rawValue).cka")
        let value = try #require(try FeatureAlignment(reference: features).value(with: other))
        #expect(abs(value - expected) < 1e-6)
        let reversed = try #require(try FeatureAlignment(reference: other).value(with: features))
        #expect(abs(reversed - value) < 1e-12)
    }

    @Test("alignment is 1 up to rotation, scale and shift")
    func whatAlignmentPassesOver() throws {
        let features = try RepresentationFixture.training(.narrow)
        let width = features.shape[1]
        let turned = try Tensor(
            features.elements.indices.map { index in
                let column = index % width
                return 5 - 3 * features[index - column + (width - 1 - column)]
            }, shape: features.shape)
        let value = try #require(try FeatureAlignment(reference: features).value(with: turned))
        #expect(abs(value - 1) < 1e-6)
        // Two features that have nothing to do with each other.
        let first = try Tensor([1, -1, 1, -1], shape: [4, 1])
        let second = try Tensor([1, 1, -1, -1], shape: [4, 1])
        #expect(try FeatureAlignment(reference: first).value(with: second) == 0)
        #expect(try FeatureAlignment(reference: first).value(with: first) == 1)
    }

    @Test("features that cannot be aligned are nil or errors")
    func featuresThatCannotBeAligned() throws {
        let features = try Tensor([1, 2, 3], shape: [3, 1])
        let constant = Tensor(repeating: 7, shape: [3, 2])
        #expect(try FeatureAlignment(reference: features).value(with: constant) == nil)
        #expect(try FeatureAlignment(reference: constant).value(with: features) == nil)
        #expect(throws: ShapeError.self) {
            try FeatureAlignment(reference: features).value(with: Tensor(repeating: 1, shape: [2, 1]))
        }
        #expect(throws: LinearAlgebraError.self) {
            try FeatureAlignment(reference: features).value(with: Tensor([1, 2, .infinity], shape: [3, 1]))
        }
    }

    @Test("principal components are scikit-learn's", arguments: RepresentationFixture.Kind.allCases)
    func components(_ kind: RepresentationFixture.Kind) throws {
        let fixture = try RepresentationFixture()
        let training = try RepresentationFixture.training(kind)
        let components = try PrincipalComponents(features: training)
        let coordinates = try components.coordinates(of: RepresentationFixture.test(kind))
        let expected = try fixture.file.values("\(kind.rawValue).pca")
        // scikit-learn's sign convention is the same: the largest entry of a direction is positive.
        let directions = try fixture.file.tensor("\(kind.rawValue).pca_components")
        for row in 0..<2 {
            let direction = directions.elements[row * kind.sizes.width..<(row + 1) * kind.sizes.width]
            let extreme = try #require(direction.max { abs($0) < abs($1) })
            #expect(extreme > 0)
        }
        #expect(relativeDifference(coordinates, from: expected) < 1e-6)
        let explained = try components.explainedVariance(of: training)
        #expect(relativeDifference(explained, from: try fixture.file.values("\(kind.rawValue).pca_explained")) < 1e-6)
    }

    @Test("points on a line have one component, and a second one of zeros", arguments: [1, 7])
    func line(_ repetitions: Int) throws {
        let points: [Float] = [0, 0, 0, 3, 4, 0, 6, 8, 0]
        let elements = (0..<repetitions).flatMap { _ in points }
        let features = try Tensor(elements, shape: [3 * repetitions, 3])
        let components = try PrincipalComponents(features: features)
        let coordinates = try components.coordinates(of: Tensor([0, 0, 5, 3, 4, 1, 6, 8, 0], shape: [3, 3]))
        for (value, expected) in zip(coordinates, [-5, 0, 0, 0, 5, 0]) {
            #expect(abs(value - Double(expected)) < 1e-12)
        }
        let explained = try components.explainedVariance(of: features)
        #expect(abs(explained[0] - 1) < 1e-12 && explained[1] == 0)
        // Fewer examples than features.
        let two = try PrincipalComponents(features: Tensor([1, 0, 0, 3, 0, 0], shape: [2, 3]))
        #expect(try two.coordinates(of: Tensor([5, 9, 9], shape: [1, 3])) == [3, 0])
    }

    @Test("features without principal components are errors")
    func featuresWithoutComponents() throws {
        for shape in [[1, 5], [5, 1], [0, 2], [4]] as [TensorShape] {
            #expect(throws: ShapeError.self) { try PrincipalComponents(features: Tensor(repeating: 1, shape: shape)) }
        }
        #expect(throws: LinearAlgebraError.self) {
            try PrincipalComponents(features: Tensor([1, 2, .nan, 4], shape: [2, 2]))
        }
        let constant = try PrincipalComponents(features: Tensor(repeating: 1, shape: [4, 2]))
        #expect(try constant.explainedVariance(of: Tensor(repeating: 1, shape: [4, 2])) == [0, 0])
    }
}
