/// Everything that an ``Executor`` settles before it allocates: the network as executed, its kernels, and where each
/// tensor lies.
struct ExecutionPlan {
    /// Where a parameter lies; those with gradients come first, at the same offsets among the gradients.
    struct ParameterSlot {
        let key: String
        let specification: ParameterSpecification
        let offset: Int
        let hasGradient: Bool
    }

    /// Where a state tensor lies.
    struct StateSlot {
        let key: String
        let shape: TensorShape
        let offset: Int
    }

    /// The network with fused nodes.
    let graph: Graph
    let kernels: [any Kernel]
    /// The values of nodes that stay readable, by the nodes' names.
    let kept: [String: Graph.Value]
    let activations: ActivationPlan
    let parameters: [ParameterSlot]
    let state: [StateSlot]
    /// Floats of all parameters, and of those with gradients.
    let parameterCount: Int
    let trainableCount: Int
    /// Floats of the state tensors.
    let stateCount: Int

    /// - Parameter keptNodes: positions in the model's graph of nodes whose outputs stay readable.
    init(
        _ original: Graph, batchCapacity: Int, computing request: GradientRequest, modes: Set<Mode>, workers: Int,
        algorithms: Algorithms, precision: Precision, keptNodes: Set<Int>
    ) {
        (graph, kept) = original.executed(
            algorithms: algorithms, computing: request, modes: modes, keeping: keptNodes)
        kernels = graph.nodes.map { node in
            node.operation.kernel(
                for: KernelRequest(
                    inputs: node.inputShapes, output: node.shape, batchCapacity: batchCapacity, workers: workers,
                    algorithms: algorithms, precision: precision, runsBackward: request.input || request.parameters,
                    wantsParameterGradients: request.wantsParameters(of: node)))
        }
        activations = ActivationPlan(
            graph: graph, kernels: kernels, capacity: batchCapacity, request: request, precision: precision,
            kept: Set(kept.values))

        var trained: [(String, ParameterSpecification)] = []
        var fixed: [(String, ParameterSpecification)] = []
        for (index, node) in graph.nodes.enumerated() {
            for specification in node.parameters {
                let hasGradient = activations.runsBackward[index] && request.wants(specification, of: node)
                let entry = (node.key(specification.name), specification)
                if hasGradient { trained.append(entry) } else { fixed.append(entry) }
            }
        }
        var slots: [ParameterSlot] = []
        var count = 0
        var trainableCount = 0
        for (position, (key, specification)) in (trained + fixed).enumerated() {
            let hasGradient = position < trained.count
            slots.append(
                ParameterSlot(key: key, specification: specification, offset: count, hasGradient: hasGradient))
            count += MemoryPlan.aligned(specification.shape.count)
            if hasGradient { trainableCount = count }
        }
        parameters = slots
        parameterCount = count
        self.trainableCount = trainableCount

        var stateSlots: [StateSlot] = []
        var stateCount = 0
        for (key, specification) in graph.state {
            stateSlots.append(StateSlot(key: key, shape: specification.shape, offset: stateCount))
            stateCount += MemoryPlan.aligned(specification.shape.count)
        }
        state = stateSlots
        self.stateCount = stateCount
    }

    /// Bytes of activations and gradients, parameters with gradients, and state.
    var byteCount: Int {
        (activations.count + parameterCount + trainableCount + stateCount) * MemoryLayout<Float>.stride
    }

    /// The nodes in the order of the forward pass.
    var nodes: [ExecutionSummary.Node] {
        zip(graph.nodes, kernels).map {
            ExecutionSummary.Node(
                name: $0.name, operation: $0.operation.kind, algorithm: $1.algorithm, output: $0.shape)
        }
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
    fileprivate func executed(
        algorithms: Algorithms, computing request: GradientRequest, modes: Set<Mode>, keeping nodes: Set<Int>
    ) -> (graph: Graph, kept: [String: Graph.Value]) {
        // Folding mixes a norm's parameters with a convolution's, so that neither's gradient could be told.
        let folds = modes == [.inference] && !request.parameters
        var (graph, places) = (self, Dictionary(uniqueKeysWithValues: nodes.map { ($0, Graph.Value.output(of: $0)) }))
        func follow(_ change: (graph: Graph, values: [Int: Graph.Value])) {
            graph = change.graph
            places = places.mapValues { change.values[$0.index] ?? $0 }
        }
        if algorithms == .fast {
            follow(selectingEarly(keeping: nodes))
            follow(graph.fused(foldingNormalization: folds, keeping: Set(places.values.map { $0.index - 1 })))
        }
        return (graph, Dictionary(places.map { (self.nodes[$0].name, $1) }) { first, _ in first })
    }
}
