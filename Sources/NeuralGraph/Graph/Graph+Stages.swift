extension Graph {
    /// The layer that makes the logits: the last node, where it is linear and reads a vector from another node.
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

    /// The nodes at the ends of blocks, in order: every path passes them, and what comes next either branches, or has
    /// weights across channels, or turns maps into vectors. What only rescales, activates, pools or drops belongs to
    /// the block before it.
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

    /// Nodes to look at when one asks what a network knows at which depth: the ends of blocks, at most so many.
    ///
    /// Of more blocks than that: the first (the stem), the last one at each shape, and the last of all. For ResNet-18
    /// these are the stem, the four layers, and the pooled features.
    /// - Parameter limit: how many nodes at most, 2 or more.
    public func stages(limit: Int = 8) -> [String] {
        precondition(limit >= 2, "the first and the last stage make two")
        let ends = blockEnds
        guard ends.count > limit else { return ends.map(\.name) }
        let turns = ends.indices.filter { index in
            index == 0 || index == ends.count - 1 || ends[index + 1].shape != ends[index].shape
        }
        // Where the shape hardly ever changes, as in a transformer, depth alone tells the blocks apart.
        let chosen = 2 * turns.count >= limit ? turns : Array(ends.indices)
        let count = min(limit, chosen.count)
        return (0..<count).map { ends[chosen[$0 * (chosen.count - 1) / (count - 1)]].name }
    }
}

extension Graph.Node {
    /// Whether a node that follows another carries on with its block.
    fileprivate var continuesBlock: Bool {
        let mixesChannels = parameters.contains { $0.shape.rank > 1 } && !(operation is ParametricArithmetic)
        let staysMap = inputShapes.first.map { $0.rank == shape.rank } ?? false
        return inputs.count == 1 && !mixesChannels
            && (staysMap || operation is Flatten || operation is Reshape)
    }
}
