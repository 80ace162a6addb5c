/// Evenly spaced places along one axis.
package struct Slice: GraphOperation {
    /// The axis; a negative one counts from the end.
    package var axis: Int
    /// The first place, from 0.
    package var start: Int
    /// The number of places, at least 1.
    package var count: Int
    /// The distance from one place to the next; negative to go backwards.
    package var step: Int

    /// Describes a slice.
    package init(axis: Int, start: Int, count: Int, step: Int = 1) {
        self.axis = axis
        self.start = start
        self.count = count
        self.step = step
    }

    package var kind: String { "Slice" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        let axis = try input.axis(axis, node: node)
        let length = input[axis]
        let (reach, overflows) = (max(1, count) - 1).multipliedReportingOverflow(by: step)
        let (last, alsoOverflows) = reach.addingReportingOverflow(start)
        guard count > 0, count <= length, step != 0, !overflows, !alsoOverflows, (0..<length).contains(start),
            (0..<length).contains(last)
        else {
            throw ShapeError(
                node, "\(count) places from \(start) by steps of \(step) are not all within axis \(axis) of \(input)")
        }
        return input.replacing(axis, by: count)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let input = request.inputs[0]
        let sliced = axis < 0 ? axis + input.rank : axis
        return AxisMapKernel(
            input.dimensions.indices.map { axis in
                axis == sliced ? (0..<count).map { start + $0 * step } : Array(0..<input[axis])
            }, input: input)
    }
}

extension GraphBuilder {
    /// Selects evenly spaced places along an axis: `[..., n, ...]` to `[..., count, ...]`.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axis: a negative one counts from the end.
    ///   - start: the first place, from 0.
    ///   - count: the number of elements.
    ///   - step: the distance from one place to the next; negative to go backwards.
    public mutating func slice(
        _ input: Graph.Value, named name: String, axis: Int, start: Int, count: Int, step: Int = 1
    ) throws(ShapeError) -> Graph.Value {
        try add(Slice(axis: axis, start: start, count: count, step: step), named: name, input)
    }
}
