import ModelFiles
public import NeuralGraph

/// Where a model that was read from a file with its network came from, so that it can be written back as it was.
protocol NetworkFileOrigin: NetworkOrigin {
    /// The file's tensors, and which of them are parameters.
    var stored: StoredTensors { get }
    /// The file's outputs, and which of them was read.
    var outputs: ONNXOutputs { get }
    /// Whether a last softmax was left out.
    var endsInSoftmax: Bool { get }
    /// The file's path.
    var path: String { get }
    /// The file's format and maker for people.
    var source: String { get }

    /// Reads the file again, up to another output.
    func model(output: String) throws -> Model
}

extension Model {
    /// The outputs of the file that the model was read from, if it has several: name, shape and which one was read.
    public var outputs: [(name: String, shape: String?, isRead: Bool)] {
        guard let outputs = (origin as? any NetworkFileOrigin)?.outputs, outputs.all.count > 1 else { return [] }
        return outputs.all.map { ($0.name, $0.shape, $0.name == outputs.chosen) }
    }
}

extension NetworkFileOrigin {
    package func otherClassifiers(of model: Model) throws -> [(outputName: String, model: Model)] {
        let now = model.stateDictionary
        return try outputs.others.map { output in
            let read = try self.model(output: output.name)
            let own = read.stateDictionary
            var other = try read.replacing(now.filter { own[$0.key]?.shape == $0.value.shape })
            other.metadata = model.metadata
            if other.classCount != model.classCount { other.metadata.classNames = [] }
            return (output.name, other)
        }
    }

    package func rounded(_ model: Model) throws -> Model {
        do {
            return try stored.rounded(model)
        } catch {
            throw FileError(error, path: path, part: self is CoreMLOrigin ? "operation" : "node")
        }
    }
}
