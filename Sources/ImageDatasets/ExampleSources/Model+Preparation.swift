public import NeuralGraph

extension Model {
    /// Prepares images for this network: pads them to its input's size and channels, and normalizes them.
    ///
    /// The normalization is the model's; a model that has none takes the data set's.
    /// - Parameters:
    ///   - images: the images, of the model's classes.
    ///   - augmentation: random changes in training; nil leaves the images unchanged.
    /// - Throws: ``DatasetError`` if the images do not fit the network's input.
    public func prepare(
        _ images: any ImageDataset, augmentation: Augmentation? = nil
    ) throws -> any ExampleSource {
        let preparation = try ImagePreparation(
            targetShape: graph.inputShape, normalization: metadata.normalization ?? images.normalization)
        return try PreparedImages(images, preparation: preparation, augmentation: augmentation)
    }
}
