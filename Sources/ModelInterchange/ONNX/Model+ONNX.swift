import Foundation
import NeuralGraph

extension Model {
    /// Reads a classifier from an ONNX file: operator sets 7 and newer, tensors in the file or beside it.
    ///
    /// Stored tensors with a fraction are parameters under their names in the file; input shape and number of classes
    /// are the file's. A softmax at the very end is left out, since training works on the scores before it.
    /// - Parameters:
    ///   - url: the file.
    ///   - imageSize: height and width of the images, where the file leaves them open.
    ///   - outputName: the output that has the class scores, of a file with several classifiers.
    /// - Throws: ``ONNXError`` if the file is damaged, is no image classifier, has an operator that is not supported, or
    ///   has several classifiers and none is named.
    public init(onnx url: URL, imageSize: Int? = nil, outputName: String? = nil) throws(ONNXError) {
        do {
            self = try ONNXModelFile(contentsOf: url).model(imageSize: imageSize, outputName: outputName)
        } catch {
            throw ONNXError(error, path: url.path)
        }
    }

    /// The other classifiers of the ONNX file that the model was read from, whose scores do not follow from this one's, with
    /// this model's numbers where they share them: as the written file will have them.
    public func otherClassifiers() throws(ONNXError) -> [(outputName: String, model: Model)] {
        guard let origin = origin as? ONNXOrigin else { return [] }
        do {
            let file = try ONNXModelFile(origin.file, external: origin.external)
            let now = stateDictionary
            return try origin.outputs.others.map { output in
                let read = try file.model(imageSize: origin.imageSize, outputName: output.name)
                let own = read.stateDictionary
                var model = try read.replacing(now.filter { own[$0.key]?.shape == $0.value.shape })
                model.metadata = metadata
                if model.classCount != classCount { model.metadata.classNames = [] }
                return (output.name, model)
            }
        } catch {
            throw ONNXError(error, path: origin.file.path)
        }
    }

    /// The outputs of the ONNX file that the model was read from, if it has several: name, shape and which one was read.
    public var outputs: [(name: String, shape: String?, isRead: Bool)] {
        guard let outputs = (origin as? ONNXOrigin)?.outputs, outputs.all.count > 1 else { return [] }
        return outputs.all.map { ($0.name, $0.shape, $0.name == outputs.chosen) }
    }

    /// Writes an ONNX file. A model that was read from one is written back as it was, node for node, with only the
    /// bytes of changed weights replaced; any other is exported for operator set 17.
    /// - Throws: ``ONNXError`` if an operation has no counterpart there, or the file cannot be written.
    public func writeONNX(to url: URL) throws(ONNXError) {
        do {
            if let origin = origin as? ONNXOrigin {
                try origin.write(self, to: url)
            } else {
                try ONNXExporter.write(self, to: url)
            }
        } catch {
            throw ONNXError(error, path: url.path)
        }
    }
}

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
