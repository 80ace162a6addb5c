public import NeuralGraph

/// Where a model came from that was read from a file with its network in it, as far as training and forgetting ask.
package protocol NetworkOrigin: ModelOrigin {
    /// Reads the file's other classifiers, with a model's values for the parameters that they share with it.
    func otherClassifiers(of model: Model) throws -> [(outputName: String, model: Model)]
    /// Returns a model with its numbers rounded to those that the file can store.
    func rounded(_ model: Model) throws -> Model
}

extension Model {
    /// Reads the other classifiers of the model's file, whose scores do not follow from this one's.
    ///
    /// Parameters that they share have this model's values, as the written file will.
    /// - Throws: ``FileError`` if the file cannot be read again.
    public func otherClassifiers() throws -> [(outputName: String, model: Model)] {
        try (origin as? any NetworkOrigin)?.otherClassifiers(of: self) ?? []
    }

    /// The model with its numbers rounded to those that its file can store, such as 16-bit floats.
    ///
    /// What is measured is then what is written. A model from elsewhere is returned as it is.
    /// - Throws: ``FileError`` if a number does not fit the file's type.
    package func roundedToItsFile() throws -> Model {
        try (origin as? any NetworkOrigin)?.rounded(self) ?? self
    }
}
