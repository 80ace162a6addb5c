/// Casts of constants.
extension Folding {
    /// Casts a constant to another type; all floating-point types are computed as 32-bit floats.
    func cast(_ numbers: KnownNumbers, to type: ONNXScalarType?) throws -> KnownNumbers {
        guard let type else {
            throw ONNXProblem(node, "casts to the type \(try node.integer("to") ?? 0), which is not supported")
        }
        switch numbers {
        case .integers(let tensor) where type.isFloat: return .real(tensor)
        case .floats where type.isFloat, .reals where type.isFloat: return numbers
        case .integers(let tensor), .reals(let tensor):
            return .integers(try whole(tensor, type))
        case .floats(let tensor):
            return .integers(
                try whole(
                    IntegerTensor(
                        dimensions: tensor.dimensions,
                        values: try tensor.values.map { element in
                            if type == .bool { return BatchInteger(element == 0 ? 0 : 1) }
                            guard let number = Int(exactly: element.rounded(.towardZero)) else {
                                throw ONNXProblem(node, "casts \(element) to an integer")
                            }
                            return BatchInteger(number)
                        }), type))
        }
    }

    /// Casts integers to a type that must be able to hold them.
    private func whole(_ tensor: IntegerTensor, _ type: ONNXScalarType) throws -> IntegerTensor {
        IntegerTensor(
            dimensions: tensor.dimensions,
            values: try tensor.values.map { value in
                if type == .bool {
                    guard let isZero = value.isZero else { throw unknown }
                    return BatchInteger(isZero ? 0 : 1)
                }
                guard let number = value.fixed, let range = type.integers else { return value }
                guard range.contains(number) else {
                    throw ONNXProblem(node, "casts \(number) to \(type), which does not hold it")
                }
                return value
            })
    }
}

extension ONNXScalarType {
    /// The range of a narrow integer type; nil for 64-bit integers and for floating point.
    fileprivate var integers: ClosedRange<Int>? {
        switch self {
        case .int8: -128...127
        case .uint8: 0...255
        case .int16: -32768...32767
        case .uint16: 0...65535
        case .int32: Int(Int32.min)...Int(Int32.max)
        case .uint32: 0...Int(UInt32.max)
        default: nil
        }
    }
}
