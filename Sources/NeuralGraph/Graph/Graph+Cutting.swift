extension Graph {
    /// The position of a node.
    /// - Throws: ``GraphError/unknownNode(name:known:)``.
    func position(of name: String) throws(GraphError) -> Int {
        guard let position = nodes.firstIndex(where: { $0.name == name }) else {
            throw .unknownNode(name: name, known: nodes.map(\.name))
        }
        return position
    }

    /// Whether the network's output depends on each node.
    var reachesOutput: [Bool] {
        var reaches = [Bool](repeating: false, count: nodes.count)
        for index in nodes.indices.reversed() {
            if index == nodes.count - 1 { reaches[index] = true }
            guard reaches[index] else { continue }
            for input in nodes[index].inputs where input.index > 0 { reaches[input.index - 1] = true }
        }
        return reaches
    }

    /// The nodes before the last that every path from input to output passes, in order; the network can be cut at each.
    package var cutNodes: [Node] { cutValues.map { nodes[$0.index - 1] } }

    /// The outputs of ``cutNodes``.
    var cutValues: [Value] {
        let reaches = reachesOutput
        // The furthest reader of the values up to a place: a path goes by every node before that reader.
        var furthest = 0
        var values: [Value] = []
        let lastReader = lastReaders(among: reaches)
        for value in 0..<nodes.count {
            if value > 0, reaches[value - 1], furthest <= value { values.append(Value(index: value)) }
            furthest = max(furthest, lastReader[value])
        }
        return values
    }

    /// The index of the last value that is computed from each value, among nodes that have a part in the output.
    private func lastReaders(among reaches: [Bool]) -> [Int] {
        var last = [Int](repeating: 0, count: nodes.count + 1)
        for (index, node) in nodes.enumerated() where reaches[index] {
            for input in node.inputs { last[input.index] = index + 1 }
        }
        return last
    }

    /// The part up to a node, whose output is that node's, and the part after it, whose input is that node's output.
    /// Nodes that the output of their half does not depend on are left out.
    /// - Throws: ``GraphError`` if there is no such node, if it is the output or does not contribute to it, or if a path
    ///   bypasses it.
    package func cut(at name: String) throws(GraphError) -> (head: Graph, tail: Graph) {
        let position = try position(of: name)
        guard position < nodes.count - 1 else { throw .isOutput(node: name) }
        let reaches = reachesOutput
        guard reaches[position] else { throw .leadsNowhere(node: name) }
        var places = [position + 1: 0]
        var tail: [Node] = []
        for index in (position + 1)..<nodes.count where reaches[index] {
            let node = nodes[index]
            var inputs: [Value] = []
            for input in node.inputs {
                guard let place = places[input.index] else {
                    let source = input.index == 0 ? "the network's input" : "'\(nodes[input.index - 1].name)'"
                    throw .bypassed(node: name, reader: node.name, source: source)
                }
                inputs.append(Value(index: place))
            }
            tail.append(node.reading(inputs))
            places[index + 1] = tail.count
        }
        return (upTo(position), Graph(inputShape: nodes[position].shape, nodes: tail))
    }

    /// A node and everything that it is computed from.
    func upTo(_ position: Int) -> Graph {
        let whole = Graph(inputShape: inputShape, nodes: Array(nodes[...position]))
        let reaches = whole.reachesOutput
        var places = [0: 0]
        var kept: [Node] = []
        for (index, node) in whole.nodes.enumerated() where reaches[index] {
            kept.append(node.reading(node.inputs.compactMap { places[$0.index] }.map { Value(index: $0) }))
            places[index + 1] = kept.count
        }
        return Graph(inputShape: inputShape, nodes: kept)
    }
}

extension Graph.Node {
    /// The same node at another place of another graph.
    fileprivate func reading(_ inputs: [Graph.Value]) -> Graph.Node {
        Graph.Node(
            name: name, operation: operation, inputs: inputs, inputShapes: inputShapes, shape: shape,
            parameters: parameters, state: state, keys: keys)
    }
}

extension Model {
    /// Cuts the model into the part up to a node and the part after it.
    ///
    /// Both keep their parameters and state under the same names. In inference mode, running the second on the first one's
    /// output gives the output of the whole.
    ///
    /// The first keeps the input's normalization, the second the class names; neither has an architecture's name.
    /// - Throws: ``GraphError`` if there is no such node, if it is the output or does not contribute to it, or if a path
    ///   bypasses it.
    public func cut(at node: String) throws(GraphError) -> (head: Model, tail: Model) {
        let (head, tail) = try graph.cut(at: node)
        return (
            Model(part: head, of: self, metadata: ModelMetadata(normalization: metadata.normalization)),
            Model(part: tail, of: self, metadata: ModelMetadata(classNames: metadata.classNames))
        )
    }
}
