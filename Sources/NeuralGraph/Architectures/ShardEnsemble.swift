/// Copies of a network side by side, each for a shard of the images, whose logits are averaged (SISA).
///
/// Each copy's nodes and tensors begin with `shards.K.`. Their penultimate features are joined, and one linear layer `head`
/// makes the mean of the copies' logits of them: its columns are those of the copies' last layers, divided by the number of
/// copies. So the network ends as any other does, and every tensor and every column belongs to one shard, but for the last
/// layer's bias, which is 0. Source: Bourtoule et al. (arXiv 1912.03817), sections IV-A and IV-B; they average probabilities
/// or take votes.
package struct ShardEnsemble: Architecture {
    /// The architecture's option for the number of copies.
    package static let option = "shards"
    /// The numbers of copies that there may be.
    package static let range = 2...64

    private static let headName = "head"

    /// The network that there are copies of.
    package let base: any Architecture
    /// The number of copies.
    package let count: Int

    package var identifier: ArchitectureIdentifier {
        let own = base.identifier
        return ArchitectureIdentifier(
            name: own.name, options: own.options.merging([Self.option: String(count)]) { $1 })
    }

    package var endTensors: (first: String, last: String) {
        (Self.prefix(0) + "." + base.endTensors.first, Self.headName + ".weight")
    }

    package func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let copy = try base.graph(inputShape: inputShape, classes: classes)
        let features = try features(of: copy)
        var net = GraphBuilder(inputShape: inputShape)
        var joined: [Graph.Value] = []
        for shard in 0..<count {
            var values = [net.input]
            try net.scope(Self.prefix(shard)) { net in
                for node in copy.nodes.dropLast() {
                    values.append(
                        try net.add(
                            node.operation, named: node.name, node.inputs.map { values[$0.index] }, keys: node.keys,
                            constants: Set(node.parameters.filter { !$0.isTrained }.map(\.name))))
                }
            }
            joined.append(values[features.index])
        }
        let all = try net.concat(joined, named: "features")
        _ = try net.linear(all, named: Self.headName, outputs: classes)
        return try net.graph()
    }

    private static func prefix(_ shard: Int) -> String { "shards.\(shard)" }

    /// The value that a copy's last layer reads.
    private func features(of copy: Graph) throws(ShapeError) -> Graph.Value {
        guard let head = copy.head, head.parameters.map(\.name) == ["weight", "bias"],
            let features = head.inputs.first, copy.shape(of: features).rank == 1
        else {
            throw ShapeError(
                Self.option, "\(base.identifier.name) does not end in a linear layer with a bias; leave the shards out")
        }
        return features
    }
}

extension ShardEnsemble {
    /// The architecture of a name with the option `shards`; nil without it.
    init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard identifier.options[Self.option] != nil else { return nil }
        count = try identifier.option(Self.option, default: 0, in: Self.range)
        let options = identifier.options.filter { $0.key != Self.option }
        base = try Architectures.named(ArchitectureIdentifier(name: identifier.name, options: options))
    }

    /// The copies that a model is made of; nil if it has no shards.
    package init?(of model: Model) {
        guard let identifier = model.metadata.architecture,
            let ensemble = (try? Architectures.named(identifier)) as? ShardEnsemble
        else { return nil }
        self = ensemble
    }

    /// A new network for one shard, with a bias of 0 in its last layer.
    /// - Throws: ``ShapeError`` or ``StateDictionaryError``.
    package func copy(like model: Model, seed: UInt64) throws -> Model {
        let graph = try base.graph(inputShape: model.graph.inputShape, classes: model.classCount)
        let copy = Model(graph: graph, seed: seed)
        guard let bias = biasKey(of: graph), let old = copy.parameters[bias] else { return copy }
        return try copy.replacing([bias: Tensor(repeating: 0, shape: old.shape)])
    }

    /// The name of a copy's last bias, which stays 0, since a sum of biases would belong to no shard.
    package func biasKey(of copy: Graph) -> String? { copy.head?.key("bias") }

    /// A model with the tensors of some shards replaced by those of networks.
    /// - Parameters:
    ///   - networks: by shard, as ``copy(like:seed:)`` makes them.
    ///   - model: of this architecture.
    /// - Throws: ``StateDictionaryError`` if a network or the model is of another architecture.
    package func placing(_ networks: [Int: Model], in model: Model) throws -> Model {
        let (weightKey, biasKey) = ("\(Self.headName).weight", "\(Self.headName).bias")
        guard var weight = model.parameters[weightKey], let bias = model.parameters[biasKey] else {
            throw StateDictionaryError.missing(name: weightKey)
        }
        var tensors = [biasKey: Tensor(repeating: 0, shape: bias.shape)]
        for (shard, network) in networks {
            guard let head = network.graph.head, let columns = network.parameters[head.key("weight")] else { continue }
            let own = Set(head.parameters.map { head.key($0.name) })
            for (name, tensor) in network.stateDictionary where !own.contains(name) {
                tensors["\(Self.prefix(shard)).\(name)"] = tensor
            }
            let (classes, width) = (columns.shape[0], columns.shape[1])
            guard weight.shape == [classes, count * width] else {
                throw StateDictionaryError.wrongShape(
                    name: weightKey, expected: weight.shape, found: [classes, count * width])
            }
            for row in 0..<classes {
                for column in 0..<width {
                    weight[(row * count + shard) * width + column] = columns[row * width + column] / Float(count)
                }
            }
        }
        tensors[weightKey] = weight
        return try model.replacing(tensors)
    }
}
