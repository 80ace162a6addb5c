public import NeuralGraph

/// The part of a data set that a model learns from, and the part that it is judged on.
public enum DatasetSplit: String, CaseIterable, Sendable {
    /// The images to learn from.
    case train
    /// The images to judge on.
    case test
}

/// Labeled images of one shape, as bytes.
///
/// Images may lie in memory or be decoded on each read. Several threads may read at the same time.
public protocol ImageDataset: LabeledData {
    /// What messages call the data set, such as `Fashion-MNIST (train)`.
    var name: String { get }

    /// Every image's shape: `[height, width, channels]`.
    var imageShape: TensorShape { get }

    /// The classes' names; a label is a position in this list.
    var classNames: [String] { get }

    /// The mean and standard deviation that this data set is usually normalized with, in units of the full pixel
    /// range.
    var normalization: Normalization { get }

    /// How pictures of other sizes became ``imageShape``; nil, if left out, for images that come in one size.
    var resizing: ImageResizing? { get }

    /// Whether reading an image is work that is worth sharing among threads, as decoding a file is; false if left out.
    var isDecodedOnRead: Bool { get }

    /// The class of one image, in `0..<classNames.count`.
    /// - Parameter index: in `0..<count`; anything else is a programming error.
    func label(at index: Int) -> Int

    /// Writes one image's pixels, row after row, channels last, one byte a channel.
    /// - Parameters:
    ///   - index: in `0..<count`; anything else is a programming error.
    ///   - pixels: `imageShape.count` bytes; all are written.
    /// - Throws: ``DatasetError`` if the image has to be fetched or decoded and cannot be.
    func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws
}

extension ImageDataset {
    /// nil: the images come in one size.
    public var resizing: ImageResizing? { nil }

    /// false: the images lie in memory.
    public var isDecodedOnRead: Bool { false }

    /// The number of images of each class, in the order of ``classNames``.
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: classNames.count)
        for index in 0..<count { counts[label(at: index)] += 1 }
        return counts
    }

    /// The positions of a class's images, in ascending order; empty if it has none.
    package func indices(ofClass label: Int) -> [Int] {
        (0..<count).filter { self.label(at: $0) == label }
    }

    /// All labels, in the order of the images.
    public var labels: [Int] { (0..<count).map { label(at: $0) } }

    /// One image's pixels: `imageShape.count` bytes, channels last.
    /// - Throws: ``DatasetError``, or what reading the image throws.
    public func pixels(at index: Int) throws -> [UInt8] {
        guard (0..<count).contains(index) else {
            throw DatasetError.indexOutOfRange(name: name, index: index, count: count)
        }
        var bytes = [UInt8](repeating: 0, count: imageShape.count)
        var pixels = bytes.mutableSpan
        try readPixels(at: index, into: &pixels)
        return bytes
    }
}
