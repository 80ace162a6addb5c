import NeuralGraph
import TestSupport
import Testing

@Suite("Builder", .tags(.graphs)) struct BuilderTests {
    @Test("nodes without a part in the output are left out") func nodesWithoutAPartInTheOutputAreLeftOut() throws {
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

    @Test("scopes come before the names in them") func scopesComeBeforeTheNamesInThem() throws {
        var net = GraphBuilder(inputShape: [4, 4, 3])
        var x = net.input
        x = try net.scope("layer1") { net in
            for index in 0..<2 {
                x = try net.scope("\(index)") { net in
                    let y = try net.convolution(x, named: "conv", channels: 3, kernelSize: 1, bias: false)
                    return try net.batchNormalization(y, named: "bn")
                }
            }
            return try net.add(
                ParametricArithmetic(.addition, shape: [3], initializer: .constant(0)), named: "shift", [x],
                keys: ["weight": "shift_weight"])
        }
        _ = try net.relu(x, named: "relu")
        let graph = try net.graph()
        #expect(
            graph.nodes.map(\.name) == [
                "layer1.0.conv", "layer1.0.bn", "layer1.1.conv", "layer1.1.bn", "layer1.shift", "relu",
            ])
        #expect(graph.parameters.last?.key == "layer1.shift_weight")
        #expect(graph.parameters.first?.key == "layer1.0.conv.weight")
        #expect(graph.state.last?.key == "layer1.1.bn.num_batches_tracked")
    }

    /// After an error the scope is closed: the next name has no prefix.
    @Test("errors leave their scope") func errorsLeaveTheirScope() throws {
        struct Other: Error {}
        var net = GraphBuilder(inputShape: [3])
        let error = #expect(throws: ShapeError.self) {
            try net.scope("block") { net in try net.linear(net.input, named: "fc", outputs: 0) }
        }
        #expect(error?.place == "block.fc")
        let other = #expect(throws: ShapeError.self) { try net.scope("block") { _ in throw Other() } }
        #expect(other?.place == "block" && other?.message.contains("Other") == true)
        _ = try net.linear(net.input, named: "fc", outputs: 2)
        #expect(try net.graph().nodes.map(\.name) == ["fc"])
    }

    @Test("constants have no gradient and do not count") func constantsHaveNoGradientAndDoNotCount() throws {
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
