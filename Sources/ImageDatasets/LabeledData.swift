public import NeuralGraph

/// Labeled data for a model: images, which are prepared for its input, or examples that already have its input's shape.
///
/// Conform to ``ImageDataset`` or ``ExampleSource`` rather than to this protocol alone; both implement
/// ``examples(for:)``.
public protocol LabeledData: Sendable {
    /// The number of images or examples.
    var count: Int { get }

    /// Returns the data as examples in the shape of a model's input.
    /// - Throws: ``DatasetError`` if the data do not fit the model.
    func examples(for model: Model) throws -> any ExampleSource
}

extension ImageDataset {
    /// Prepares the images for a model, without augmentation.
    public func examples(for model: Model) throws -> any ExampleSource {
        try model.prepare(self)
    }
}

extension ExampleSource {
    /// Returns the examples themselves if they have the shape of the model's input.
    public func examples(for model: Model) throws -> any ExampleSource {
        guard exampleShape == model.graph.inputShape else {
            throw DatasetError.incompatibleShape(
                name: "examples", found: exampleShape, expected: model.graph.inputShape,
                remedy: "give examples in the shape of the model's input")
        }
        return self
    }
}
