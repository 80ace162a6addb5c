/// An operation along one axis of its only input, whose shape stays.
protocol AxisOperation: GraphOperation {
    /// The axis; a negative one counts from the end.
    var axis: Int { get }
}

extension AxisOperation {
    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node, minimumRank: 1)
        _ = try input.axis(axis, node: node)
        return input
    }

    /// How one example's numbers lie about the axis.
    func rows(in shape: TensorShape) -> AxisRows {
        let axis = axis < 0 ? axis + shape.rank : axis
        return AxisRows(
            outer: shape.dimensions[..<axis].reduce(1, *), length: shape[axis],
            inner: shape.dimensions[(axis + 1)...].reduce(1, *))
    }
}

/// Rows of `length` numbers that lie `inner` apart, in `outer` blocks for each example.
struct AxisRows {
    let outer: Int
    let length: Int
    let inner: Int
}
