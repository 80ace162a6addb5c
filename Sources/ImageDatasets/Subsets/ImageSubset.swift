public import NeuralGraph

/// Some of a data set's images, in any order; an image may occur more than once.
public struct ImageSubset: ImageDataset {
    /// The data set that the images come from.
    package let base: any ImageDataset
    /// The images' positions in ``base``.
    package let indices: [Int]

    /// Chooses images by their positions.
    /// - Throws: ``DatasetError``.
    public init(_ dataset: any ImageDataset, indices: [Int]) throws(DatasetError) {
        let count = dataset.count
        if let wrong = indices.first(where: { $0 < 0 || $0 >= count }) {
            throw .indexOutOfRange(name: dataset.name, index: wrong, count: count)
        }
        // A subset of a subset reads from the whole, so that depth costs nothing.
        if let subset = dataset as? ImageSubset {
            base = subset.base
            self.indices = indices.map { subset.indices[$0] }
        } else {
            base = dataset
            self.indices = indices
        }
    }

    /// The whole data set's name.
    public var name: String { base.name }

    /// The number of images chosen.
    public var count: Int { indices.count }

    /// Every image's shape: `[height, width, channels]`.
    public var imageShape: TensorShape { base.imageShape }

    /// The whole data set's classes, those without images here among them.
    public var classNames: [String] { base.classNames }

    /// The whole data set's normalization.
    public var normalization: Normalization { base.normalization }

    /// The whole data set's way to change sizes.
    public var resizing: ImageResizing? { base.resizing }

    /// Whether the whole data set decodes images when they are read.
    public var isDecodedOnRead: Bool { base.isDecodedOnRead }

    /// The class of one image.
    public func label(at index: Int) -> Int { base.label(at: indices[index]) }

    /// Writes one image's pixels.
    public func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws {
        try base.readPixels(at: indices[index], into: &pixels)
    }
}
