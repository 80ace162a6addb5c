public import ImageDatasets
public import NeuralGraph

extension Model {
    /// The largest height and width of a new network's inputs.
    package static let largestImageSize = 65_536
    /// The most channels of a new network's inputs.
    package static let mostChannels = 1024

    /// A new network for a data set: one output for each of its classes, and its class names and normalization.
    /// - Parameters:
    ///   - architecture: the network.
    ///   - dataset: the images that it will be trained on.
    ///   - imageSize: height and width of the inputs, at least the images'.
    ///   - channels: the inputs' channels: those of the images, or any number if they have one.
    ///   - seed: the seed of the first weights.
    /// - Throws: ``UnlearningError`` if size or channels are out of range, `ShapeError` if the inputs are too small for
    ///   the network, and `DatasetError` if they do not fit the images.
    public init(
        untrained architecture: any Architecture, for dataset: any ImageDataset, imageSize: Int = 32,
        channels: Int = 3, seed: UInt64 = 0
    ) throws {
        try Setting.check("image size", imageSize, isIn: 1...Self.largestImageSize)
        try Setting.check("channels", channels, isIn: 1...Self.mostChannels)
        let shape: TensorShape = [imageSize, imageSize, channels]
        try ImagePreparation(targetShape: shape, normalization: dataset.normalization)
            .check(imageShape: dataset.imageShape, of: dataset.name)
        self.init(
            graph: try architecture.graph(inputShape: shape, classes: dataset.classNames.count),
            metadata: ModelMetadata(
                architecture: architecture.identifier, classNames: dataset.classNames,
                normalization: dataset.normalization, resizing: dataset.resizing),
            seed: seed)
    }
}
