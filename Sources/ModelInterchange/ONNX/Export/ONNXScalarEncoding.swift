import ModelFiles

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
                    throw Self.outOfRange(value, tensor.scalarType, name: name)
                }
                raw.append(bits)
                packed.varint(UInt64(bits))
            default:
                throw ONNXProblem("tensor \(quoted(name)) is stored as integers and cannot be changed")
            }
        }
        self.raw = raw.bytes
        self.packed = [.float32, .float64].contains(tensor.scalarType) ? raw.bytes : packed.bytes
    }

    /// A number that a file's type does not reach.
    static func outOfRange(_ value: Float, _ type: ONNXScalarType, name: String) -> ONNXProblem {
        ONNXProblem(
            "tensor \(quoted(name)) is stored as \(type), which does not reach \(value); write safetensors instead")
    }

    /// Writes the numbers as a tensor's message.
    func writeTensor(named name: String, to writer: inout WireWriter) {
        writer.packed(1, dimensions)
        writer.integer(2, scalarType.rawValue)
        writer.string(8, name)
        writer.content(9, raw)
    }
}
