import TestSupport
import Testing
import Unlearning

@Suite("Grad-CAM against PyTorch's automatic differentiation", .tags(.audit))
struct RepresentationAttentionTests {
    private func pictures() throws -> Tensor {
        try GeneratedNumbers.symmetric("gradcam.input", shape: [3, 3, 8, 8], scale: 3.0.squareRoot()).channelsLast()
    }

    @Test("one picture at a time, two and a rest, and all at once", arguments: ["relu1", "relu2"], [1, 2, 5])
    func maps(_ node: String, _ capacity: Int) throws {
        let fixture = try RepresentationFixture()
        let maps = try ClassActivationMaps(
            model: RepresentationFixture.tinyNetwork(), node: node, batchCapacity: capacity)
        let result = try maps.maps(of: pictures(), for: [0, 3, 4])
        let expected = try fixture.file.tensor("gradcam.\(node)")
        #expect(result.shape == expected.shape)
        #expect(relativeDifference(result.elements, from: expected.elements) < 2e-5)
        let resized = try fixture.file.tensor("gradcam.\(node).resized")
        let size = expected.shape[1] * expected.shape[2]
        for number in 0..<3 {
            let map = try Tensor(
                Array(expected.elements[number * size..<(number + 1) * size]),
                shape: [expected.shape[1], expected.shape[2]])
            let large = try ActivationMapImage.resized(map, height: 10, width: 7)
            #expect(
                relativeDifference(large.elements, from: resized.elements[number * 70..<(number + 1) * 70]) < 1e-6)
        }
    }

    @Test("the deepest map that is large enough to show regions is chosen")
    func deepestMapThatShowsAPlace() throws {
        let large = try ResNet(.resnet18, stem: .imagenet).graph(inputShape: [32, 32, 3], classes: 10)
        #expect(ClassActivationMaps.node(of: large) == "layer2.1.relu2")
        let small = try ResNet(.resnet18, stem: .small).graph(inputShape: [32, 32, 3], classes: 10)
        #expect(ClassActivationMaps.node(of: small) == "layer4.1.relu2")
        let plain = try AllCNN().graph(inputShape: [32, 32, 3], classes: 10)
        #expect(ClassActivationMaps.node(of: plain) == "features.9.relu")
        #expect(ClassActivationMaps.node(of: plain, side: 9) == "features.5.relu")
        #expect(ClassActivationMaps.node(of: try vectorNetwork(features: 3, classes: 2)) == nil)
    }

    @Test("pictures, labels and nodes that do not fit are errors")
    func inputThatDoesNotFit() throws {
        let model = try RepresentationFixture.tinyNetwork()
        #expect(throws: GraphError.isOutput(node: "fc")) { try ClassActivationMaps(model: model, node: "fc") }
        #expect(throws: ShapeError.self) { try ClassActivationMaps(model: model, node: "pool") }
        let maps = try ClassActivationMaps(model: model, node: "relu2")
        #expect(maps.mapShape == [4, 4])
        let pictures = try pictures()
        #expect(throws: ShapeError.self) { try maps.maps(of: pictures, for: [0, 3]) }
        #expect(throws: ShapeError.self) { try maps.maps(of: pictures, for: [0, 3, 5]) }
        #expect(throws: ShapeError.self) { try maps.maps(of: pictures.channelsFirst(), for: [0, 3, 4]) }
        #expect(try maps.maps(of: Tensor(repeating: 0, shape: [0, 8, 8, 3]), for: []).count == 0)
    }

    @Test("maps become bytes, 255 for the largest value")
    func bytes() throws {
        #expect(ActivationMapImage.bytes(try Tensor([0, 1, 2, 4], shape: [2, 2])) == [0, 64, 128, 255])
        #expect(ActivationMapImage.bytes(Tensor(repeating: 0, shape: [2])) == [0, 0])
        #expect(ActivationMapImage.bytes(try Tensor([.infinity, 1], shape: [2])) == [0, 0])
        #expect(ActivationMapImage.bytes(try Tensor([.nan, 1], shape: [2])) == [0, 0])
        #expect(ActivationMapImage.bytes(try Tensor([1, .nan], shape: [2])) == [0, 0])
        let one = try ActivationMapImage.resized(Tensor([3], shape: [1, 1]), height: 2, width: 3)
        #expect(one == Tensor(repeating: 3, shape: [2, 3]))
        // Between two pixels: a quarter and three quarters of the way.
        let two = try ActivationMapImage.resized(Tensor([0, 4], shape: [1, 2]), height: 1, width: 4)
        #expect(two.elements == [0, 1, 3, 4])
        #expect(throws: ShapeError.self) {
            try ActivationMapImage.resized(Tensor(repeating: 1, shape: [0, 2]), height: 1, width: 1)
        }
        #expect(throws: ShapeError.self) {
            try ActivationMapImage.resized(Tensor(repeating: 1, shape: [2, 2]), height: 0, width: 1)
        }
    }
}
