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
