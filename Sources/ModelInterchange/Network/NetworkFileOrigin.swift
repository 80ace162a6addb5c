public import NeuralGraph

/// Where a model that was read from a file with its network came from, so that it can be written back as it was.
protocol NetworkFileOrigin: ModelOrigin {
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

    /// Reads the other classifiers of the model's file, whose scores do not follow from this one's.
    ///
    /// Parameters that they share have this model's values, as the written file will.
    /// - Throws: ``ONNXError`` or ``CoreMLError`` if the file cannot be read again.
    public func otherClassifiers() throws -> [(outputName: String, model: Model)] {
        guard let origin = origin as? any NetworkFileOrigin else { return [] }
        let now = stateDictionary
        return try origin.outputs.others.map { output in
            let read = try origin.model(output: output.name)
            let own = read.stateDictionary
            var model = try read.replacing(now.filter { own[$0.key]?.shape == $0.value.shape })
            model.metadata = metadata
            if model.classCount != classCount { model.metadata.classNames = [] }
            return (output.name, model)
        }
    }

    /// The model with its numbers rounded to those that its file can store, such as 16-bit floats.
    ///
    /// What is measured is then what is written. A model from elsewhere is returned as it is.
    /// - Throws: ``ONNXError`` or ``CoreMLError`` if a number does not fit the file's type.
    package func roundedToItsFile() throws -> Model {
        guard let origin = origin as? any NetworkFileOrigin else { return self }
        do {
            return try origin.stored.rounded(self)
        } catch {
            throw origin is CoreMLOrigin ? CoreMLError(error, path: origin.path) : ONNXError(error, path: origin.path)
        }
    }
}
