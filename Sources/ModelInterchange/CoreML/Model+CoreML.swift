public import Foundation
import ModelFiles
public import NeuralGraph

extension Model {
    /// Reads a classifier from a Core ML package or file: an ML program or a neural network.
    ///
    /// Stored weights are parameters under their names in the file; input shape, number of classes, their labels and the
    /// preparation of the images are the file's.
    /// - Parameters:
    ///   - url: the package (`.mlpackage`) or file (`.mlmodel`).
    ///   - imageSize: height and width of the images, where the model leaves them open.
    ///   - outputName: the output that has the class scores, of a model with several classifiers.
    /// - Throws: `FileError` if the model is damaged, is no image classifier, or has an operation or compressed
    ///   weights that are not supported.
    public init(coreML url: URL, imageSize: Int? = nil, outputName: String? = nil) throws(FileError) {
        do {
            self = try CoreMLModelFile(contentsOf: url).model(imageSize: imageSize, outputName: outputName)
        } catch {
            throw FileError(error, path: url.path, part: "operation")
        }
    }

    /// Writes the model as a Core ML package or file.
    ///
    /// A model that was read from one is written back as it was, with only the bytes of changed weights replaced; any
    /// other becomes an ML program for iOS 15 and newer.
    /// - Throws: `FileError` if an operation has no counterpart there, if a model from elsewhere is to become one file
    ///   (`.mlmodel`), or if the files cannot be written.
    public func writeCoreML(to url: URL) throws(FileError) {
        do {
            let isOneFile = ModelFormat(writing: url) == .coreMLFile
            if let problem = problemWithWriting(to: url) { throw ONNXProblem(problem) }
            if let origin = origin as? CoreMLOrigin, origin.isOneFile == isOneFile {
                try origin.write(self, to: url)
            } else {
                try CoreMLExporter.write(self, to: url)
            }
        } catch {
            throw FileError(error, path: url.path, part: "operation")
        }
    }

    /// Why the model cannot be written to a place whatever its numbers are; nil if it can.
    package func problemWithWriting(to url: URL) -> String? {
        let isOneFile = (origin as? CoreMLOrigin)?.isOneFile ?? false
        guard ModelFormat(writing: url) == .coreMLFile, !isOneFile else { return nil }
        return "only a model that was read from a .mlmodel is written as one; give a name that ends in .mlpackage"
    }
}
