import NeuralGraph

extension ReferenceNetwork {
    func evaluate(_ node: Graph.Node, _ inputs: [ReferenceTensor], batch: Int, mode: Mode) -> ReferenceTensor {
        guard let x = inputs.first else { return evaluateSource(node, batch: batch) }
        switch node.operation {
        case let operation as Convolution:
            return Reference.convolution(
                x, weight: tensor(parameters, node, "weight"), bias: parameters[node.key("bias")], operation)
        case let operation as BatchNormalization:
            return normalize(x, node, operation, mode: mode)
        case let operation as ReLU:
            return Reference.relu(x, operation)
        case let operation as Pooling:
            return Reference.pooling(x, operation)
        case let operation as AdaptiveAveragePool:
            return Reference.adaptiveAveragePool(x, operation)
        case is GlobalAveragePool:
            return Reference.globalAveragePool(x)
        case let operation as Linear:
            return Reference.linear(
                x, weight: tensor(parameters, node, "weight"), bias: parameters[node.key("bias")],
                outputs: operation.outputs)
        case is Add:
            return Reference.addition(x, inputs[1])
        case let operation as Concat:
            return Reference.concat(inputs, axis: operation.axis)
        case is Flatten:
            return Reference.flatten(x)
        case is Dropout:
            guard mode == .training, let factors = dropoutFactors[node.name] else { return x }
            return Reference.dropout(x, factors: factors)
        default:
            return evaluateElementwise(node, inputs) ?? evaluateRearrangement(node, inputs)
                ?? evaluateAttention(node, inputs)
        }
    }

    private func evaluateSource(_ node: Graph.Node, batch: Int) -> ReferenceTensor {
        guard let operation = node.operation as? ParameterValue else {
            preconditionFailure("there is no reference of \(node.operation.kind)")
        }
        return Reference.repeated(tensor(parameters, node, "weight"), shape: operation.shape, batch: batch)
    }

    private func evaluateElementwise(_ node: Graph.Node, _ inputs: [ReferenceTensor]) -> ReferenceTensor? {
        let x = inputs[0]
        func weight(_ shape: TensorShape) -> ReferenceTensor {
            let kept = TensorShape(Array(shape.dimensions.suffix(max(x.shape.rank, node.shape.rank))))
            return Reference.repeated(tensor(parameters, node, "weight"), shape: kept, batch: x.batch)
        }
        switch node.operation {
        case let operation as Pointwise:
            return Reference.pointwise(x, operation.function)
        case let operation as Elementary:
            return x.map { Reference.value(of: operation.function, at: $0) }
        case is Where: return Reference.where(x, inputs[1], inputs[2])
        case let operation as Arithmetic:
            return Reference.arithmetic(x, inputs[1]) { Reference.value(of: operation.arithmetic, $0, $1) }
        case let operation as ParametricArithmetic:
            let w = weight(operation.shape)
            let (a, b) = operation.parameterFirst ? (w, x) : (x, w)
            return Reference.arithmetic(a, b) { Reference.value(of: operation.arithmetic, $0, $1) }
        case let operation as PReLU:
            return Reference.arithmetic(x, weight(operation.shape)) { $0 > 0 ? $0 : $0 * $1 }
        default: return nil
        }
    }

    private func evaluateRearrangement(_ node: Graph.Node, _ inputs: [ReferenceTensor]) -> ReferenceTensor? {
        let x = inputs[0]
        switch node.operation {
        case let operation as Transpose: return Reference.transpose(x, axes: operation.axes)
        case let operation as Reshape: return Reference.reshape(x, to: operation.shape)
        case let operation as Slice: return Reference.slice(x, operation)
        case let operation as Gather: return Reference.gather(x, operation)
        case let operation as Pad: return Reference.pad(x, operation)
        case is Upsample, is Resize:
            return Reference.resizing(x, height: node.shape[0], width: node.shape[1])
        case let operation as Expand:
            let zeros = ReferenceTensor(batch: x.batch, shape: operation.shape)
            return Reference.arithmetic(x, zeros, +)
        case let operation as Reduction: return Reference.reduction(x, operation)
        default: return nil
        }
    }

    private func evaluateAttention(_ node: Graph.Node, _ inputs: [ReferenceTensor]) -> ReferenceTensor {
        let x = inputs[0]
        switch node.operation {
        case let operation as Softmax: return Reference.softmax(x, axis: operation.axis)
        case let operation as LogSoftmax: return Reference.logSoftmax(x, axis: operation.axis)
        case let operation as MatMul:
            return Reference.matMul(x, inputs[1], transposesSecond: operation.transposesSecond)
        case let operation as ScaledDotProductAttention: return Reference.attention(inputs, operation)
        case let operation as LayerNormalization:
            return Reference.layerNormalization(
                x, epsilon: Double(operation.epsilon), weight: parameters[node.key("weight")],
                bias: parameters[node.key("bias")])
        case let operation as GroupNormalization:
            return Reference.groupNormalization(
                x, groups: operation.groups, epsilon: Double(operation.epsilon),
                weight: tensor(parameters, node, "weight"), bias: tensor(parameters, node, "bias"))
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

    func tensor(_ tensors: [String: [Double]], _ node: Graph.Node, _ name: String) -> [Double] {
        tensor(tensors, node.key(name))
    }

    func tensor(_ tensors: [String: [Double]], _ key: String) -> [Double] {
        guard let values = tensors[key] else { preconditionFailure("\(key) is missing") }
        return values
    }
}
