/// The input broadcast to a shape: axes of length 1 are repeated, and leading axes added.
///
/// Shapes are aligned at their last axes; where the given shape has a 1, the input's length stays.
package struct Expand: GraphOperation {
    /// The shape to broadcast to.
    package var shape: TensorShape

    /// Describes a repetition.
    package init(shape: TensorShape) {
        self.shape = shape
    }

    package var kind: String { "Expand" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        guard let result = input.broadcast(with: shape) else {
            throw ShapeError(
                node, "\(input) does not broadcast to \(shape): axes must be equal or 1, counted from the last")
        }
        return try checked(result, node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let input = TensorShape(request.inputs[0].padded(to: request.output.rank))
        return AxisMapKernel(
            zip(input.dimensions, request.output.dimensions).map { from, to in
                from == to ? Array(0..<to) : [Int](repeating: 0, count: to)
            }, input: input)
    }
}

extension GraphBuilder {
    /// Broadcasts a value to a shape: axes of length 1 are repeated, and leading axes added.
    package mutating func expand(
        _ input: Graph.Value, named name: String, shape: TensorShape
    ) throws(ShapeError) -> Graph.Value {
        try add(Expand(shape: shape), named: name, input)
    }
}
