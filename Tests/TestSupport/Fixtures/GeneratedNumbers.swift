package import NeuralGraph

/// Numbers that depend on nothing but a tensor's name: the twin of Tests/Fixtures/generator.py, so that fixtures
/// need not store weights and inputs.
package enum GeneratedNumbers {
    /// `u` in `[0, 1)`, 24 bits of splitmix64 an element.
    package static func uniform(_ name: String, count: Int) -> [Double] {
        var seed: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return (0..<count).map { index in
            var z = seed &+ UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            z ^= z >> 31
            return Double(z >> 40) * 0x1p-24
        }
    }

    /// Values in `[-scale, scale)`, in PyTorch's layout.
    package static func symmetric(_ name: String, shape: TensorShape, scale: Double = 1) throws(ShapeError) -> Tensor {
        let elements = uniform(name, count: shape.count).map { Float((2 * $0 - 1) * scale) }
        return try Tensor(elements, shape: shape)
    }

    /// One entry of a state dictionary, by the last part of its name.
    package static func stateTensor(_ name: String, shape: TensorShape) throws(ShapeError) -> Tensor {
        let role = name.split(separator: ".").last.map(String.init) ?? name
        if ["cls_token", "class_token", "pos_embed", "pos_embedding"].contains(role) {
            return try symmetric(name, shape: shape)
        }
        if ["weight", "in_proj_weight"].contains(role), shape.rank >= 2 {
            let fanIn = Double(shape.dimensions.dropFirst().reduce(1, *))
            return try symmetric(name, shape: shape, scale: 3.0.squareRoot() * (2 / fanIn).squareRoot())
        }
        let u = uniform(name, count: shape.count)
        switch role {
        case "num_batches_tracked": return Tensor(repeating: 0, shape: shape)
        case "weight", "running_var": return try Tensor(u.map { Float(0.5 + $0) }, shape: shape)
        case "bias", "in_proj_bias", "running_mean": return try Tensor(u.map { Float(($0 - 0.5) * 0.2) }, shape: shape)
        default: throw ShapeError(name, "no rule generates a tensor of this name")
        }
    }

    /// A model whose every tensor is generated from its name.
    package static func model(_ graph: Graph) throws -> Model {
        var dictionary: [String: Tensor] = [:]
        for (key, specification) in graph.parameters {
            dictionary[key] = try stateTensor(key, shape: specification.shape)
        }
        for (key, specification) in graph.state {
            dictionary[key] = try stateTensor(key, shape: specification.shape)
        }
        return try Model(graph: graph, stateDictionary: dictionary)
    }
}
