package import Foundation
import ModelFiles
package import NeuralGraph

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
