public import Foundation
import ModelFiles
public import NeuralGraph

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
    /// - Throws: `FileError` if the file cannot be read, is damaged or cannot be run, or does not say what it is,
    ///   `ArchitectureError` if the architecture is unknown or not the tensors', `ShapeError` if the inputs are too small
    ///   for it, and `StateDictionaryError` if a tensor is missing, unknown or of another shape.
    public init(
        contentsOf url: URL, architecture: ArchitectureIdentifier? = nil, imageSize: Int? = nil,
        outputName: String? = nil
    ) throws {
        switch try ModelFormat(reading: url) {
        case .safetensors:
            guard outputName == nil else {
                throw FileError(
                    url.path, "a safetensors file has one output, which has no name; leave the output's name out")
            }
            try self.init(safetensors: url, architecture: architecture, imageSize: imageSize)
        case .onnx:
            guard architecture == nil else {
                throw FileError(url.path, "an ONNX file has its network in it; leave the architecture out")
            }
            try self.init(onnx: url, imageSize: imageSize, outputName: outputName)
        case .coreMLPackage, .coreMLFile:
            guard architecture == nil else {
                throw FileError(url.path, "a Core ML model has its network in it; leave the architecture out")
            }
            try self.init(coreML: url, imageSize: imageSize, outputName: outputName)
        }
    }

    /// Writes the model as the file's name says: `.onnx`, `.mlpackage` or `.mlmodel`; as safetensors otherwise.
    ///
    /// The file appears whole or not at all.
    /// - Throws: `FileError` if the file cannot be written, or the model not in that format.
    public func write(to url: URL) throws(FileError) {
        switch ModelFormat(writing: url) {
        case .safetensors: try writeSafetensors(to: url)
        case .onnx: try writeONNX(to: url)
        case .coreMLPackage, .coreMLFile: try writeCoreML(to: url)
        }
    }
}

/// The files of a model beside the one that is named.
extension Model {
    /// The files that belong to a model beside the one that is named: those that an ONNX model's tensors lie in, and all
    /// in a Core ML package. None for other models, and for one that cannot be read.
    package static func externalFiles(ofModelAt url: URL) -> [URL] {
        if CoreMLPackage.isPackage(url) {
            return ((try? CoreMLPackage.contents(of: url)) ?? []).map { url.appendingPathComponent($0) }
        }
        guard (try? ModelFormat(reading: url)) == .onnx, let file = try? RandomAccessFile(url),
            let bytes = try? file.contents(), let document = try? ONNXDocument(bytes)
        else { return [] }
        var locations: Set<String> = []
        for tensor in document.graph.initializers {
            if case .external(let data) = tensor.storage { locations.insert(data.location) }
        }
        let folder = url.deletingLastPathComponent()
        return locations.sorted().map { folder.appendingPathComponent($0) }
    }

    /// The files, as far as they are there, that writing an ONNX model may replace beside it.
    package static func filesBeside(modelAt url: URL) -> [URL] {
        let folder = url.deletingLastPathComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let isBeside = { (name: String) in name.hasPrefix(url.lastPathComponent + ".") && name.hasSuffix(".data") }
        return names.filter(isBeside).sorted().map { folder.appendingPathComponent($0) }
    }

    /// Checks that the model can be written to a place, before the work whose result goes there.
    /// - Throws: `FileError` if the place's format is not one that it can have.
    package func checkWritable(to url: URL) throws {
        if let problem = problemWithWriting(to: url) { throw FileError(url.path, problem) }
    }
}
