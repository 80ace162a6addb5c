extension Graph {
    /// Each node's kernel in a plan.
    func kernels(
        batchCapacity: Int, computing request: GradientRequest, workers: Int, algorithms: Algorithms
    ) -> [any Kernel] {
        nodes.map { node in
            node.operation.kernel(
                for: KernelRequest(
                    inputs: node.inputShapes, output: node.shape, batchCapacity: batchCapacity, workers: workers,
                    algorithms: algorithms, runsBackward: request.input || request.parameters,
                    wantsParameterGradients: request.wantsParameters(of: node)))
        }
    }
}
