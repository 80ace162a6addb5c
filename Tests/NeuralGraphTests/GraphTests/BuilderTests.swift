import NeuralGraph
import TestSupport
import Testing

@Suite struct BuilderTests {
    @Test func nodesWithoutAPartInTheOutputAreLeftOut() throws {
        var builder = GraphBuilder(inputShape: [4])
        let first = try builder.linear(builder.input, named: "first", outputs: 3)
        let second = try builder.relu(first, named: "second")
        _ = try builder.linear(first, named: "unused", outputs: 5)
        let graph = try builder.graph(output: second)
        #expect(graph.nodes.map(\.name) == ["first", "second"])
        #expect(graph.outputShape == [3])
        #expect(try builder.graph(output: first).nodes.map(\.name) == ["first"])
        #expect(builder.node(of: second)?.name == "second" && builder.node(of: builder.input) == nil)
        #expect(throws: ShapeError.self) { try builder.graph(output: builder.input) }
        #expect(throws: ShapeError.self) { try builder.graph(output: .output(of: 7)) }
    }

    @Test func constantsHaveNoGradientAndDoNotCount() throws {
        var builder = GraphBuilder(inputShape: [4])
        let hidden = try builder.add(
            Linear(outputs: 3), named: "fixed", [builder.input], keys: ["weight": "w"], constants: ["weight"])
        _ = try builder.linear(hidden, named: "head", outputs: 2)
        let model = Model(graph: try builder.graph(), seed: 1)
        #expect(model.parameterCount == 3 + 3 * 2 + 2)
        #expect(model.parameters["w"]?.shape == [3, 4])
        let run = try EngineRun(model, input: [1, 2, 3, 4], outputGradient: [1, -1])
        #expect(Set(run.parameterGradients.keys) == ["fixed.bias", "head.weight", "head.bias"])
    }
}
