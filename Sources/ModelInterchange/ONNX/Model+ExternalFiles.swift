import Foundation
import NeuralGraph

extension Model {
    /// The files that an ONNX model's tensors lie in; none for other models, and for one that cannot be read.
    package static func externalFiles(ofModelAt url: URL) -> [URL] {
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
}
