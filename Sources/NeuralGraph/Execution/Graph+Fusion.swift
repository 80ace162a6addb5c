extension Graph {
    /// The same network with chains of nodes replaced by one fused operation, which passes over memory fewer times:
    /// batch norm + addition + ReLU and convolution + addition + ReLU, where addition and ReLU are each optional. A linear
    /// layer over positions is a convolution too. Parameters keep their names.
    /// - Parameters:
    ///   - foldingNormalization: whether batch norm behind a convolution becomes part of its weights, as it can in
    ///     inference mode.
    ///   - nodes: nodes whose outputs are left as values of their own.
    /// - Returns: the network, and the place in it of each value of this one that is still computed.
    func fused(
        foldingNormalization: Bool = false, keeping nodes: Set<Int> = []
    ) -> (graph: Graph, values: [Int: Graph.Value]) {
        var fusion = Fusion(graph: self, kept: nodes, foldsNormalization: foldingNormalization)
        return fusion.run()
    }
}

private struct Fusion {
    let graph: Graph
    /// Nodes whose outputs are read after the pass too.
    let kept: Set<Int>
    let foldsNormalization: Bool
    /// The nodes that read each value.
    let consumers: [[Int]]
    /// Nodes that a fused one has taken over.
    private var absorbed: Set<Int> = []
    /// The fused nodes, at the positions of their chains' last nodes.
    private var replacements: [Int: Replacement] = [:]

    private struct Replacement {
        let head: Int
        let operation: any GraphOperation
        let inputs: [Graph.Value]
        /// The folded batch norm.
        let normalization: Int?
    }

    /// What follows a node in a chain that can be fused with it.
    private struct Chain {
        var nodes: [Int]
        var normalization: Int?
        var residual: Graph.Value?
        var activation: ReLU?

        var last: Int { nodes[nodes.count - 1] }
        var epilogue: Epilogue { Epilogue(addsResidual: residual != nil, activation: activation) }
    }

    init(graph: Graph, kept: Set<Int>, foldsNormalization: Bool) {
        self.graph = graph
        self.kept = kept
        self.foldsNormalization = foldsNormalization
        var consumers = [[Int]](repeating: [], count: graph.nodes.count + 1)
        for (index, node) in graph.nodes.enumerated() {
            for input in node.inputs { consumers[input.index].append(index) }
        }
        self.consumers = consumers
    }

    mutating func run() -> (graph: Graph, values: [Int: Graph.Value]) {
        for index in graph.nodes.indices where !absorbed.contains(index) {
            let operation = graph.nodes[index].operation
            if let convolution = operation as? any ConvolutionOperation, graph.nodes[index].shape.rank > 1 {
                let chain = chain(from: index, folds: foldsNormalization)
                let folded = chain.normalization.flatMap { graph.nodes[$0].operation as? BatchNormalization }
                let fusion = ConvolutionFusion(
                    hasBias: convolution.hasBias,
                    normalization: folded.map { FoldedNormalization(epsilon: $0.epsilon) },
                    epilogue: chain.epilogue)
                fuse(chain, as: FusedConvolution(convolution: convolution, fusion: fusion))
            } else if var normalization = operation as? BatchNormalization {
                let chain = chain(from: index, folds: false)
                // Fusing an addition without an activation gains nothing: it can work in place.
                guard chain.activation != nil else { continue }
                normalization.epilogue = chain.epilogue
                fuse(chain, as: normalization)
            }
        }
        return rebuilt()
    }

    /// The chain of batch norm, addition and ReLU behind a node, as far as it goes.
    /// - Parameter folds: whether batch norm may be a part.
    private func chain(from head: Int, folds: Bool) -> Chain {
        var chain = Chain(nodes: [head])
        if folds, let next = onlyConsumer(of: chain.last), graph.nodes[next].operation is BatchNormalization {
            chain.normalization = next
            chain.nodes.append(next)
        }
        if let next = onlyConsumer(of: chain.last), graph.nodes[next].operation is Add, !absorbed.contains(next) {
            // Of two chains that are added up, only the first one found takes the addition over.
            let other = graph.nodes[next].inputs.filter { $0.index != chain.last + 1 }
            if other.count == 1 {
                chain.residual = other[0]
                chain.nodes.append(next)
            }
        }
        if let next = onlyConsumer(of: chain.last), let operation = graph.nodes[next].operation as? ReLU {
            chain.activation = operation
            chain.nodes.append(next)
        }
        return chain
    }

    /// The only consumer of a node's output, if there is exactly one and the output is not kept.
    private func onlyConsumer(of node: Int) -> Int? {
        let readers = consumers[node + 1]
        return readers.count == 1 && !kept.contains(node) ? readers[0] : nil
    }

    private mutating func fuse(_ chain: Chain, as operation: any GraphOperation) {
        guard chain.nodes.count > 1 else { return }
        absorbed.formUnion(chain.nodes)
        replacements[chain.last] = Replacement(
            head: chain.nodes[0], operation: operation,
            inputs: graph.nodes[chain.nodes[0]].inputs + (chain.residual.map { [$0] } ?? []),
            normalization: chain.normalization)
    }

    /// Nodes in order; a fused node stands where its chain ended, when all its inputs are there.
    private func rebuilt() -> (graph: Graph, values: [Int: Graph.Value]) {
        var values = [0: Graph.Value(index: 0)]
        var nodes: [Graph.Node] = []
        for (index, node) in graph.nodes.enumerated() {
            let replacement = replacements[index]
            if absorbed.contains(index), replacement == nil { continue }
            let source = replacement.map { graph.nodes[$0.head] } ?? node
            let oldInputs = replacement?.inputs ?? node.inputs
            let norm = replacement?.normalization.map { graph.nodes[$0] }
            let prefix = FusedConvolution.normalizationPrefix
            var fused = Graph.Node(
                name: source.name, operation: replacement?.operation ?? node.operation,
                inputs: oldInputs.compactMap { values[$0.index] }, inputShapes: oldInputs.map { graph.shape(of: $0) },
                shape: node.shape,
                parameters: source.parameters + (norm?.parameters.map { $0.named(prefix + $0.name) } ?? []),
                state: norm?.state ?? source.state, keys: source.keys)
            if let norm {
                for parameter in norm.parameters { fused.keys[prefix + parameter.name] = norm.key(parameter.name) }
                for tensor in norm.state { fused.keys[tensor.name] = norm.key(tensor.name) }
            }
            nodes.append(fused)
            values[index + 1] = Graph.Value(index: nodes.count)
        }
        return (Graph(inputShape: graph.inputShape, nodes: nodes), values)
    }
}
