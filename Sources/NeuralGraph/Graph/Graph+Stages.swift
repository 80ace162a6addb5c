extension Graph {
    /// The layer that computes the logits: the last node, if it is linear and reads a vector from another node.
    public var head: Node? {
        guard let last = nodes.last, last.operation is Linear, last.shape.rank == 1,
            last.inputs.first.map({ $0.index > 0 }) == true
        else { return nil }
        return last
    }

    /// The name of the node whose output, the penultimate features, the ``head`` reads.
    public var penultimate: String? {
        head?.inputs.first.map { nodes[$0.index - 1].name }
    }

    /// The nodes at the ends of blocks, in order.
    ///
    /// Every path passes them, and the next node branches, has weights across channels, or turns maps into vectors. Nodes
    /// that only rescale, activate, pool or drop belong to the block before them.
    package var blockEnds: [Node] {
        let reaches = reachesOutput
        var readers = [[Node]](repeating: [], count: nodes.count + 1)
        for (index, node) in nodes.enumerated() where reaches[index] {
            for input in node.inputs { readers[input.index].append(node) }
        }
        return cutValues.filter { value in
            let next = readers[value.index]
            return next.count > 1 || next.contains { !$0.continuesBlock }
        }.map { nodes[$0.index - 1] }
    }

    /// The nodes whose features show what a network knows at which depth: the ends of its blocks.
    ///
    /// If a network has more blocks than the limit, the stages are the first (the stem), the last one at each shape, and
    /// the last of all. For ResNet-18 these are the stem, the four layers, and the pooled features.
    /// - Parameter limit: the largest number of nodes; values below 2 count as 2.
    public func stages(limit: Int = 8) -> [String] {
        let limit = max(2, limit)
        let ends = blockEnds
        guard ends.count > limit else { return ends.map(\.name) }
        let turns = ends.indices.filter { index in
            index == 0 || index == ends.count - 1 || ends[index + 1].shape != ends[index].shape
        }
        // Where the shape rarely changes, as in a transformer, blocks differ only by depth.
        let chosen = 2 * turns.count >= limit ? turns : Array(ends.indices)
        let count = min(limit, chosen.count)
        return (0..<count).map { ends[chosen[$0 * (chosen.count - 1) / (count - 1)]].name }
    }
}

extension Graph.Node {
    /// Whether a node belongs to the block of the node before it.
    fileprivate var continuesBlock: Bool {
        let mixesChannels = parameters.contains { $0.shape.rank > 1 } && !(operation is ParametricArithmetic)
        let staysMap = inputShapes.first.map { $0.rank == shape.rank } ?? false
        return inputs.count == 1 && !mixesChannels
            && (staysMap || operation is Flatten || operation is Reshape)
    }
}

extension Graph {
    /// The network with the input of its ``head`` beside its output, for losses over both; nil if it has no head.
    ///
    /// The output is `[d + K]`: d features and K logits.
    package var withFeatureOutput: Graph? {
        guard let features = head?.inputs.first, shape(of: features).rank == 1 else { return nil }
        let operation = Concat()
        let inputs = [features, Value(index: nodes.count)]
        let shapes = inputs.map { shape(of: $0) }
        let names = Set(nodes.map(\.name))
        var name = "features and logits"
        while names.contains(name) { name += "'" }
        guard let output = try? operation.outputShape(for: shapes, node: name) else { return nil }
        let node = Node(
            name: name, operation: operation, inputs: inputs, inputShapes: shapes, shape: output, parameters: [],
            state: [])
        return Graph(inputShape: inputShape, nodes: nodes + [node])
    }
}

extension Model {
    /// The same parameters in ``Graph/withFeatureOutput``; nil if the network has no head.
    package var withFeatureOutput: Model? {
        graph.withFeatureOutput.map { Model(part: $0, of: self, metadata: ModelMetadata()) }
    }
}
