public import Foundation
public import NeuralGraph

/// A safetensors file that is open for reading.
///
/// The format (https://github.com/huggingface/safetensors) is an 8-byte little-endian header length, a JSON header, and the
/// tensors' bytes in row-major order. Opening a file checks its whole header; tensors are read on request.
public struct SafetensorsFile: Sendable {
    /// The longest header that is read, in bytes; the reference implementation has the same limit.
    package static let longestHeader = 100_000_000

    /// The content of `__metadata__`.
    public var metadata: [String: String] { header.metadata }
    /// The tensors' names in the order of their bytes in UTF-8.
    public var names: [String] { header.places.keys.sorted(by: Self.precedes) }
    let header: SafetensorsHeader
    private let file: RandomAccessFile
    private let dataOffset: Int

    /// Opens a file and checks its header.
    /// - Throws: ``FileError`` if the file cannot be read, or if it is not what the format allows: lengths,
    ///   element types, shapes and offsets must agree with each other and with the file's size, and every byte of data
    ///   must belong to exactly one tensor.
    public init(contentsOf url: URL) throws(FileError) {
        do {
            file = try RandomAccessFile(url)
            (header, dataOffset) = try Self.header(of: file)
        } catch let error as FileError {
            throw error
        } catch let problem as SafetensorsHeader.Problem {
            throw FileError(url.path, problem.message)
        } catch {
            throw FileError(url.path, "\(error)")
        }
    }

    /// Returns a tensor's element type; nil if no tensor has this name.
    public func scalarType(of name: String) -> ScalarType? { entry(name)?.scalarType }

    /// Returns a tensor's shape; nil if no tensor has this name.
    public func shape(of name: String) -> TensorShape? { entry(name)?.shape }

    /// Every tensor's shape by name.
    public var shapes: [String: TensorShape] { header.places.mapValues { header.entries[$0].shape } }

    /// Reads one tensor as 32-bit floats: `F32`, `F16` and `BF16` exactly, `F64`, `I64` and `I32` rounded to nearest.
    /// - Throws: ``FileError`` if no tensor has this name, or its element type is not one of these.
    public func tensor(_ name: String) throws(FileError) -> Tensor {
        guard let entry = entry(name) else {
            throw FileError(file.path, "there is no tensor \(quoted(name)); see the file's names")
        }
        do {
            return try read(entry)
        } catch let error as FileError {
            throw error
        } catch {
            throw FileError(file.path, "\(error)")
        }
    }

    /// Reads all tensors, by name.
    /// - Throws: ``FileError`` as ``tensor(_:)``.
    public func tensors() throws(FileError) -> [String: Tensor] {
        try checkMemory()
        var result: [String: Tensor] = [:]
        result.reserveCapacity(header.entries.count)
        for name in names { result[name] = try tensor(name) }
        return result
    }

    /// Checks that the tensors can be held, if the program's address space has a limit.
    func checkMemory() throws(FileError) {
        let floats = header.entries.reduce(0) { $0 + $1.bytes.count / $1.scalarType.byteCount }
        let byteCount = floats * MemoryLayout<Float>.stride
        guard AddressSpace.has(byteCount) else {
            throw FileError(
                file.path,
                "takes \(byteCount >> 20) MiB, and the system allows \((AddressSpace.limit ?? 0) >> 20) MiB of address space for "
                    + "all of this program; allow more, as by ulimit -v")
        }
    }

    private func entry(_ name: String) -> SafetensorsHeader.Entry? { header.places[name].map { header.entries[$0] } }

    private func read(_ entry: SafetensorsHeader.Entry) throws -> Tensor {
        switch entry.scalarType {
        case .float32:
            return try unsafe Tensor(
                shape: entry.shape,
                writingElements: { target in
                    try unsafe file.read(
                        at: dataOffset + entry.bytes.lowerBound, into: UnsafeMutableRawBufferPointer(target))
                })
        case .float16: return try read(entry) { float(fromHalf: UInt16(littleEndian: $0)) }
        case .bfloat16: return try read(entry) { float(fromBrain: UInt16(littleEndian: $0)) }
        case .float64: return try read(entry) { Float(Double(bitPattern: UInt64(littleEndian: $0))) }
        case .int64: return try read(entry) { Float(Int64(littleEndian: $0)) }
        case .int32: return try read(entry) { Float(Int32(littleEndian: $0)) }
        default:
            let readable = ScalarType.readable.map(\.rawValue).joined(separator: ", ")
            throw FileError(
                file.path,
                "tensor \(quoted(entry.name)) has the dtype \(entry.scalarType.rawValue), which is not read; "
                    + "convert it to one of \(readable)")
        }
    }

