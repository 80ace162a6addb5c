extension Graph {
    /// The network with what its ``head`` reads beside what it answers: the output is `[d + K]`, d features and K logits.
    /// A loss can then speak of both. nil if the network has no head that reads a vector.
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
    /// The same numbers in ``Graph/withFeatureOutput``; nil if the network has no head that reads a vector.
    package var withFeatureOutput: Model? {
        graph.withFeatureOutput.map { Model(part: $0, of: self, metadata: ModelMetadata()) }
    }
}
