extension Executor {
    /// Plans the passes and allocates their memory.
    /// - Parameters:
    ///   - model: the network and its numbers.
    ///   - batchCapacity: the largest batch that will be run, at least 1.
    ///   - request: the gradients that are wanted.
    ///   - modes: the modes that passes will run in. With inference alone, batch norm becomes part of convolutions.
    ///   - threads: the threads to work with.
    ///   - algorithms: `.strict` leaves the universal algorithms alone.
    public convenience init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], threads: ThreadTeam = ThreadTeam(), algorithms: Algorithms = .fast
    ) {
        self.init(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: algorithms, keptNodes: [])
    }

    /// Plans the passes and allocates their memory, such that the outputs of some nodes can be read after a forward
    /// pass by ``value(of:)``. A kept node costs its memory, and ends the fusion of the chain it is in.
    /// - Parameters:
    ///   - model: the network and its numbers.
    ///   - batchCapacity: the largest batch that will be run, at least 1.
    ///   - request: the gradients that are wanted.
    ///   - modes: the modes that passes will run in. With inference alone, batch norm becomes part of convolutions.
    ///   - threads: the threads to work with.
    ///   - algorithms: `.strict` leaves the universal algorithms alone.
    ///   - nodes: names of nodes of the model, such as ``Graph/stages(limit:)``.
    /// - Throws: ``GraphError/unknownNode(name:known:)``.
    public convenience init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], threads: ThreadTeam = ThreadTeam(), algorithms: Algorithms = .fast,
        keeping nodes: Set<String>
    ) throws(GraphError) {
        self.init(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: algorithms, keptNodes: try model.graph.positions(of: nodes))
    }
}

extension Graph {
    /// The positions of nodes given by name.
    /// - Throws: ``GraphError/unknownNode(name:known:)`` for the first name, in order, that is no node's.
    func positions(of names: Set<String>) throws(GraphError) -> Set<Int> {
        var positions: Set<Int> = []
        for name in names.sorted() { positions.insert(try position(of: name)) }
        return positions
    }

    /// The network as a plan executes it, and where in it the outputs of kept nodes are, by their names.
    func executed(
        algorithms: Algorithms, computing request: GradientRequest, modes: Set<Mode>, keeping nodes: Set<Int>
    ) -> (graph: Graph, kept: [String: Graph.Value]) {
        // Folding mixes a norm's parameters with a convolution's, so that neither's gradient could be told.
        let folds = modes == [.inference] && !request.parameters
        let (graph, values) = algorithms == .fast ? fused(foldingNormalization: folds, keeping: nodes) : (self, [:])
        let kept = nodes.map { (self.nodes[$0].name, values[$0 + 1] ?? Graph.Value(index: $0 + 1)) }
        return (graph, Dictionary(kept) { first, _ in first })
    }
}
