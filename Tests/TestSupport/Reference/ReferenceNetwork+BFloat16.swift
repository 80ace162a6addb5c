import NeuralGraph

extension ReferenceNetwork {
    /// What a training pass in bfloat16 computes, in Double: the factors of products are rounded as they are read, and what the
    /// backward pass reads is rounded, other than the network's input and output.
    ///
    /// The output of batch norm, and of ReLU behind it, is computed again from batch norm's rounded input.
    /// - Parameter roundsValues: whether values are rounded before the backward pass, besides the factors of its products.
    /// - Precondition: every operation is one that residual networks are made of, and none has the network's input but the first.
    package func bfloat16Gradients(
        input: ReferenceTensor, outputGradient: [Double], roundsValues: Bool = true
    ) -> ReferenceGradients {
        let values = bfloat16Values(for: input)
        let seen = roundsValues ? valuesOfBackwardPass(values) : values
        let gates = ReferenceGates(of: graph, batch: input.batch) { seen[$0.index].elements }
        var gradients = values.map { ReferenceTensor(batch: $0.batch, shape: $0.shape) }
        gradients[graph.nodes.count].elements = outputGradient
        var result = ReferenceGradients(output: values[graph.nodes.count].elements, input: [], parameters: [:])
        for (index, node) in graph.nodes.enumerated().reversed() {
            let dy = gradients[index + 1]
            let inputs = node.inputs.map { seen[$0.index] }
            var step = backward(node, of: dy, inputs, mode: .training, gates: gates)
            if node.operation is Convolution || node.operation is Linear {
                var rounded = self
                rounded.parameters[node.key("weight")] = tensor(parameters, node, "weight").map(roundedToBFloat16)
                // Sums alone, such as the bias's gradient, are of floats.
                let products = rounded.backward(
                    node, of: dy.roundedToBFloat16, inputs.map(\.roundedToBFloat16), mode: .training, gates: gates)
                step.inputs = products.inputs
                step.parameters[node.key("weight")] = products.parameters[node.key("weight")]
            } else if let operation = node.operation as? BatchNormalization {
                let found = Reference.normalizationGradients(
                    of: dy, inputs[0], weight: tensor(parameters, node, "weight"), epsilon: Double(operation.epsilon),
                    statistics: Reference.batchStatistics(values[node.inputs[0].index]))
                step.inputs = [found.input]
                step.parameters[node.key("weight")] = found.weight
            }
            for (value, gradient) in zip(node.inputs, step.inputs) {
                gradients[value.index] = Reference.addition(gradients[value.index], gradient)
            }
            result.parameters.merge(step.parameters) { $1 }
        }
        result.input = gradients[0].elements
        return result
    }

    /// The input and every node's output, with rounded factors.
    private func bfloat16Values(for input: ReferenceTensor) -> [ReferenceTensor] {
        var values = [input]
        for node in graph.nodes {
            var (network, inputs) = (self, node.inputs.map { values[$0.index] })
            if node.operation is Convolution || node.operation is Linear {
                network.parameters[node.key("weight")] = tensor(parameters, node, "weight").map(roundedToBFloat16)
                inputs = inputs.map(\.roundedToBFloat16)
            }
            values.append(network.evaluate(node, inputs, batch: input.batch, mode: .training))
        }
        return values
    }

    /// The same as the backward pass reads them.
    private func valuesOfBackwardPass(_ values: [ReferenceTensor]) -> [ReferenceTensor] {
        var seen = [values[0]]
        for (index, node) in graph.nodes.enumerated() {
            let x = node.inputs[0].index
            switch node.operation {
            case let operation as BatchNormalization:
                let statistics = Reference.batchStatistics(values[x])
                seen.append(
                    Reference.normalize(
                        seen[x], mean: statistics.mean, variance: statistics.biasedVariance,
                        epsilon: Double(operation.epsilon), weight: tensor(parameters, node, "weight"),
                        bias: tensor(parameters, node, "bias")))
            case let operation as ReLU where x > 0 && graph.nodes[x - 1].operation is BatchNormalization:
                seen.append(Reference.relu(seen[x], operation))
            default:
                let isOutput = index == graph.nodes.count - 1
                seen.append(isOutput ? values[index + 1] : values[index + 1].roundedToBFloat16)
            }
        }
        return seen
    }
}

/// The nearest bfloat16 number to the nearest float.
package func roundedToBFloat16(_ value: Double) -> Double { Double(TestSupport.roundedToBFloat16(Float(value))) }

extension ReferenceTensor {
    fileprivate var roundedToBFloat16: ReferenceTensor { map { TestSupport.roundedToBFloat16($0) } }
}
