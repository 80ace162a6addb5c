public import Foundation
public import NeuralGraph

/// Writes safetensors files: equal content gives equal bytes.
public enum SafetensorsWriter {
    /// One tensor to be written.
    public struct Entry: Sendable {
        /// The name, unique in the file.
        public var name: String
        /// The elements.
        public var tensor: Tensor
        /// The element type in the file: `float32`, or `int64` for integers.
        public var scalarType: SafetensorsFile.ScalarType

        /// Creates an entry.
        public init(name: String, tensor: Tensor, scalarType: SafetensorsFile.ScalarType = .float32) {
            self.name = name
            self.tensor = tensor
            self.scalarType = scalarType
        }
    }

    /// Writes a file, whole or not at all.
    ///
    /// Tensors are ordered by element size, largest first, then by name, as the reference implementation does: so every
    /// element is aligned, which PyTorch's loader needs.
    /// - Throws: ``FileError`` if a name is taken twice or reserved, an element type is not written, a tensor has
    ///   values that its type cannot hold, or the file cannot be written.
    public static func write(
        _ tensors: [Entry], metadata: [String: String] = [:], to url: URL
    ) throws(FileError) {
        let sorted = try ordered(tensors, path: url.path)
        let header = header(sorted, metadata: metadata)
        let file = try AtomicFile(replacing: url)
        try file.append([UInt64(header.count).littleEndian])
        try file.append(header)
        for entry in sorted {
            if entry.scalarType == .int64 {
                try file.append(entry.tensor.elements.map { Int64($0).littleEndian })
            } else {
                try file.append(entry.tensor.elements)
            }
        }
        try file.commit()
    }

    /// Writes tensors as 32-bit floats.
    /// - Throws: ``FileError`` if the file cannot be written.
    public static func write(
        _ tensors: [String: Tensor], metadata: [String: String] = [:], to url: URL
    ) throws(FileError) {
        try write(tensors.map { Entry(name: $0.key, tensor: $0.value) }, metadata: metadata, to: url)
    }

    private static func ordered(_ tensors: [Entry], path: String) throws(FileError) -> [Entry] {
        var names: Set<String> = ["__metadata__"]
        for entry in tensors {
            guard names.insert(entry.name).inserted else {
                throw FileError(
                    path,
                    "the name \(quoted(entry.name)) is taken twice or reserved; give every tensor its own")
            }
            switch entry.scalarType {
            case .float32: break
            case .int64:
                guard entry.tensor.elements.allSatisfy({ Int64(exactly: $0) != nil }) else {
                    throw FileError(
                        path, "tensor \(quoted(entry.name)) has numbers that are not whole; write it as F32")
                }
            default:
                throw FileError(
                    path,
                    "tensor \(quoted(entry.name)) cannot be written as \(entry.scalarType.rawValue); "
                        + "use F32 or I64")
            }
        }
        return tensors.sorted { first, second in
            let (firstSize, secondSize) = (first.scalarType.byteCount, second.scalarType.byteCount)
            return firstSize != secondSize
                ? firstSize > secondSize : SafetensorsFile.precedes(first.name, second.name)
        }
    }

    /// The JSON header, padded by spaces so that the data begins at a multiple of 8.
    private static func header(_ sorted: [Entry], metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { SafetensorsFile.precedes($0.key, $1.key) }
                .map { "\(literal($0.key)):\(literal($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for entry in sorted {
            let end = offset + entry.tensor.count * entry.scalarType.byteCount
            let shape = entry.tensor.shape.dimensions.map(String.init).joined(separator: ",")
            members.append(
                "\(literal(entry.name)):{\"dtype\":\"\(entry.scalarType.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var bytes = Array("{\(members.joined(separator: ","))}".utf8)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        return bytes
    }

    /// A string in JSON.
    private static func literal(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
