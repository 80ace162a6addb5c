/// Axes of length 1 repeated, and axes added in front, until the input has the given shape. Shapes are aligned at their
/// last axes; where the given shape has a 1, the input's length stays.
public struct Broadcasting: GraphOperation {
    /// The shape to spread to.
    public var shape: Shape

    /// Describes a repetition.
    public init(shape: Shape) {
        self.shape = shape
    }

    public var kind: String { "Broadcasting" }

    public func outputShape(for inputs: [Shape], node: String) throws(ShapeError) -> Shape {
        let input = try onlyInput(inputs, node: node)
        guard let result = input.broadcast(with: shape) else {
            throw ShapeError(node, "\(input) does not spread to \(shape): axes are equal or 1, counted from the last")
        }
        return try checked(result, node: node)
    }

    public func kernel(for request: KernelRequest) -> any Kernel {
        let input = Shape(request.inputs[0].padded(to: request.output.rank))
        return AxisMapKernel(
            zip(input.dimensions, request.output.dimensions).map { from, to in
                from == to ? Array(0..<to) : [Int](repeating: 0, count: to)
            }, input: input)
    }
}

extension GraphBuilder {
    /// Adds a ``Broadcasting``.
    public mutating func broadcasting(
        _ input: Graph.Value, named name: String, shape: Shape
    ) throws(ShapeError) -> Graph.Value {
        try add(Broadcasting(shape: shape), named: name, input)
    }
}
