import NeuralGraph
import TestSupport

/// Networks for tests of the executor.
enum SampleNetworks {
    /// Every operation, several consumers of a value, in-place operations and a node that leads nowhere.
    static func everyOperation(_ shape: Shape = [6, 5, 3], batch: Int = 3, seed: UInt64 = 1) throws -> OperationCase {
        try OperationCase(shape, batch: batch, seed: seed) { builder in
            var x = try builder.convolution(builder.input, named: "conv", channels: 4, kernel: 3, padding: 1)
            x = try builder.batchNormalization(x, named: "norm")
            x = try builder.relu(x, named: "relu")
            let pooled = try builder.maxPooling(x, named: "max", kernel: 3, stride: 1, padding: 1)
            let averaged = try builder.averagePooling(x, named: "average", kernel: 3, stride: 1, padding: 1)
            let joined = try builder.concatenation([pooled, x, averaged], named: "joined")
            _ = try builder.convolution(joined, named: "nowhere", channels: 2, kernel: 1)
            var y = try builder.convolution(joined, named: "project", channels: 4, kernel: 1, bias: false)
            y = try builder.batchNormalization(y, named: "projectnorm")
            y = try builder.sum(y, x, named: "sum")
            y = try builder.relu(y, named: "sumrelu")
            y = try builder.dropout(y, named: "drop", probability: 0)
            y = try builder.convolution(y, named: "deep", channels: 4, kernel: 3, padding: 1, groups: 4)
            y = try builder.relu6(y, named: "relu6")
            y = try builder.globalAveragePooling(y, named: "pool")
            y = try builder.flattening(y, named: "flat")
            _ = try builder.linear(y, named: "fc", outputs: 3)
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
            let flat = try builder.flattening(values[values.count - 1], named: "flat")
            _ = try builder.linear(flat, named: "fc", outputs: 3)
        }
    }

    private static func node(
        _ builder: inout GraphBuilder, _ name: String, _ x: Graph.Value, _ other: Graph.Value,
        _ random: inout SeededRandom
    ) throws -> Graph.Value {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return try builder.relu(x, named: name)
        case 1: return try builder.relu6(x, named: name)
        case 2: return try builder.batchNormalization(x, named: name)
        case 3: return try builder.convolution(x, named: name, channels: 2, kernel: 3, padding: 1)
        case 4: return try builder.convolution(x, named: name, channels: 2, kernel: 1, bias: false)
        case 5, 6: return try builder.sum(x, other, named: name)
        case 7:
            return try builder.maxPooling(
                x, named: name, kernel: 2, stride: 1, padding: Padding(top: 1, left: 0, bottom: 0, right: 1))
        case 8: return try builder.dropout(x, named: name, probability: 0)
        default:
            let joined = try builder.concatenation([x, other], named: "\(name).joined")
            return try builder.linear(joined, named: name, outputs: 2)
        }
    }
}
