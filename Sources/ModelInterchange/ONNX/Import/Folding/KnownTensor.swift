/// A constant tensor, whose elements are known when a file is read, in row-major order.
package struct KnownTensor<Element> {
    package var dimensions: [Int]
    package var values: [Element]

    package init(dimensions: [Int], values: [Element]) {
        self.dimensions = dimensions
        self.values = values
    }

    /// A tensor of rank 1.
    init(_ values: [Element]) {
        self.init(dimensions: [values.count], values: values)
    }

    /// A scalar.
    package init(_ value: Element) {
        self.init(dimensions: [], values: [value])
    }

    var rank: Int { dimensions.count }

    /// The stride of each axis, in elements.
    var strides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in dimensions.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * max(1, dimensions[axis + 1])
        }
        return strides
    }

    /// The elements at the given strides, as a tensor with an axis for each.
    func stepping(_ steps: [ONNXBinding.Step], from first: Int = 0) -> KnownTensor {
        var taken: [Element] = []
        taken.reserveCapacity(steps.reduce(1) { $0 * $1.count })
        ONNXBinding.visit(steps) { taken.append(values[first + $0]) }
        return KnownTensor(dimensions: steps.map(\.count), values: taken)
    }

    /// The tensor broadcast to a shape.
    /// - Precondition: its shape broadcasts to `target`.
    func broadcast(to target: [Int]) -> KnownTensor {
        guard dimensions != target else { return self }
        let new = target.count - rank
        let strides = strides
        return stepping(
            target.enumerated().map { axis, length in
                let own = axis - new
                return ONNXBinding.Step(
                    count: length, stride: own < 0 || dimensions[own] == 1 ? 0 : strides[own])
            })
    }
}

/// A constant tensor of integers, such as a shape; booleans are 0 and 1.
package typealias IntegerTensor = KnownTensor<BatchInteger>

/// A constant of one of three element types.
package enum KnownNumbers {
    /// Integers and booleans.
    case integers(IntegerTensor)
    /// Floating-point numbers.
    case floats(KnownTensor<Float>)
    /// Integers of a floating-point type, some of which depend on the batch size.
    case reals(IntegerTensor)

    var dimensions: [Int] {
        switch self {
        case .integers(let tensor), .reals(let tensor): tensor.dimensions
        case .floats(let tensor): tensor.dimensions
        }
    }

    /// Floating-point numbers; plain ones if none depends on the batch size.
    static func real(_ tensor: IntegerTensor) -> KnownNumbers {
        let numbers = tensor.values.compactMap(\.fixed)
        guard numbers.count == tensor.values.count else { return .reals(tensor) }
        return .floats(KnownTensor(dimensions: tensor.dimensions, values: numbers.map { Float($0) }))
    }
}

/// The shape that shapes broadcast to; nil if they do not broadcast.
func broadcastShape(_ shapes: [[Int]]) -> [Int]? {
    var result = [Int](repeating: 1, count: shapes.map(\.count).max() ?? 0)
    for shape in shapes {
        let new = result.count - shape.count
        for (axis, length) in shape.enumerated() where length != 1 {
            guard result[new + axis] == 1 || result[new + axis] == length else { return nil }
            result[new + axis] = length
        }
    }
    return result
}
