/// Places along one axis, in any order and with repetitions.
package struct Gather: GraphOperation {
    /// The axis; a negative one counts from the end.
    package var axis: Int
    /// The places, each from 0; at least one.
    package var places: [Int]

    /// Describes a selection.
    package init(axis: Int, places: [Int]) {
        self.axis = axis
        self.places = places
    }

    package var kind: String { "Gather" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        let axis = try input.axis(axis, node: node)
        guard !places.isEmpty, places.allSatisfy({ (0..<input[axis]).contains($0) }) else {
            throw ShapeError(
                node, "the places \(places.prefix(8)) must be at least one, and all within axis \(axis) of \(input)")
        }
        return try checked(input.replacing(axis, by: places.count), node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let input = request.inputs[0]
        let selected = axis < 0 ? axis + input.rank : axis
        return AxisMapKernel(
            input.dimensions.indices.map { axis in axis == selected ? places : Array(0..<input[axis]) }, input: input)
    }
}

extension GraphBuilder {
    /// Selects places along an axis, in any order and with repetitions: `[..., n, ...]` to `[..., places.count, ...]`.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axis: a negative one counts from the end.
    ///   - places: each from 0; at least one.
    public mutating func gather(
        _ input: Graph.Value, named name: String, axis: Int, places: [Int]
    ) throws(ShapeError) -> Graph.Value {
        try add(Gather(axis: axis, places: places), named: name, input)
    }
}
