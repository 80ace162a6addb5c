/// Numbers as a tensor of a file stores them.
struct ONNXScalarEncoding {
    /// Little-endian bytes.
    let raw: [UInt8]
    /// The content of a packed field of the type.
    let packed: [UInt8]
    private let scalarType: ONNXScalarType
    private let dimensions: [Int]

    /// Encodes numbers like those of a stored tensor.
    /// - Parameters:
    ///   - tensor: the tensor whose type and shape they have.
    ///   - name: what to call it in messages.
    init(_ tensor: ONNXTensor, name: String, values: [Float]) throws {
        scalarType = tensor.scalarType
        dimensions = tensor.dimensions
        var raw = WireWriter()
        var packed = WireWriter()
        for value in values {
            switch tensor.scalarType {
            case .float32: raw.append(value.bitPattern)
            case .float64: raw.append(Double(value).bitPattern)
            case .float16, .bfloat16:
                let bits = tensor.scalarType == .float16 ? halfBits(of: value) : brainBits(of: value)
                let infinite: UInt16 = tensor.scalarType == .float16 ? 0x7c00 : 0x7f80
                guard !value.isFinite || bits & infinite != infinite else {
                    throw ONNXProblem(
                        "tensor \(quoted(name)) is stored as \(tensor.scalarType), which does not reach \(value); "
                            + "write safetensors instead")
                }
                raw.append(bits)
                packed.varint(UInt64(bits))
            default:
                throw ONNXProblem("tensor \(quoted(name)) is stored as whole numbers and cannot be changed")
            }
        }
        self.raw = raw.bytes
        self.packed = [.float32, .float64].contains(tensor.scalarType) ? raw.bytes : packed.bytes
    }

    /// Writes the numbers as a tensor's message.
    func writeTensor(named name: String, to writer: inout WireWriter) {
        writer.packed(1, dimensions)
        writer.integer(2, scalarType.rawValue)
        writer.string(8, name)
        writer.content(9, raw)
    }
}

/// The bits of the `float16` nearest to a number, ties to even.
func halfBits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    if magnitude > 0x7f80_0000 { return sign | 0x7e00 }
    // Above the middle between the largest number and the next there would be.
    if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
    if magnitude < 0x3880_0000 {
        // Subnormal: counted in steps of 2^-24; the sum rounds to even.
        let steps = (Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven)
        return sign | UInt16(steps)
    }
    let rounded = magnitude + 0xfff + (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded - 0x3800_0000) >> 13)
}

/// The bits of the `bfloat16` nearest to a number, ties to even.
func brainBits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (UInt64(bits) + 0x7fff + UInt64(bits >> 16 & 1)) >> 16)
}
