import Foundation
import ModelFiles
import NeuralGraph

/// An ONNX file that is open for reading: a classifier with one input, the images, and one row of scores an example.
///
/// The file is checked whole when it is opened: its structure, that every operator is one that can be run, and that
/// nodes and tensors fit each other. Numbers are read when a model is made.
struct ONNXModelFile {
    private let file: RandomAccessFile
    private let network: NetworkReader

    /// Opens a file.
    init(contentsOf url: URL) throws {
        try self.init(RandomAccessFile(url), external: ONNXExternalFiles(besideModelAt: url))
    }

    /// Opens a file again.
    init(_ file: RandomAccessFile, external: ONNXExternalFiles) throws {
        self.file = file
        let bytes = try file.contents()
        network = NetworkReader(
            path: file.path, document: try ONNXDocument(bytes),
            reader: ONNXTensorReader(bytes: bytes, external: external))
    }

    /// Makes the model.
    /// - Parameters:
    ///   - imageSize: height and width of the images, where the file leaves them open.
    ///   - outputName: the output that has the scores; that of the only classifier if nil.
    func model(imageSize: Int?, outputName: String? = nil) throws -> Model {
        let result = try network.model(imageSize: imageSize, outputName: outputName)
        var model = result.model
        model.origin = ONNXOrigin(
            file: file, external: network.reader.external, stored: result.stored, shared: result.shared,
            endsInSoftmax: result.endsInSoftmax, operatorSet: network.document.operatorSet,
            producer: network.document.producer, outputs: result.outputs, imageSize: imageSize)
        return model
    }
}
