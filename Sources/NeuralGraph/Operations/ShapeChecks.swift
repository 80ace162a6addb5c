extension TensorShape {
    /// The largest number of elements that a tensor of one example may have.
    static let largestCount = Int(Int32.max)

    /// The number of elements; nil if the shape is empty or larger than ``largestCount``.
    var checkedCount: Int? {
        var count = 1
        for length in dimensions {
            let (product, overflows) = count.multipliedReportingOverflow(by: length)
            guard !overflows, product > 0, product <= Self.largestCount else { return nil }
            count = product
        }
        return count
    }

    /// The distance in memory between neighbors along each axis.
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

    /// The shape that two shapes broadcast to, aligned at their last axes; nil if lengths differ and neither is 1.
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
    /// Returns the only input of an operation, which must not be empty.
    /// - Throws: ``ShapeError`` if there is not exactly one input.
    func onlyInput(_ inputs: [TensorShape], node: String, minimumRank: Int = 0) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank >= minimumRank, inputs[0].checkedCount != nil else {
            let axes = minimumRank > 0 ? " with at least \(minimumRank) axes" : ""
            throw ShapeError(node, "\(kind) takes one input\(axes) that is not empty, not \(inputs)")
        }
        return inputs[0]
    }

    /// Returns a result's shape if it is neither empty nor too large.
    func checked(_ shape: TensorShape, node: String) throws(ShapeError) -> TensorShape {
        guard shape.checkedCount != nil else {
            let isEmpty = shape.dimensions.contains { $0 < 1 }
            let fault =
                isEmpty ? "empty; use larger images" : "over \(TensorShape.largestCount) numbers; use smaller images"
            throw ShapeError(node, "\(kind) gives \(shape.dimensions), which is \(fault)")
        }
        return shape
    }
}
