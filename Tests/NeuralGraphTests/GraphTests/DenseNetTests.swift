import NeuralGraph
import TestSupport
import Testing

@Suite("Dense net", .tags(.graphs)) struct DenseNetTests {
    /// torchvision's counts, for 224x224 pixels and 1000 classes.
    @Test(
        "sizes are torchvisions",
        arguments: [
            (DenseNet.Variant.densenet121, 7_978_856), (.densenet169, 14_149_480), (.densenet201, 20_013_928),
        ])
    func sizesAreTorchvisions(_ variant: DenseNet.Variant, _ count: Int) throws {
        let graph = try DenseNet(variant).graph(inputShape: [224, 224, 3], classes: 1000)
        #expect(graph.parameters.reduce(0) { $0 + $1.specification.shape.count } == count)
        #expect(graph.outputShape == [1000] && graph.penultimate == "avgpool")
    }

    /// The names and shapes of the state dictionary, at both ends and where a block begins and ends.
    @Test("tensors are torchvisions") func tensorsAreTorchvisions() throws {
        let graph = try DenseNet(.densenet121).graph(inputShape: [224, 224, 3], classes: 1000)
        let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.key, $0.specification.shape) })
        let state = Set(graph.state.map(\.key))
        let expected: [String: TensorShape] = [
            "features.conv0.weight": [64, 3, 7, 7], "features.norm0.bias": [64],
            "features.denseblock1.denselayer1.norm1.weight": [64],
            "features.denseblock1.denselayer1.conv1.weight": [128, 64, 1, 1],
            "features.denseblock1.denselayer6.conv1.weight": [128, 224, 1, 1],
            "features.denseblock1.denselayer6.conv2.weight": [32, 128, 3, 3],
            "features.transition1.conv.weight": [128, 256, 1, 1],
            "features.denseblock4.denselayer16.norm1.weight": [992],
            "features.norm5.weight": [1024], "classifier.weight": [1000, 1024], "classifier.bias": [1000],
        ]
        for (name, shape) in expected { #expect(shapes[name] == shape, "\(name)") }
        #expect(state.contains("features.transition3.norm.running_var"))
        // 121 layers of weights and their norms' pairs of parameters.
        #expect(shapes.count == 364 && state.count == 363)
    }

    @Test("maps shrink as in the paper") func mapsShrinkAsInThePaper() throws {
        let shapes = { (size: Int, stem: ResNet.Stem) throws -> [TensorShape] in
            let graph = try DenseNet(.densenet121, stem: stem).graph(inputShape: [size, size, 3], classes: 10)
            return graph.nodes.filter { $0.name.hasSuffix(".pool") || $0.name.hasSuffix("relu5") }.map(\.shape)
        }
        #expect(try shapes(224, .imagenet) == [[28, 28, 128], [14, 14, 256], [7, 7, 512], [7, 7, 1024]])
        #expect(try shapes(32, .small) == [[16, 16, 128], [8, 8, 256], [4, 4, 512], [4, 4, 1024]])
    }
}
