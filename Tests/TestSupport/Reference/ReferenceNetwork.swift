import NeuralGraph

/// A graph evaluated node by node with the naive definitions of ``Reference``.
public struct ReferenceNetwork: Sendable {
    /// The graph.
    public let graph: Graph
    /// The parameters by name, in PyTorch's layouts.
    public var parameters: [String: [Double]]
    /// The state by name.
    public var state: [String: [Double]]
    /// For each dropout node, the factors of the step, `[batch, ...shape]`; none in inference mode.
    public var dropoutFactors: [String: [Double]] = [:]

    /// Takes over a model's numbers.
    public init(_ model: Model) {
        graph = model.graph
        parameters = model.parameters.mapValues { $0.elements.map(Double.init) }
        state = model.state.mapValues { $0.elements.map(Double.init) }
    }

    /// The network's output.
    public func output(for input: ReferenceTensor, mode: Mode) -> ReferenceTensor {
        values(for: input, mode: mode)[graph.nodes.count]
    }

    /// The input and every node's output.
    public func values(for input: ReferenceTensor, mode: Mode) -> [ReferenceTensor] {
        var values = [input]
        for node in graph.nodes {
            let output = evaluate(node, node.inputs.map { values[$0.index] }, mode: mode)
            precondition(output.shape == node.shape, "\(node.name): \(output.shape) is not \(node.shape)")
            values.append(output)
        }
        return values
    }

    /// The state after one step in training mode, as PyTorch moves it.
    public func stateAfterTraining(on input: ReferenceTensor) -> [String: [Double]] {
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

    private func evaluate(_ node: Graph.Node, _ inputs: [ReferenceTensor], mode: Mode) -> ReferenceTensor {
        let x = inputs[0]
        switch node.operation {
        case let operation as Convolution:
            return Reference.convolution(
                x, weight: tensor(parameters, node, "weight"), bias: parameters[node.key("bias")], operation)
        case let operation as BatchNormalization:
            return normalize(x, node, operation, mode: mode)
        case let operation as Rectification:
            return Reference.rectification(x, operation)
        case let operation as Pooling:
            return Reference.pooling(x, operation)
        case let operation as AdaptiveAveragePooling:
            return Reference.adaptiveAveragePooling(x, operation)
        case is GlobalAveragePooling:
            return Reference.globalAveragePooling(x)
        case let operation as Linear:
            return Reference.linear(
                x, weight: tensor(parameters, node, "weight"), bias: parameters[node.key("bias")],
                outputs: operation.outputs)
        case is Addition:
            return Reference.addition(x, inputs[1])
        case is Concatenation:
            return Reference.concatenation(inputs)
        case is Flattening:
            return Reference.flattening(x)
        case is Dropout:
            guard mode == .training, let factors = dropoutFactors[node.name] else { return x }
            return Reference.dropout(x, factors: factors)
        default:
            preconditionFailure("there is no reference of \(node.operation.kind)")
        }
    }

    private func normalize(
        _ x: ReferenceTensor, _ node: Graph.Node, _ operation: BatchNormalization, mode: Mode
    ) -> ReferenceTensor {
        let statistics = Reference.batchStatistics(x)
        let trains = mode == .training
        return Reference.normalize(
            x, mean: trains ? statistics.mean : tensor(state, node, "running_mean"),
            variance: trains ? statistics.biasedVariance : tensor(state, node, "running_var"),
            epsilon: Double(operation.epsilon), weight: tensor(parameters, node, "weight"),
            bias: tensor(parameters, node, "bias"))
    }

    private func tensor(_ tensors: [String: [Double]], _ node: Graph.Node, _ name: String) -> [Double] {
        guard let values = tensors[node.key(name)] else {
            preconditionFailure("\(node.key(name)) is missing")
        }
        return values
    }
}
