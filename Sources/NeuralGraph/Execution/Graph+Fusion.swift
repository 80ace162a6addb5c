extension Graph {
    /// The same network with chains of nodes replaced by one fused operation, which passes over memory fewer times:
    /// batch norm + ReLU, and batch norm + addition + ReLU. Parameters keep their names.
    func fused() -> Graph { fused(keeping: []).graph }

    /// The same, with some nodes' outputs left as values of their own.
    /// - Returns: the network, and the place in it of each value of this one that is still computed.
    func fused(keeping nodes: Set<Int>) -> (graph: Graph, values: [Int: Graph.Value]) {
        var fusion = Fusion(graph: self, kept: nodes)
        return fusion.run()
    }
}

private struct Fusion {
    let graph: Graph
    /// Nodes whose outputs are read after the pass too.
    let kept: Set<Int>
    /// The nodes that read each value.
    let consumers: [[Int]]
    /// Nodes that a fused one has taken over, with the node that stands in their place.
    private var absorbed: [Int: Int] = [:]
    /// The fused operation and inputs, at the position of the chain's last node.
    private var replacements: [Int: (head: Int, operation: BatchNormalization, inputs: [Graph.Value])] = [:]

    init(graph: Graph, kept: Set<Int>) {
        self.graph = graph
        self.kept = kept
        var consumers = [[Int]](repeating: [], count: graph.nodes.count + 1)
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { consumers[input.index].append(index) }
        }
        self.consumers = consumers
    }

    mutating func run() -> (graph: Graph, values: [Int: Graph.Value]) {
        for index in graph.nodes.indices { fuseChain(from: index) }
        return rebuilt()
    }

    /// The only consumer of a node's output, if there is exactly one and nobody else reads it.
    private func onlyConsumer(of node: Int) -> Int? {
        let readers = consumers[node + 1]
        return readers.count == 1 && !kept.contains(node) ? readers[0] : nil
    }

    private func isReLU(_ node: Int) -> Bool {
        (graph.nodes[node].operation as? Rectification)?.ceiling == .infinity
    }

    private mutating func fuseChain(from head: Int) {
        guard var operation = graph.nodes[head].operation as? BatchNormalization,
            let next = onlyConsumer(of: head)
        else { return }
        operation.rectifies = true
        var inputs = graph.nodes[head].inputs
        var chain = [head, next]
        if graph.nodes[next].operation is Addition, let last = onlyConsumer(of: next), isReLU(last) {
            // Of two normalizations that are added up, only the first one found takes the addition over.
            let other = graph.nodes[next].inputs.filter { $0.index != head + 1 }
            guard absorbed[next] == nil, other.count == 1 else { return }
            operation.addsResidual = true
            inputs += other
            chain.append(last)
        } else if !isReLU(next) {
            return
        }
        let last = chain[chain.count - 1]
        for node in chain { absorbed[node] = last }
        replacements[last] = (head, operation, inputs)
    }

    /// Nodes in order; a fused node stands where its chain ended, when all its inputs are there.
    private func rebuilt() -> (graph: Graph, values: [Int: Graph.Value]) {
        var values = [0: Graph.Value(index: 0)]
        var nodes: [Graph.Node] = []
        for (index, node) in graph.nodes.enumerated() {
            let replacement = replacements[index]
            if absorbed[index] != nil, replacement == nil { continue }
            let source = replacement.map { graph.nodes[$0.head] } ?? node
            let operation: any GraphOperation = replacement?.operation ?? node.operation
            let oldInputs = replacement?.inputs ?? node.inputs
            nodes.append(
                Graph.Node(
                    name: source.name, operation: operation, inputs: oldInputs.compactMap { values[$0.index] },
                    inputShapes: oldInputs.map { graph.shape(of: $0) }, shape: node.shape,
                    parameters: source.parameters, state: source.state))
            values[index + 1] = Graph.Value(index: nodes.count)
        }
        return (Graph(inputShape: graph.inputShape, nodes: nodes), values)
    }
}
