import CNeuralKernels

/// The plan and the memory requirement of an ``Executor``, without its memory.
package struct ExecutionSummary: Sendable {
    /// One node of the network as executed.
    package struct Node: Sendable {
        /// The node's name.
        package let name: String
        /// The operation, such as `convolution`.
        package let operation: String
        /// The algorithm that the plan picked.
        package let algorithm: String
        /// One example's output.
        package let output: TensorShape
    }

    /// The nodes in the order of the forward pass.
    package let nodes: [Node]
    /// Bytes that the executor holds: activations and gradients, parameters with gradients, and state.
    package let byteCount: Int
    /// The name of the matrix product kernels that OpenBLAS picked for this machine.
    package let matrixKernels: String
    /// Whether matrix products go to the engine's own loops, since OpenBLAS's kernels are for an older instruction set.
    package let usesOwnProducts: Bool
    /// The instruction set of the engine's own loops: `portable`, `avx2` or `avx512`.
    package let vectorKernels: String
    /// The instruction set of products of bfloat16: that of the other loops, `avx512bf16` or `amx`.
    package let bfloat16Kernels: String
    /// What products' factors are rounded to.
    package let precision: Precision

    /// Plans as ``Executor`` does, without allocating its memory.
    /// - Parameters:
    ///   - model: the network.
    ///   - batchCapacity: the largest batch; values below 1 count as 1.
    ///   - request: the gradients to compute.
    ///   - modes: the modes of the passes to come.
    ///   - workers: the threads to work with.
    ///   - algorithms: `.strict` uses the universal algorithms only.
    ///   - precision: what products' factors are rounded to.
    ///   - nodes: nodes of the model whose outputs stay readable.
    ///   - sharding: the size of shards and the processes; nil for batches as a whole.
    /// - Throws: ``GraphError/unknownNode(name:known:)``.
    package init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], workers: Int = ThreadTeam.processorCount,
        algorithms: Algorithms = .fast, precision: Precision = .float32, keeping nodes: Set<String>,
        sharding: Sharding? = nil
    ) throws(GraphError) {
        self.init(
            graph: model.graph, batchCapacity: batchCapacity, computing: request, modes: modes, workers: workers,
            algorithms: algorithms, precision: precision, keptNodes: try model.graph.positions(of: nodes),
            sharding: sharding)
    }

    /// Plans as ``Executor`` does, without allocating its memory.
    package init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], workers: Int = ThreadTeam.processorCount,
        algorithms: Algorithms = .fast, precision: Precision = .float32, sharding: Sharding? = nil
    ) {
        self.init(
            graph: model.graph, batchCapacity: batchCapacity, computing: request, modes: modes, workers: workers,
            algorithms: algorithms, precision: precision, keptNodes: [], sharding: sharding)
    }

    /// Plans the training steps of a network that has no numbers yet, with the default options.
    package init(training graph: Graph, batchCapacity: Int) {
        self.init(
            graph: graph, batchCapacity: batchCapacity, computing: .parameters, modes: [.training],
            workers: ThreadTeam.processorCount, algorithms: .fast, precision: .float32, keptNodes: [], sharding: nil)
    }

    private init(
        graph: Graph, batchCapacity: Int, computing request: GradientRequest, modes: Set<Mode>, workers: Int,
        algorithms: Algorithms, precision: Precision, keptNodes: Set<Int>, sharding: Sharding?
    ) {
        let capacity = max(1, batchCapacity)
        let plan = ExecutionPlan(
            graph, batchCapacity: min(capacity, sharding?.size ?? capacity), computing: request, modes: modes,
            workers: max(1, workers), algorithms: algorithms, precision: precision, keptNodes: keptNodes)
        self.precision = precision
        nodes = plan.nodes
        let others =
            sharding.map {
                ShardedPasses.byteCount(plan, capacity: capacity, sharding: $0, request: request, modes: modes)
            } ?? 0
        byteCount = plan.byteCount + others
        matrixKernels = OpenBLASRuntime.coreName
        usesOwnProducts = MatrixKernel(algorithms, precision) == .ownLoops
        vectorKernels = String(cString: cnk_level_name())
        bfloat16Kernels = String(cString: cnk_bfloat16_name())
    }
}
