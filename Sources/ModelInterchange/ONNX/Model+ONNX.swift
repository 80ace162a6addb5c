public import Foundation
public import NeuralGraph

extension Model {
    /// Reads a classifier from an ONNX file: operator sets 7 and newer, tensors in the file or beside it.
    ///
    /// Stored tensors with a fraction are parameters under their names in the file; input shape and number of classes
    /// are the file's. A softmax at the very end is left out, since training works on the scores before it.
    /// - Parameters:
    ///   - url: the file.
    ///   - imageSize: height and width of the images, where the file leaves them open.
    ///   - outputName: the output that has the class scores, of a file with several classifiers.
    /// - Throws: `FileError` if the file is damaged, is no image classifier, has an operator that is not supported, or
    ///   has several classifiers and none is named.
    public init(onnx url: URL, imageSize: Int? = nil, outputName: String? = nil) throws(FileError) {
        do {
            self = try ONNXModelFile(contentsOf: url).model(imageSize: imageSize, outputName: outputName)
        } catch {
            throw FileError(error, path: url.path, part: "node")
        }
    }

    /// Writes the model as an ONNX file.
    ///
    /// A model that was read from one is written back as it was, node for node, with only the
    /// bytes of changed weights replaced; any other is exported for operator set 17.
    /// - Throws: `FileError` if an operation has no counterpart there, or the file cannot be written.
    public func writeONNX(to url: URL) throws(FileError) {
        do {
            if let origin = origin as? ONNXOrigin {
                try origin.write(self, to: url)
            } else {
                try ONNXExporter.write(self, to: url)
            }
        } catch {
            throw FileError(error, path: url.path, part: "node")
        }
    }
}
