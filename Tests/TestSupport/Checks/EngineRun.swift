package import NeuralGraph

/// What the engine computes in one forward and one backward pass.
package struct EngineRun: Sendable {
    /// How the passes are run.
    package struct Options: Sendable {
        /// Batch norm and dropout as in training, or as in use.
        package var mode = Mode.training
        /// Which modes are planned for.
        package var modes: Set<Mode> = [.training, .inference]
        /// Which algorithms may be used.
        package var algorithms = Algorithms.fast
        /// What products' factors are rounded to.
        package var precision = Precision.float32
        /// The largest batch that is planned for; the batch itself if nil.
        package var capacity: Int?
        /// How many threads work.
        package var workers = 2
        /// Which gradients are computed.
        package var request = GradientRequest.both
        /// The seed of the step.
        package var seed: UInt64 = 0
        /// Whether training mode moves running statistics.
        package var updatesState = true

        /// The usual way: training mode, the fastest algorithms, two workers, all gradients.
        package init() {}

        /// Options with some of them changed.
        package func with(_ change: (inout Options) -> Void) -> Options {
            var options = self
            change(&options)
            return options
        }
    }

    /// The output, `[batch, ...shape]`.
    package let output: [Float]
    /// The gradient by the input; empty if it was not asked for.
    package let inputGradient: [Float]
    /// The gradients that were asked for by parameter, in PyTorch's layouts.
    package let parameterGradients: [String: Tensor]
    /// The parameters and the state after the pass.
    package let model: Model
    /// The algorithm of each node.
    package let algorithms: [String]
    /// Bytes that the plan holds.
    package let byteCount: Int

    /// Runs both passes; no backward pass if no gradient is asked for.
    /// - Parameters:
    ///   - input: `[batch, ...input shape]`, channels last.
    ///   - outputGradient: `[batch, ...output shape]`.
    package init(
        _ model: Model, input: [Float], outputGradient: [Float], _ options: Options = Options()
    ) throws {
        let batch = input.count / model.graph.inputShape.count
        let executor = Executor(
            model: model, batchCapacity: options.capacity ?? batch, computing: options.request,
            modes: options.modes, threads: ThreadTeam(workers: options.workers), algorithms: options.algorithms,
            precision: options.precision)
        try self.init(executor, input: input, outputGradient: outputGradient, options)
    }

    /// Runs both passes on an executor that is there already.
    package init(
        _ executor: Executor, input: [Float], outputGradient: [Float], _ options: Options = Options()
    ) throws {
        let batch = input.count / executor.graph.inputShape.count
        _ = executor.input.update(fromContentsOf: input)
        try executor.forward(
            batch: batch, mode: options.mode, updatesState: options.updatesState, seed: options.seed)
        output = Array(executor.output[..<(batch * executor.graph.outputShape.count)])
        if executor.request.input || executor.request.parameters {
            _ = executor.outputGradient.update(fromContentsOf: outputGradient)
            try executor.backward()
        }
        inputGradient = Array(executor.inputGradient[..<min(input.count, executor.inputGradient.count)])
        parameterGradients = try executor.parameterGradients()
        self.model = try executor.model()
        algorithms = executor.nodes.map(\.algorithm)
        byteCount = executor.byteCount
    }
}
