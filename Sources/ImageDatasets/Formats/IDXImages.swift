public import Foundation
public import NeuralGraph

/// Images and labels from a pair of IDX files, the format of MNIST and its relatives, packed by gzip or not.
public struct IDXImages: ImageDataset {
    /// What messages call the data set; by default the image file's name.
    public let name: String
    /// The classes' names; the numbers from 0 to the highest label if none were given.
    public let classNames: [String]
    /// The normalization that was given, else each channel's mean and deviation over these images.
    public let normalization: Normalization

    package let packed: PackedImages

    /// Reads both files into memory.
    /// - Parameters:
    ///   - images: bytes `[count, height, width]` or `[count, height, width, channels]`.
    ///   - labels: bytes `[count]`.
    ///   - classNames: one name a class; labels must be below their number. nil takes the labels as they are.
    ///   - normalization: nil measures it over the images.
    /// - Throws: ``DatasetError`` if a file is missing, unreadable, damaged or of another format, or if the two do
    ///   not fit together.
    public init(
        images: URL, labels: URL, classNames: [String]? = nil, normalization: Normalization? = nil,
        name: String? = nil
    ) throws(DatasetError) {
        // The small file first: its mistakes are found without unpacking the large one.
        let classes = try IDXFile.labels(at: labels)
        let (shape, pixels) = try IDXFile.images(at: images) { (count) throws(DatasetError) in
            guard count == classes.count else {
                throw .countMismatch(
                    images: images.path, imageCount: count, labels: labels.path, labelCount: classes.count)
            }
        }
        let names = classNames ?? (0...Int(classes.max() ?? 0)).map(String.init)
        if let index = classes.firstIndex(where: { Int($0) >= names.count }) {
            throw .labelOutOfRange(
                path: labels.path, index: index, label: Int(classes[index]), classes: names.count)
        }
        self.packed = PackedImages(shape: shape, pixels: pixels, labels: classes)
        self.name = name ?? images.lastPathComponent
        self.classNames = names
        self.normalization = normalization ?? packed.measuredNormalization()
    }

    /// The number of images.
    public var count: Int { packed.count }

    /// Every image's shape: `[height, width, channels]`.
    public var imageShape: TensorShape { packed.shape }

    /// The class of one image.
    public func label(at index: Int) -> Int { Int(packed.labels[index]) }

    /// Copies one image's pixels.
    public func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
        packed.readPixels(at: index, into: &pixels)
    }
}
