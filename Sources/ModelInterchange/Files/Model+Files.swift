public import Foundation
public import NeuralGraph

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

    /// Whether it is one of Core ML's.
    package var isCoreML: Bool { self == .coreMLPackage || self == .coreMLFile }

    /// The format of a file or package, by its first bytes; by its name where they leave it open.
    /// - Throws: ``FileError`` if the file cannot be read, or is of another program's format, such as a PyTorch pickle.
    package init(reading url: URL) throws(FileError) {
        if CoreMLFiles.isPackage(url) {
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

extension Model {
    /// Reads a model from a safetensors, ONNX or Core ML file, whose content tells the format.
    ///
    /// ONNX and Core ML files contain their network; a safetensors file written by ``write(to:)`` names it. Any other file, such as a
    /// PyTorch state dictionary, needs `architecture`; its tensors tell channels and classes. A prefix of every name, such
    /// as `module.`, is removed, and restored when the model is written.
    /// - Parameters:
    ///   - url: the file.
    ///   - architecture: the network's name and options, for a safetensors file that does not name it.
    ///   - imageSize: height and width of the inputs, if the file does not tell them; 32 for safetensors by default.
    ///   - outputName: the output with the class scores, for an ONNX or Core ML file with several classifiers.
    /// - Throws: ``ONNXError`` or ``CoreMLError`` if such a file is damaged or cannot be run; ``SafetensorsError`` if a safetensors file
    ///   is damaged or does not say what it is, `ArchitectureError` if the architecture is unknown or not the tensors',
    ///   `ShapeError` if the inputs are too small for it, and `StateDictionaryError` if a tensor is missing, unknown or
    ///   of another shape; ``FileError`` if the file cannot be read.
    public init(
        contentsOf url: URL, architecture: ArchitectureIdentifier? = nil, imageSize: Int? = nil,
        outputName: String? = nil
    ) throws {
        try self.init(
            contentsOf: url, architecture: architecture, imageSize: imageSize, outputName: outputName,
            registry: Architectures.named)
    }

    /// As the public initializer, with architectures looked up elsewhere.
    init(
        contentsOf url: URL, architecture: ArchitectureIdentifier?, imageSize: Int?, outputName: String? = nil,
        registry: (ArchitectureIdentifier) throws -> any Architecture
    ) throws {
        let format: ModelFormat
        do {
            format = try ModelFormat(reading: url)
        } catch {
            throw SafetensorsError(error)
        }
        switch format {
        case .safetensors:
            guard outputName == nil else {
                throw SafetensorsError(
                    url.path, "a safetensors file has one output, which has no name; leave the output's name out")
            }
            try self.init(
                safetensors: url, architecture: architecture, imageSize: imageSize, registry: registry)
        case .onnx:
            guard architecture == nil else {
                throw ONNXError(url.path, "an ONNX file has its network in it; leave the architecture out")
            }
            try self.init(onnx: url, imageSize: imageSize, outputName: outputName)
        case .coreMLPackage, .coreMLFile:
            guard architecture == nil else {
                throw CoreMLError(url.path, "a Core ML model has its network in it; leave the architecture out")
            }
            try self.init(coreML: url, imageSize: imageSize, outputName: outputName)
        }
    }

    /// Writes the model as the file's name says: `.onnx`, `.mlpackage` or `.mlmodel`; as safetensors otherwise.
    ///
    /// The file appears whole or not at all.
    /// - Throws: ``ONNXError``, ``CoreMLError`` or ``SafetensorsError`` if the file cannot be written, or the model not in
    ///   that format.
    // Inlined into an asynchronous function, its errors of two types make Swift 6.3.1's optimizer crash.
    @inline(never)
    public func write(to url: URL) throws {
        switch ModelFormat(writing: url) {
        case .safetensors: try writeSafetensors(to: url)
        case .onnx: try writeONNX(to: url)
        case .coreMLPackage, .coreMLFile: try writeCoreML(to: url)
        }
    }
}
