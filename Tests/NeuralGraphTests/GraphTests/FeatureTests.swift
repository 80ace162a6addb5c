import NeuralGraph
import TestSupport
import Testing

/// Networks that show their features beside their answers.
@Suite("Feature", .tags(.graphs)) struct FeatureTests {
    private let options = EngineRun.Options().with { $0.mode = .inference }

    private func numbers(_ name: String, _ shape: TensorShape) throws -> [Float] {
        try GeneratedNumbers.symmetric(name, shape: shape).elements
    }

    @Test("the output is the features and the logits, and the gradients of both add up")
    func showsFeatures() throws {
        let model = try GeneratedNumbers.model(
            ResNet(.resnet18, stem: .small).graph(inputShape: [8, 8, 3], classes: 5))
        let showing = try #require(model.withFeatureOutput)
        #expect(showing.graph.outputShape == [517] && showing.stateDictionary == model.stateDictionary)
        let input = try numbers("input", [2, 8, 8, 3])
        let (byFeatures, byLogits) = (try numbers("features", [2, 512]), try numbers("logits", [2, 5]))
        func row(_ row: Int, _ features: [Float], _ logits: [Float]) -> [Float] {
            Array(features[row * 512..<(row + 1) * 512]) + Array(logits[row * 5..<(row + 1) * 5])
        }
        let both = try EngineRun(
            showing, input: input, outputGradient: (0..<2).flatMap { row($0, byFeatures, byLogits) }, options)
        let body = try model.cut(at: #require(model.graph.penultimate)).head
        let features = try EngineRun(body, input: input, outputGradient: byFeatures, options)
        let logits = try EngineRun(model, input: input, outputGradient: byLogits, options)
        let expected = (0..<2).flatMap { row($0, features.output, logits.output) }
        #expect(relativeDifference(both.output, from: expected) < 1e-6)
        let sum = zip(features.inputGradient, logits.inputGradient).map { $0 + $1 }
        #expect(relativeDifference(both.inputGradient, from: sum) < 1e-5)
    }

    @Test("a network whose last layer reads no features shows none")
    func noFeatures() throws {
        var pooled = GraphBuilder(inputShape: [4, 4, 2])
        _ = try pooled.globalAveragePool(pooled.input, named: "pool")
        var linear = GraphBuilder(inputShape: [4])
        _ = try linear.linear(linear.input, named: "fc", outputs: 3)
        for graph in [try pooled.graph(), try linear.graph()] {
            #expect(graph.withFeatureOutput == nil)
            #expect(Model(graph: graph, seed: 0).withFeatureOutput == nil)
        }
    }

    @Test("a node that has the output's name already is no obstacle")
    func takenName() throws {
        var builder = GraphBuilder(inputShape: [4])
        let x = try builder.relu(builder.input, named: "features and logits")
        _ = try builder.linear(x, named: "fc", outputs: 3)
        let names = try #require(try builder.graph().withFeatureOutput).nodes.map(\.name)
        #expect(Set(names).count == 3)
    }
}
