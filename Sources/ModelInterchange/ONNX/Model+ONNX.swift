import Foundation
import NeuralGraph

extension Model {
    /// Reads a classifier from an ONNX file: operator sets 13 and newer, tensors in the file or beside it.
    ///
    /// Stored tensors with a fraction are parameters under their names in the file; input shape and number of classes
    /// are the file's. A softmax at the very end is left out, since training works on the scores before it.
    /// - Parameters:
    ///   - url: the file.
    ///   - imageSize: height and width of the images, where the file leaves them open.
    /// - Throws: ``ONNXError`` if the file is damaged, is no image classifier, or has an operator that is not supported.
    public init(onnx url: URL, imageSize: Int? = nil) throws(ONNXError) {
        do {
            self = try ONNXModelFile(contentsOf: url).model(imageSize: imageSize)
        } catch {
            throw ONNXError(error, path: url.path)
        }
    }

    /// Writes an ONNX file. A model that was read from one is written back as it was, node for node, with the bytes of
    /// changed weights alone replaced; any other is exported for operator set 17.
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
