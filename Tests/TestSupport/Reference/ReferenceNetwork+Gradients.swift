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
    ///
    /// Only what a number can reach is computed again: its own example, and the nodes from a parameter's own on.
    /// - Parameter step: how far each number is moved; in Double 1e-5 leaves about ten digits.
    package func numericGradients(
        input: ReferenceTensor, outputGradient: [Double], mode: Mode, step: Double = 1e-5
    ) -> ReferenceGradients {
        func slope(_ output: (Double) -> ReferenceTensor, _ outputGradient: ArraySlice<Double>) -> Double {
            func objective(_ distance: Double) -> Double {
                zip(output(distance).elements, outputGradient).reduce(0) { $0 + $1.0 * $1.1 }
            }
            return (objective(step) - objective(-step)) / (2 * step)
        }

        let values = values(for: input, mode: mode)
        var result = ReferenceGradients(output: values[graph.nodes.count].elements, input: [], parameters: [:])
        let together = dependsOnOtherExamples(mode) ? input.batch : 1
        for first in stride(from: 0, to: input.batch, by: together) {
            let part = input.examples(first..<first + together)
            let gradient = outputGradient[(first * graph.outputShape.count)...]
            var moved = part
            for index in part.elements.indices {
                result.input.append(
                    slope(
                        { distance in
                            moved.elements[index] = part.elements[index] + distance
                            return output(for: moved, mode: mode)
                        }, gradient))
                moved.elements[index] = part.elements[index]
            }
        }
        for (place, node) in graph.nodes.enumerated() {
            for name in node.parameters.filter(\.isTrained).map({ node.key($0.name) }) {
                let numbers = tensor(parameters, name)
                var network = self
                result.parameters[name] = numbers.indices.map { index in
                    defer { network.parameters[name]?[index] = numbers[index] }
                    return slope(
                        { distance in
                            network.parameters[name]?[index] = numbers[index] + distance
                            return network.output(from: place, values, mode: mode)
                        }, outputGradient[...])
                }
            }
        }
        return result
    }

    /// Whether an example's output depends on the other examples of the batch, or on its place among them.
    private func dependsOnOtherExamples(_ mode: Mode) -> Bool {
        guard mode == .training else { return false }
        return !dropoutFactors.isEmpty || graph.nodes.contains { $0.operation is BatchNormalization }
    }
}