    private func read<Scalar: BitwiseCopyable>(
        _ entry: SafetensorsHeader.Entry, _ convert: (Scalar) -> Float
    ) throws -> Tensor {
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: entry.bytes.count, alignment: 16)
        defer { unsafe raw.deallocate() }
        try unsafe file.read(at: dataOffset + entry.bytes.lowerBound, into: raw)
        let source = unsafe raw.bindMemory(to: Scalar.self)
        let count = source.count
        return Tensor(shape: entry.shape) { elements in
            for index in 0..<count { elements.append(convert(unsafe source[index])) }
        }
    }

    private static func header(
        of file: RandomAccessFile
    ) throws -> (header: SafetensorsHeader, dataOffset: Int) {
        if let message = try ForeignFormat(of: file)?.message { throw SafetensorsHeader.Problem(message) }
        guard file.size >= 8 else {
            throw SafetensorsHeader.Problem(
                "the file has \(file.size) bytes; a safetensors file begins with 8 for its header's length")
        }
        var stored: UInt64 = 0
        try unsafe withUnsafeMutableBytes(of: &stored) { try unsafe file.read(at: 0, into: $0) }
        let length = UInt64(littleEndian: stored)
        guard length <= UInt64(longestHeader) else {
            throw SafetensorsHeader.Problem(
                "the header's length is given as \(length) bytes, above the limit of \(longestHeader); "
                    + "this is not a safetensors file")
        }
        guard length <= UInt64(file.size - 8) else {
            throw SafetensorsHeader.Problem(
                "the header's length is given as \(length) bytes, but the file ends after \(file.size - 8); "
                    + "it is cut off or not a safetensors file")
        }
        let dataOffset = 8 + Int(length)
        let header = try SafetensorsHeader(file.bytes(8..<dataOffset), dataCount: file.size - dataOffset)
        return (header, dataOffset)
    }

    /// The order of names by their bytes in UTF-8, as other programs sort them.
    static func precedes(_ first: String, _ second: String) -> Bool {
        // Bytes in memory compare many times as fast as the views' elements.
        let order =
            unsafe first.utf8.withContiguousStorageIfAvailable { first in
                unsafe second.utf8.withContiguousStorageIfAvailable { second in
                    let order = unsafe first.baseAddress.flatMap { start in
                        unsafe second.baseAddress.map { unsafe memcmp(start, $0, min(first.count, second.count)) }
                    }
                    return (order ?? 0, first.count - second.count) < (0, 0)
                } ?? nil
            } ?? nil
        return order ?? first.utf8.lexicographicallyPrecedes(second.utf8)
    }
}

extension SafetensorsFile {
    /// How a tensor's elements are stored; the raw value is the name in the file.
    public enum ScalarType: String, Sendable, CaseIterable {
        case float64 = "F64"
        case float32 = "F32"
        case float16 = "F16"
        /// The upper half of a `float32`.
        case bfloat16 = "BF16"
        case float8E4M3 = "F8_E4M3"
        case float8E5M2 = "F8_E5M2"
        case float8E8M0 = "F8_E8M0"
        case int64 = "I64"
        case int32 = "I32"
        case int16 = "I16"
        case int8 = "I8"
        case uint64 = "U64"
        case uint32 = "U32"
        case uint16 = "U16"
        case uint8 = "U8"
        case bool = "BOOL"
        case complex64 = "C64"

        /// The bytes of one element.
        package var byteCount: Int {
            switch self {
            case .float64, .int64, .uint64, .complex64: 8
            case .float32, .int32, .uint32: 4
            case .float16, .bfloat16, .int16, .uint16: 2
            case .float8E4M3, .float8E5M2, .float8E8M0, .int8, .uint8, .bool: 1
            }
        }

        /// The types that tensors are read from.
        package static let readable: [ScalarType] = [.float32, .float16, .bfloat16, .float64, .int64, .int32]
    }
}
