package import NeuralGraph

extension ReferenceNetwork {
    /// What a pass computes, and the gradients of `sum(dy * output)`, by the chain rule in Double.
    /// - Parameters:
    ///   - outputGradient: dy as a function of the output.
    ///   - gates: the sides of all kinks, from another pass; this pass's own if nil.
    /// - Precondition: every operation is one that convolutional classifiers are made of.
    package func gradients(
        input: ReferenceTensor, mode: Mode, gates: ReferenceGates? = nil,
        outputGradient: ([Double]) -> [Double]
    ) -> ReferenceGradients {
        let values = values(for: input, mode: mode, gates: gates)
        let gates = gates ?? ReferenceGates(of: graph, batch: input.batch) { values[$0.index].elements }
        var gradients = values.map { ReferenceTensor(batch: $0.batch, shape: $0.shape) }
        let output = values[graph.nodes.count]
        gradients[graph.nodes.count].elements = outputGradient(output.elements)
        var result = ReferenceGradients(output: output.elements, input: [], parameters: [:])
        for (index, node) in graph.nodes.enumerated().reversed() {
            let inputs = node.inputs.map { values[$0.index] }
            let step = backward(node, of: gradients[index + 1], inputs, mode: mode, gates: gates)
            for (value, gradient) in zip(node.inputs, step.inputs) {
                gradients[value.index] = Reference.addition(gradients[value.index], gradient)
            }
            result.parameters.merge(step.parameters) { $1 }
        }
        result.input = gradients[0].elements
        return result
    }

    /// The input and every node's output, with the kinks on given sides.
    private func values(for input: ReferenceTensor, mode: Mode, gates: ReferenceGates?) -> [ReferenceTensor] {
        guard let gates else { return values(for: input, mode: mode) }
        var values = [input]
        for node in graph.nodes {
            let inputs = node.inputs.map { values[$0.index] }
            let x = inputs[0]
            if let operation = node.operation as? ReLU, let sides = gates.sides[node.name] {
                values.append(Reference.relu(x, operation, sides: sides))
            } else if let winners = gates.winners[node.name] {
                values.append(
                    ReferenceTensor(winners.map { x.elements[$0] }, batch: x.batch, shape: node.shape))
            } else {
                values.append(evaluate(node, inputs, batch: input.batch, mode: mode))
            }
        }
        return values
    }

    /// The gradients of one node's inputs and parameters.
    func backward(
        _ node: Graph.Node, of dy: ReferenceTensor, _ inputs: [ReferenceTensor], mode: Mode, gates: ReferenceGates
    ) -> (inputs: [ReferenceTensor], parameters: [String: [Double]]) {
        let x = inputs[0]
        func named(_ parameters: [(String, [Double])]) -> [String: [Double]] {
            var named: [String: [Double]] = [:]
            for (name, values) in parameters where self.parameters[node.key(name)] != nil {
                named[node.key(name)] = values
            }
            return named
        }
        switch node.operation {
        case let operation as Convolution:
            let found = Reference.convolutionGradients(
                of: dy, x, weight: tensor(parameters, node, "weight"), operation)
            return ([found.input], named([("weight", found.weight), ("bias", found.bias)]))
        case let operation as BatchNormalization:
            let weight = tensor(parameters, node, "weight")
            let found =
                mode == .training
                ? Reference.normalizationGradients(of: dy, x, weight: weight, epsilon: Double(operation.epsilon))
                : Reference.normalizationGradients(
                    of: dy, x, weight: weight, epsilon: Double(operation.epsilon),
                    mean: tensor(state, node, "running_mean"), variance: tensor(state, node, "running_var"))
            return ([found.input], named([("weight", found.weight), ("bias", found.bias)]))
        case let operation as Linear:
            let found = Reference.linearGradients(
                of: dy, x, weight: tensor(parameters, node, "weight"), outputs: operation.outputs)
            return ([found.input], named([("weight", found.weight), ("bias", found.bias)]))
        case let operation as Pointwise:
            // Two-sided differences of a smooth function leave ten digits.
            let (above, below) = (
                Reference.pointwise(x.map { $0 + 1e-5 }, operation.function),
                Reference.pointwise(x.map { $0 - 1e-5 }, operation.function)
            )
            var dx = dy
            for index in dx.elements.indices {
                dx.elements[index] *= (above.elements[index] - below.elements[index]) / 2e-5
            }
            return ([dx], [:])
        case is ReLU:
            guard let sides = gates.sides[node.name] else { preconditionFailure("\(node.name) has no gates") }
            return ([Reference.gated(dy, by: sides)], [:])
        case let operation as Pooling where operation.method == .maximum:
            guard let winners = gates.winners[node.name] else { preconditionFailure("\(node.name) has no gates") }
            var dx = ReferenceTensor(batch: x.batch, shape: x.shape)
            for (place, value) in zip(winners, dy.elements) { dx.elements[place] += value }
            return ([dx], [:])
        case let operation as AdaptiveAveragePool:
            return ([Reference.adaptiveAverageGradient(of: dy, x.shape, operation)], [:])
        case is GlobalAveragePool:
            return ([Reference.globalAverageGradient(of: dy, x.shape)], [:])
        case is Flatten: return ([Reference.unflattened(dy, to: x.shape)], [:])
        case is Add: return ([dy, dy], [:])
        case is Dropout where dropoutFactors[node.name] == nil: return ([dy], [:])
        default: preconditionFailure("there is no reference gradient of \(node.operation.kind)")
        }
    }
}
