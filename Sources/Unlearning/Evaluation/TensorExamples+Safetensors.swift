package import Foundation
package import ImageDatasets
import ModelFiles
package import NeuralGraph

extension TensorExamples {
    /// The tensor's name in a file of inputs.
    package static let inputTensorName = "input"

    /// Reads inputs without labels from a safetensors file; every label is 0.
    ///
    /// The file has one tensor `input`, `[N, C, H, W]` as in PyTorch, already normalized.
    /// - Throws: `FileError` if the file cannot be read, and ``UnlearningError`` if it holds something else.
    package init(inputsFrom url: URL) throws {
        let file = try SafetensorsFile(contentsOf: url)
        let names = file.names
        guard names == [Self.inputTensorName], let shape = file.shape(of: Self.inputTensorName) else {
            let found =
                names.isEmpty ? "no tensors" : "\(names.count) tensors, '\(names[0])' first,"
            throw UnlearningError.notInputs(
                path: url.path,
                message: "holds \(found) where one tensor '\(Self.inputTensorName)' is expected")
        }
        guard shape.rank == 4 else {
            throw UnlearningError.notInputs(
                path: url.path,
                message: "tensor '\(Self.inputTensorName)' is \(shape); give images as [N, C, H, W]")
        }
        guard shape.count > 0 else { throw UnlearningError.noExamples(of: Self.inputTensorName) }
        let inputs = try file.tensor(Self.inputTensorName).channelsLast()
        try self.init(inputs, labels: [Int](repeating: 0, count: shape[0]))
    }
}

extension Model {
    /// Reads a safetensors file with a model of another's graph, such as one that was trained again.
    ///
    /// The metadata are the other's as well, but for learning rate and training, which the file says.
    /// - Throws: as `Model(safetensors:graph:)`.
    package init(safetensors url: URL, like model: Model) throws {
        let read = try Model(safetensors: url, graph: model.graph)
        self = read
        metadata = model.metadata
        metadata.learningRate = read.metadata.learningRate
        metadata.training = read.metadata.training
    }
}
