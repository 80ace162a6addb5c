import NeuralGraph
import TestSupport

/// Networks for tests of the executor.
enum SampleNetworks {
    /// Every operation, several consumers of a value, in-place operations and a node that leads nowhere.
    static func everyOperation(_ shape: TensorShape = [6, 5, 3], batch: Int = 3, seed: UInt64 = 1) throws
        -> OperationCase
    {
        try OperationCase(shape, batch: batch, seed: seed) { builder in
            var x = try builder.convolution(builder.input, named: "conv", channels: 4, kernelSize: 3, padding: 1)
            x = try builder.batchNormalization(x, named: "norm")
            x = try builder.relu(x, named: "relu")
            let pooled = try builder.maxPool(x, named: "max", kernelSize: 3, stride: 1, padding: 1)
            let averaged = try builder.averagePool(x, named: "average", kernelSize: 3, stride: 1, padding: 1)
            let joined = try builder.concat([pooled, x, averaged], named: "joined")
            _ = try builder.convolution(joined, named: "nowhere", channels: 2, kernelSize: 1)
            var y = try builder.convolution(joined, named: "project", channels: 4, kernelSize: 1, bias: false)
            y = try builder.batchNormalization(y, named: "projectnorm")
            y = try builder.add(y, x, named: "sum")
            y = try builder.relu(y, named: "sumrelu")
            y = try builder.dropout(y, named: "drop", probability: 0)
            y = try builder.convolution(y, named: "deep", channels: 4, kernelSize: 3, padding: 1, groups: 4)
            y = try builder.relu6(y, named: "relu6")
            y = try builder.globalAveragePool(y, named: "pool")
            y = try builder.flatten(y, named: "flat")
            _ = try builder.linear(y, named: "fc", outputs: 3)
        }
    }

    /// The operations of transformers and of imported networks: between them those that move numbers, have two inputs, have
    /// none, or work in place.
    static func transformerOperations(batch: Int = 3, seed: UInt64 = 1) throws -> OperationCase {
        try OperationCase([6, 8, 3], batch: batch, seed: seed) { builder in
            var x = try builder.convolution(builder.input, named: "patches", channels: 12, kernelSize: 2, stride: 2)
            x = try builder.groupNormalization(x, named: "group", groups: 3)
            x = try builder.reshape(x, named: "tokens", shape: [12, 12])
            let token = try builder.parameterValue(named: "token", shape: [1, 12], initializer: .constant(0))
            x = try builder.concat([token, x], named: "joined", axis: 0)
            x = try builder.parametricArithmetic(
                .addition, x, named: "positions", shape: [1, 13, 12], initializer: .constant(0))
            var y = try builder.layerNormalization(x, named: "norm")
            y = try builder.linear(y, named: "qkv", outputs: 36)
            y = try builder.attention(y, named: "attention", heads: 3)
            y = try builder.parametricArithmetic(
                .multiplication, y, named: "scale", shape: [12], initializer: .constant(1))
            x = try builder.add(x, y, named: "sum")
            y = try builder.pointwise(x, named: "gelu", .gelu)
            y = try builder.matMul(y, x, named: "gram", transposesSecond: true)
            y = try builder.softmax(y, named: "softmax", axis: 0)
            y = try builder.matMul(y, x, named: "mixed")
            y = try builder.prelu(y, named: "prelu")
            y = try builder.transpose(y, named: "turned", axes: [1, 0])
            let mean = try builder.reduction(.mean, y, named: "mean", axes: [0], keepsAxes: true)
            y = try builder.arithmetic(.multiplication, y, mean, named: "gated")
            y = try builder.slice(y, named: "slice", axis: 1, start: 12, count: 6, step: -2)
            y = try builder.reshape(y, named: "image", shape: [3, 4, 6])
            y = try builder.upsample(y, named: "larger", 2)
            y = try builder.resize(y, named: "smaller", height: 5, width: 3)
            y = try builder.pad(y, named: "border", before: [1, 1, 0], after: [0, 1, 0], mode: .reflect)
            let most = try builder.reduction(.maximum, y, named: "most", axes: [0, 1], keepsAxes: true)
            y = try builder.arithmetic(
                .subtraction, y, builder.expand(most, named: "all", shape: [6, 5, 6]), named: "less")
            y = try builder.reduction(.sum, y, named: "total", axes: [0])
            _ = try builder.linear(builder.flatten(y, named: "flat"), named: "fc", outputs: 3)
        }
    }

    /// A network of random nodes with random wiring: values are read by none, one or several of the nodes after them,
    /// by the same node twice, or by nodes that work in place.
    static func random(seed: UInt64) throws -> OperationCase {
        var random = SeededRandom(seed: seed, stream: "wiring")
        let nodes = Int.random(in: 3...14, using: &random)
        return try OperationCase([3, 2, 2], batch: 4, seed: seed) { builder in
            var values = [builder.input]
            for index in 0..<nodes {
                // Near values most of the time, so that chains as well as branches appear.
                let x = Bool.random(using: &random) ? values[values.count - 1] : random.pick(values)
                values.append(try node(&builder, "n\(index)", x, random.pick(values), &random))
            }
            let flat = try builder.flatten(values[values.count - 1], named: "flat")
            _ = try builder.linear(flat, named: "fc", outputs: 3)
        }
    }

    private static func node(
        _ builder: inout GraphBuilder, _ name: String, _ x: Graph.Value, _ other: Graph.Value,
        _ random: inout SeededRandom
    ) throws -> Graph.Value {
        switch Int.random(in: 0..<17, using: &random) {
        case 0: return try builder.relu(x, named: name)
        case 1: return try builder.relu6(x, named: name)
        case 2: return try builder.batchNormalization(x, named: name)
        case 3: return try builder.convolution(x, named: name, channels: 2, kernelSize: 3, padding: 1)
        case 4: return try builder.convolution(x, named: name, channels: 2, kernelSize: 1, bias: false)
        case 5, 6: return try builder.add(x, other, named: name)
        case 7:
            return try builder.maxPool(
                x, named: name, kernelSize: 2, stride: 1, padding: Padding(top: 1, left: 0, bottom: 0, right: 1))
        case 8: return try builder.dropout(x, named: name, probability: 0)
        case 10: return try builder.pointwise(x, named: name, random.pick([.silu, .negation, .tanh, .gelu]))
        case 11: return try builder.arithmetic(random.pick([.multiplication, .subtraction]), x, other, named: name)
        case 12:
            return try builder.parametricArithmetic(
                random.pick([.addition, .multiplication]), x, named: name,
                shape: random.pick([[2], [2, 1], [3, 2, 2]]),
                initializer: .constant(1), parameterFirst: Bool.random(using: &random))
        case 13:
            return try builder.reshape(
                builder.transpose(
                    x, named: "\(name).turned", axes: random.pick([[2, 0, 1], [1, 0, 2], [0, 2, 1]])),
                named: name, shape: [3, 2, 2])
        case 14: return try builder.groupNormalization(x, named: name, groups: 1, epsilon: 1e-2)
        case 15: return try builder.softmax(x, named: name, axis: random.pick([0, 1, -1]))
        default:
            let joined = try builder.concat([x, other], named: "\(name).joined")
            return try builder.linear(joined, named: name, outputs: 2)
        }
    }
}
