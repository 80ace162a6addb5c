/// PReLU (He et al. 2015): `x` above 0, `weight x` elsewhere.
///
/// The parameter `weight` has the given shape, `[1]` or `[channels]` in PyTorch, and broadcasts to the input.
package struct PReLU: GraphOperation {
    /// The parameter's shape.
    package var shape: TensorShape

    /// Describes a PReLU.
    package init(shape: TensorShape) {
        self.shape = shape
    }

    package var kind: String { "PReLU" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        guard shape.broadcast(with: input) == input else {
            throw ShapeError(
                node, "slopes of shape \(shape) do not fit \(input): axes must be equal or 1, counted from the last")
        }
        return input
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        [ParameterSpecification(name: "weight", shape: shape, initializer: .constant(0.25))]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ParametricKernel(
            .prelu, input: request.inputs[0], parameter: shape, parameterFirst: false, isLinear: false,
            request: request)
    }
}

extension GraphBuilder {
    /// Adds a PReLU (He et al. 2015): `x` above 0, `weight x` elsewhere; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - shape: the shape of the learned slopes, which broadcasts to the value's; one slope by default.
    public mutating func prelu(
        _ input: Graph.Value, named name: String, shape: TensorShape = [1]
    ) throws(ShapeError) -> Graph.Value {
        try add(PReLU(shape: shape), named: name, input)
    }
}
