package import NeuralGraph

/// A graph evaluated node by node with the naive definitions of ``Reference``.
package struct ReferenceNetwork: Sendable {
    /// The graph.
    package let graph: Graph
    /// The parameters by name, in PyTorch's layouts.
    package var parameters: [String: [Double]]
    /// The state by name.
    package var state: [String: [Double]]
    /// For each dropout node, the factors of the step, `[batch, ...shape]`; none in inference mode.
    package var dropoutFactors: [String: [Double]] = [:]

    /// Takes over a model's numbers.
    package init(_ model: Model) {
        graph = model.graph
        parameters = model.parameters.mapValues { $0.elements.map(Double.init) }
        state = model.state.mapValues { $0.elements.map(Double.init) }
    }

    /// The network's output.
    package func output(for input: ReferenceTensor, mode: Mode) -> ReferenceTensor {
        values(for: input, mode: mode)[graph.nodes.count]
    }

    /// The network's output where the nodes before one have the values that they had.
    func output(from first: Int, _ values: [ReferenceTensor], mode: Mode) -> ReferenceTensor {
        var values = Array(values[...first])
        evaluate(from: first, &values, mode: mode)
        return values[graph.nodes.count]
    }

    /// The input and every node's output.
    package func values(for input: ReferenceTensor, mode: Mode) -> [ReferenceTensor] {
        var values = [input]
        evaluate(from: 0, &values, mode: mode)
        return values
    }

    /// Appends the outputs of a node and of those behind it.
    private func evaluate(from first: Int, _ values: inout [ReferenceTensor], mode: Mode) {
        for node in graph.nodes[first...] {
            let output = evaluate(node, node.inputs.map { values[$0.index] }, batch: values[0].batch, mode: mode)
            precondition(output.shape == node.shape, "\(node.name): \(output.shape) is not \(node.shape)")
            values.append(output)
        }
    }

    /// The state after one step in training mode, as PyTorch moves it.
    package func stateAfterTraining(on input: ReferenceTensor) -> [String: [Double]] {
        let values = values(for: input, mode: .training)
        var result = state
        for node in graph.nodes {
            guard let operation = node.operation as? BatchNormalization else { continue }
            let statistics = Reference.batchStatistics(values[node.inputs[0].index])
            let momentum = Double(operation.momentum)
            func move(_ name: String, towards measured: [Double]) {
                result[node.key(name)] = zip(tensor(state, node, name), measured).map {
                    (1 - momentum) * $0 + momentum * $1
                }
            }
            move("running_mean", towards: statistics.mean)
            move("running_var", towards: statistics.unbiasedVariance)
            result[node.key("num_batches_tracked")] = tensor(state, node, "num_batches_tracked").map { $0 + 1 }
        }
        return result
    }
}
