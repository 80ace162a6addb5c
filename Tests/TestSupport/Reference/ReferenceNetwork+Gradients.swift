package import NeuralGraph

/// What a network computes and the gradients of `sum(dy * output)`, in Double.
package struct ReferenceGradients: Sendable {
    /// The output.
    package var output: [Double]
    /// By the input.
    package var input: [Double]
    /// By each parameter, in PyTorch's layouts.
    package var parameters: [String: [Double]]

    /// Puts results together.
    package init(output: [Double], input: [Double], parameters: [String: [Double]]) {
        self.output = output
        self.input = input
        self.parameters = parameters
    }
}

extension ReferenceNetwork {
    /// Two-sided differences of `sum(dy * output)` by every number of the input and of the parameters.
    /// - Parameter step: how far each number is moved; in Double 1e-5 leaves about ten digits.
    package func numericGradients(
        input: ReferenceTensor, outputGradient: [Double], mode: Mode, step: Double = 1e-5
    ) -> ReferenceGradients {
        func objective(_ network: ReferenceNetwork, _ input: ReferenceTensor) -> Double {
            zip(network.output(for: input, mode: mode).elements, outputGradient).reduce(0) { $0 + $1.0 * $1.1 }
        }
        func slope(_ value: (Double) -> Double) -> Double { (value(step) - value(-step)) / (2 * step) }

        var result = ReferenceGradients(
            output: output(for: input, mode: mode).elements, input: [], parameters: [:])
        var moved = input
        for index in input.elements.indices {
            result.input.append(
                slope { distance in
                    moved.elements[index] = input.elements[index] + distance
                    return objective(self, moved)
                })
            moved.elements[index] = input.elements[index]
        }
        let trained = graph.parameters.filter(\.specification.isTrained).map(\.key)
        for name in trained {
            guard let values = parameters[name] else { preconditionFailure("\(name) is missing") }
            var network = self
            result.parameters[name] = values.indices.map { index in
                defer { network.parameters[name]?[index] = values[index] }
                return slope { distance in
                    network.parameters[name]?[index] = values[index] + distance
                    return objective(network, input)
                }
            }
        }
        return result
    }
}
