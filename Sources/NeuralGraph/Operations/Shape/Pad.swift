/// The content of a border.
public enum PaddingMode: String, Sendable, Hashable, CaseIterable {
    /// A constant.
    case constant
    /// The elements mirrored at the outermost one, which is not repeated.
    case reflect
    /// The outermost element.
    case edge
}

/// The input with a border along its axes.
package struct Pad: GraphOperation {
    /// Places before each axis, none negative.
    package var before: [Int]
    /// Places after each axis, none negative.
    package var after: [Int]
    /// The constant of a constant border.
    package var value: Float
    /// The content of the border.
    package var mode: PaddingMode

    /// Describes a border.
    package init(before: [Int], after: [Int], value: Float = 0, mode: PaddingMode = .constant) {
        self.before = before
        self.after = after
        self.value = value
        self.mode = mode
    }

    package var kind: String { "Padding" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        guard before.count == input.rank, after.count == input.rank else {
            throw ShapeError(
                node,
                "\(before.count) and \(after.count) borders for the \(input.rank) axes of \(input); give one per axis")
        }
        for (axis, length) in input.dimensions.enumerated() {
            let most = mode == .reflect ? length - 1 : TensorShape.largestCount
            guard (0...most).contains(before[axis]), (0...most).contains(after[axis]) else {
                throw ShapeError(
                    node,
                    "borders of \(before[axis]) and \(after[axis]) around axis \(axis) of \(input) are not within "
                        + "0 to \(most)")
            }
        }
        return try checked(
            TensorShape(input.dimensions.enumerated().map { before[$0] + $1 + after[$0] }), node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let input = request.inputs[0]
        return AxisMapKernel(
            input.dimensions.enumerated().map { axis, length in
                (-before[axis]..<length + after[axis]).map { place in
                    switch mode {
                    case .constant: (0..<length).contains(place) ? place : -1
                    case .edge: min(max(place, 0), length - 1)
                    case .reflect: place < 0 ? -place : place < length ? place : 2 * (length - 1) - place
                    }
                }
            }, input: input, constant: value)
    }
}

extension GraphBuilder {
    /// Adds a border around a value, along each of its axes.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - before: the places before each axis, at least 0.
    ///   - after: the places after each axis, at least 0.
    ///   - value: the constant of a constant border.
    ///   - mode: the content of the border.
    public mutating func pad(
        _ input: Graph.Value, named name: String, before: [Int], after: [Int], value: Float = 0,
        mode: PaddingMode = .constant
    ) throws(ShapeError) -> Graph.Value {
        try add(Pad(before: before, after: after, value: value, mode: mode), named: name, input)
    }
}
