import NeuralGraph
import TestSupport
import Testing

@Suite("Vectors that weights multiply", .tags(.operations))
struct LayerPatchesTests {
    @Test(
        "weights times vectors are what the layer computes, with strides, padding, dilation and groups",
        arguments: 0..<24)
    func products(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed), stream: "patches")
        func pick(_ values: [Int]) -> Int { values[Int(random.next() % UInt64(values.count))] }
        let groups = pick([1, 1, 2, 3])
        let shape: TensorShape = [pick([5, 7, 8]), pick([5, 6, 9]), groups * pick([1, 2, 4])]
        var builder = GraphBuilder(inputShape: shape)
        let x = try builder.convolution(
            builder.input, named: "conv", channels: groups * pick([1, 3]),
            kernelSize: Size2D(height: pick([1, 2, 3]), width: pick([1, 2, 3])),
            stride: Size2D(height: pick([1, 2]), width: pick([1, 2])),
            padding: Padding(top: pick([0, 1]), left: pick([0, 2]), bottom: pick([0, 1]), right: pick([0, 1])),
            dilation: Size2D(height: pick([1, 2]), width: pick([1, 2])), groups: groups)
        _ = try builder.linear(x, named: "fc", outputs: 3)
        try check(Model(graph: try builder.graph(), seed: UInt64(seed)), seed: UInt64(seed))
    }

    @Test("the vectors of a linear layer over vectors are these")
    func linear() throws {
        var builder = GraphBuilder(inputShape: [7])
        let x = try builder.linear(builder.input, named: "fc0", outputs: 5)
        _ = try builder.linear(x, named: "fc1", outputs: 3)
        try check(Model(graph: try builder.graph(), seed: 1), seed: 1)
    }

    /// Compares every layer's output with its weight's rows times its vectors.
    private func check(_ model: Model, seed: UInt64) throws {
        let layers = model.graph.layerPatches
        #expect(layers.map(\.name) == model.graph.nodes.map(\.name))
        let executor = try Executor(
            model: model, batchCapacity: 1, modes: [.inference], keeping: Set(model.graph.nodes.map(\.name)))
        var random = SeededRandom(seed: seed, stream: "input")
        let input = (0..<model.graph.inputShape.count).map { _ in Float(random.normal()) }
        for (index, value) in input.enumerated() { executor.input[index] = value }
        try executor.forward(batch: 1, mode: .inference)
        for (layer, node) in zip(layers, model.graph.nodes) {
            let read =
                layer.input == .input
                ? input : Array(try executor.value(of: model.graph.nodes[layer.input.index - 1].name))
            let output = Array(try executor.value(of: layer.name))
            let weight = try #require(model.parameters[layer.weight])
            let bias = try #require(model.parameters[node.key("bias")])
            #expect(read.count == layer.inputCount)
            #expect(layer.positions * layer.groups * layer.outputs == output.count)
            var vector = [Double](repeating: .nan, count: layer.width)
            var mean = [Double](repeating: 0, count: layer.groups * layer.width)
            var worst = 0.0
            for position in 0..<layer.positions {
                for group in 0..<layer.groups {
                    read.withUnsafeBufferPointer { read in
                        vector.withUnsafeMutableBufferPointer { vector in
                            guard let source = read.baseAddress, let target = vector.baseAddress else { return }
                            layer.copy(position: position, group: group, of: source, to: target)
                        }
                    }
                    for (index, value) in vector.enumerated() {
                        mean[group * layer.width + index] += value / Double(layer.positions)
                    }
                    for row in group * layer.outputs..<(group + 1) * layer.outputs {
                        let expected = (0..<layer.width).reduce(Double(bias[row])) {
                            $0 + Double(weight[row * layer.width + $1]) * vector[$1]
                        }
                        let found = Double(output[position * layer.groups * layer.outputs + row])
                        worst = max(worst, abs(found - expected))
                    }
                }
            }
            #expect(worst < 1e-5, "\(layer.name)")
            let found = read.withUnsafeBufferPointer { $0.baseAddress.map(layer.meanVector) ?? [] }
            #expect(found.count == mean.count && zip(found, mean).allSatisfy { abs($0 - $1) < 1e-9 })
        }
    }

    @Test("an operation without weights of this kind has none")
    func otherOperations() throws {
        var builder = GraphBuilder(inputShape: [4])
        let x = try builder.relu(builder.input, named: "relu")
        _ = try builder.linear(x, named: "fc", outputs: 2)
        #expect(try builder.graph().layerPatches.map(\.weight) == ["fc.weight"])
        #expect(LayerPatches(try builder.graph().nodes[0]) == nil)
    }
}
