import Foundation
import NeuralGraph
import TestSupport
import Testing

@Suite("Parameter", .tags(.graphs)) struct ParameterTests {
    private func draw(_ initializer: Initializer, count: Int, seed: UInt64 = 1) -> [Double] {
        var random = SeededRandom(seed: seed, stream: "initializer")
        return initializer.tensor(shape: [count], random: &random).elements.map(Double.init)
    }

    private func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / Double(values.count)).squareRoot())
    }

    @Test("constants are constant") func constantsAreConstant() {
        #expect(draw(.constant(0.25), count: 5) == [0.25, 0.25, 0.25, 0.25, 0.25])
    }

    /// Within six standard errors of what the distribution has.
    @Test("uniform has its bound and spread") func uniformHasItsBoundAndSpread() {
        let (count, bound) = (100_000, 0.3)
        let values = draw(.uniform(bound: Float(bound)), count: count)
        let (mean, deviation) = moments(values)
        #expect(values.allSatisfy { abs($0) <= Double(Float(bound)) })
        #expect(values.contains { $0 > 0.99 * bound } && values.contains { $0 < -0.99 * bound })
        let expected = bound / 3.0.squareRoot()
        #expect(abs(mean) < 6 * expected / Double(count).squareRoot())
        #expect(abs(deviation / expected - 1) < 6 / Double(count).squareRoot())
    }

    @Test("normal has its spread and tails") func normalHasItsSpreadAndTails() {
        let count = 100_000
        let values = draw(.normal(standardDeviation: 0.05), count: count).map { $0 / 0.05 }
        let (mean, deviation) = moments(values)
        #expect(abs(mean) < 6 / Double(count).squareRoot())
        #expect(abs(deviation - 1) < 6 / Double(2 * count).squareRoot())
        for (limit, share) in [(1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)] {
            let outside = Double(values.filter { abs($0) > limit }.count) / Double(count)
            #expect(abs(outside - share) < 6 * (share / Double(count)).squareRoot(), "beyond \(limit)")
        }
    }

    /// PyTorch's defaults: 1 / sqrt(fan in), and He's by fan-out for ResNet.
    @Test("operations start as PyTorch's") func operationsStartAsPyTorchs() throws {
        var builder = GraphBuilder(inputShape: [8, 8, 6])
        let x = try builder.convolution(builder.input, named: "conv", channels: 4, kernelSize: 3, groups: 2)
        let y = try builder.globalAveragePool(x, named: "pool")
        _ = try builder.linear(y, named: "fc", outputs: 3)
        let initializers = try Dictionary(
            uniqueKeysWithValues: builder.graph().parameters.map { ($0.key, $0.specification.initializer) })
        let convolution = Initializer.uniform(bound: 1 / Float(27).squareRoot())
        #expect(initializers["conv.weight"] == convolution && initializers["conv.bias"] == convolution)
        #expect(initializers["fc.weight"] == .uniform(bound: 0.5) && initializers["fc.bias"] == .uniform(bound: 0.5))
        let network = try ResNet(.resnet18).graph(inputShape: [32, 32, 3], classes: 10).parameters
        let stem = network.first { $0.key == "conv1.weight" }?.specification.initializer
        #expect(stem == .normal(standardDeviation: (2 / Float(64 * 49)).squareRoot()))
    }

    /// The same seed gives the same numbers; names have streams of their own, which a new layer does not move.
    @Test("models follow their seed") func modelsFollowTheirSeed() throws {
        let small = try ResNet(.resnet18, stem: .small).graph(inputShape: [32, 32, 3], classes: 10)
        let other = try ResNet(.resnet18, stem: .small).graph(inputShape: [32, 32, 3], classes: 7)
        let model = Model(graph: small, seed: 5)
        #expect(model.parameters == Model(graph: small, seed: 5).parameters)
        #expect(model.parameters["conv1.weight"] != Model(graph: small, seed: 6).parameters["conv1.weight"])
        #expect(model.parameters["conv1.weight"] == Model(graph: other, seed: 5).parameters["conv1.weight"])
        #expect(model.parameters["layer1.0.conv1.weight"] != model.parameters["layer1.0.conv2.weight"])
        #expect(model.state["bn1.running_var"]?.elements == [Float](repeating: 1, count: 64))
        #expect(model.parameterCount == 11_173_962)
    }

    @Test(
        "layouts go there and back",
        arguments: [
            (.unchanged, [2, 3, 4]),
            (.permuted(view: [2, 3, 4], order: [2, 0, 1]), [2, 3, 4]),
            (.permuted(view: [2, 2, 3, 5, 1], order: [0, 3, 4, 2, 1]), [4, 3, 5, 1]),
        ] as [(ParameterLayout, TensorShape)])
    func layoutsGoThereAndBack(_ layout: ParameterLayout, _ shape: TensorShape) throws {
        let tensor = try Tensor((0..<shape.count).map(Float.init), shape: shape)
        let stored = layout.stored(tensor)
        #expect(stored.sorted() == tensor.elements)
        #expect(try layout.restored(stored, shape: shape) == tensor)
        if layout != .unchanged { #expect(stored != tensor.elements) }
    }

    /// The engine's order of convolution weights: groups, rows, columns, inputs, outputs.
    @Test("convolution weights are stored by tap") func convolutionWeightsAreStoredByTap() throws {
        let operation = Convolution(outputChannels: 4, kernelSize: Size2D(height: 2, width: 3), groups: 2)
        let specification = operation.parameters(for: [[5, 5, 6]])[0]
        let shape = specification.shape
        #expect(shape == [4, 3, 2, 3])
        let tensor = try Tensor((0..<shape.count).map(Float.init), shape: shape)
        let stored = specification.layout.stored(tensor)
        for group in 0..<2 {
            for (kh, kw, input, output) in [(0, 0, 0, 0), (1, 2, 2, 1), (0, 1, 1, 0)] {
                let there = (((group * 2 + kh) * 3 + kw) * 3 + input) * 2 + output
                let here = (((group * 2 + output) * 3 + input) * 2 + kh) * 3 + kw
                #expect(stored[there] == tensor[here])
            }
        }
    }
}
