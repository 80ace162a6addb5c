extension TensorShape {
    /// The most numbers that an example may have.
    static let largestCount = Int(Int32.max)

    /// The number of elements, nil if there are none or more than an example may have.
    var checkedCount: Int? {
        var count = 1
        for length in dimensions {
            let (product, overflows) = count.multipliedReportingOverflow(by: length)
            guard !overflows, product > 0, product <= Self.largestCount else { return nil }
            count = product
        }
        return count
    }

    /// How far apart neighbors along each axis lie in memory.
    var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in (0..<max(0, rank - 1)).reversed() { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
        return strides
    }

    /// An axis counted from the front; a negative one counts from the end.
    /// - Throws: ``ShapeError`` if there is no such axis.
    func axis(_ axis: Int, node: String) throws(ShapeError) -> Int {
        guard (-rank..<rank).contains(axis) else {
            throw ShapeError(node, "there is no axis \(axis) in \(self); choose one from \(-rank) to \(rank - 1)")
        }
        return axis < 0 ? axis + rank : axis
    }

    /// The shape with another length of one axis.
    func replacing(_ axis: Int, by length: Int) -> TensorShape {
        var lengths = dimensions
        lengths[axis] = length
        return TensorShape(lengths)
    }

    /// The shape that two shapes spread to: aligned at their last axes, where lengths are equal or one of them is 1.
    /// Nil if they do not fit.
    func broadcast(with other: TensorShape) -> TensorShape? {
        let rank = max(rank, other.rank)
        var lengths = [Int](repeating: 1, count: rank)
        for (axis, length) in padded(to: rank).enumerated() { lengths[axis] = length }
        for (axis, length) in other.padded(to: rank).enumerated() where length != lengths[axis] {
            if lengths[axis] == 1 {
                lengths[axis] = length
            } else if length != 1 {
                return nil
            }
        }
        return TensorShape(lengths)
    }

    /// The lengths with axes of length 1 in front, up to a rank.
    func padded(to rank: Int) -> [Int] { [Int](repeating: 1, count: rank - self.rank) + dimensions }
}

extension GraphOperation {
    /// The only input of an operation that takes one with at least one number.
    /// - Throws: ``ShapeError`` if there is another number of inputs.
    func onlyInput(_ inputs: [TensorShape], node: String, minimumRank: Int = 0) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank >= minimumRank, inputs[0].checkedCount != nil else {
            let axes = minimumRank > 0 ? " with at least \(minimumRank) axes" : ""
            throw ShapeError(node, "\(kind) takes one input\(axes) that is not empty, not \(inputs)")
        }
        return inputs[0]
    }

    /// A result of a size that an example may have.
    func checked(_ shape: TensorShape, node: String) throws(ShapeError) -> TensorShape {
        guard shape.checkedCount != nil else {
            throw ShapeError(
                node,
                "\(kind) gives \(shape.dimensions), which is empty or larger than \(TensorShape.largestCount) numbers")
        }
        return shape
    }
}
