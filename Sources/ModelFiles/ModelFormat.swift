package import Foundation

/// The file formats of models.
package enum ModelFormat: String, Sendable, CaseIterable {
    /// Tensors by name, with the network's name in the metadata.
    case safetensors
    /// The network with its tensors.
    case onnx
    /// Core ML's package, a folder.
    case coreMLPackage = "mlpackage"
    /// Core ML's specification as one file.
    case coreMLFile = "mlmodel"

    /// The format that a file is written in: the one that its name ends in, and safetensors for other names.
    package init(writing url: URL) {
        self = ModelFormat(rawValue: url.pathExtension.lowercased()) ?? .safetensors
    }

    /// Its name for people.
    package var name: String {
        switch self {
        case .safetensors: "safetensors"
        case .onnx: "ONNX"
        case .coreMLPackage, .coreMLFile: "Core ML"
        }
    }

    /// Whether it is one of Core ML's.
    package var isCoreML: Bool { self == .coreMLPackage || self == .coreMLFile }

    /// The format of a file or package, by its first bytes; by its name where they leave it open.
    /// - Throws: ``FileError`` if the file cannot be read, or is of another program's format, such as a PyTorch pickle.
    package init(reading url: URL) throws(FileError) {
        if CoreMLPackage.isPackage(url) {
            self = .coreMLPackage
            return
        }
        if let message = ForeignFormat.message(forFolder: url) { throw FileError(url.path, message) }
        let file = try RandomAccessFile(url)
        let head = try file.bytes(0..<min(16, file.size))
        if Self.isCoreML(head, named: url) {
            self = .coreMLFile
            return
        }
        if let foreign = try ForeignFormat(of: file) { throw FileError(url.path, foreign.message) }
        let bytes = try file.bytes(0..<min(9, file.size))
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        if bytes.count == 9, bytes[8] == UInt8(ascii: "{"), length <= UInt64(file.size - 8) {
            self = .safetensors
        } else if bytes.count > 2, bytes[0] == 0x08, (1...100).contains(bytes[1]), bytes[2] & 7 == 2 {
            // The version, then a string or message.
            self = .onnx
        } else {
            self.init(writing: url)
        }
    }

    /// Whether a file begins as Core ML's specifications do: with the version, then a description that begins with a
    /// feature. ONNX has text there; TensorFlow's version 1 looks the same, so there the name decides.
    private static func isCoreML(_ head: [UInt8], named url: URL) -> Bool {
        let isNamed = url.pathExtension.lowercased() == ModelFormat.coreMLFile.rawValue
        guard head.count > 4, head[0] == 0x08, (1...100).contains(head[1]), head[2] == 0x12 else { return isNamed }
        let content = head.dropFirst(3).drop { $0 >= 0x80 }.dropFirst()
        return isNamed
            || (head[1] > 1 && content.first == 0x0a
                && content.dropFirst().drop { $0 >= 0x80 }.dropFirst().first == 0x0a)
    }
}
