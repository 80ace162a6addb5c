import ModelFiles
import NeuralGraph

/// Reads tensors' numbers.
struct ONNXTensorReader: Sendable {
    let bytes: [UInt8]
    let external: ONNXExternalFiles

    /// The numbers as 32-bit floats: rounded to nearest where the file has more digits.
    func floats(_ tensor: ONNXTensor) throws -> [Float] {
        switch tensor.scalarType {
        case .float32: try scalars(tensor, UInt32.self) { Float(bitPattern: UInt32(littleEndian: $0)) }
        case .float16: try scalars(tensor, UInt16.self) { float(fromHalf: UInt16(littleEndian: $0)) }
        case .bfloat16: try scalars(tensor, UInt16.self) { float(fromBrain: UInt16(littleEndian: $0)) }
        case .float64: try scalars(tensor, UInt64.self) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        default: try integers(tensor).map { Float($0) }
        }
    }

    /// The elements of an integer tensor.
    func integers(_ tensor: ONNXTensor) throws -> [Int] {
        switch tensor.scalarType {
        case .int64, .uint64: try scalars(tensor, UInt64.self) { Int(Int64(bitPattern: UInt64(littleEndian: $0))) }
        case .int32: try scalars(tensor, UInt32.self) { Int(Int32(bitPattern: UInt32(littleEndian: $0))) }
        case .uint32: try scalars(tensor, UInt32.self) { Int(UInt32(littleEndian: $0)) }
        case .int16: try scalars(tensor, UInt16.self) { Int(Int16(bitPattern: UInt16(littleEndian: $0))) }
        case .uint16: try scalars(tensor, UInt16.self) { Int(UInt16(littleEndian: $0)) }
        case .int8: try scalars(tensor, UInt8.self) { Int(Int8(bitPattern: $0)) }
        case .uint8, .bool: try scalars(tensor, UInt8.self) { Int($0) }
        default: throw ONNXProblem("\(tensor.place) holds no integers where they are needed")
        }
    }

    private func scalars<Bits: FixedWidthInteger, Value>(
        _ tensor: ONNXTensor, _ bits: Bits.Type, _ convert: (Bits) -> Value
    ) throws -> [Value] {
        let size = MemoryLayout<Bits>.size
        let count = tensor.count
        switch tensor.storage {
        case .raw(let range):
            try check(range.count / size, range.count % size == 0, tensor)
            return unsafe bytes.withUnsafeBytes { buffer in
                (0..<count).map { index in
                    unsafe convert(buffer.loadUnaligned(fromByteOffset: range.lowerBound + index * size, as: Bits.self))
                }
            }
        case .external(let data):
            let (file, offset) = try external.find(data, byteCount: count * size, of: tensor.place)
            return try scalars(of: file, at: offset, count: count, convert)
        case .file(let file, let offset): return try scalars(of: file, at: offset, count: count, convert)
        case .memory(let bytes):
            try check(bytes.count / size, bytes.count % size == 0, tensor)
            return unsafe bytes.withUnsafeBytes { buffer in
                (0..<count).map { unsafe convert(buffer.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)) }
            }
        case .fields(let fields, _):
            let stored = try stored(fields, tensor.scalarType)
            try check(stored.count, true, tensor)
            return stored.map { convert(Bits(truncatingIfNeeded: $0).littleEndian) }
        }
    }

    private func scalars<Bits: FixedWidthInteger, Value>(
        of file: RandomAccessFile, at offset: Int, count: Int, _ convert: (Bits) -> Value
    ) throws -> [Value] {
        let size = MemoryLayout<Bits>.size
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: count * size, alignment: 16)
        defer { unsafe raw.deallocate() }
        try unsafe file.read(at: offset, into: raw)
        return (0..<count).map { unsafe convert(raw.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)) }
    }

    /// The numbers' bits in fields that hold one or several packed.
    private func stored(_ fields: [Range<Int>], _ type: ONNXScalarType) throws -> [UInt64] {
        var values: [UInt64] = []
        for range in fields {
            var outer = WireReader(bytes, in: range)
            guard let field = try outer.next() else { continue }
            switch field.value {
            case .varint(let bits), .fixed64(let bits): values.append(bits)
            case .fixed32(let bits): values.append(UInt64(bits))
            case .content(let content):
                var reader = WireReader(bytes, in: content)
                while reader.position < content.upperBound {
                    switch type {
                    case .float32: values.append(try reader.fixed(4))
                    case .float64: values.append(try reader.fixed(8))
                    default: values.append(try reader.varint())
                    }
                }
            }
        }
        return values
    }

    private func check(_ found: Int, _ isWhole: Bool, _ tensor: ONNXTensor) throws {
        guard found == tensor.count, isWhole else {
            throw ONNXProblem(
                "\(tensor.place) has the shape \(tensor.dimensions) and thus \(tensor.count) elements, but \(found) are "
                    + "stored; the file is damaged")
        }
    }
}
