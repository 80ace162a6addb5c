public import Foundation
public import NeuralGraph

/// CIFAR-10, binary version: 50,000 training and 10,000 test photographs of 32x32 pixels in ten classes.
///
/// Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
public struct CIFAR10: ImageDataset {
    /// The training images' mean and standard deviation for red, green and blue.
    package static let normalization = Normalization(
        mean: [0.4914, 0.4822, 0.4465], standardDeviation: [0.2470, 0.2435, 0.2616])

    private static let defaultClassNames = [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]

    private static let nameFile = "batches.meta.txt"

    /// What messages call the data set.
    public let name: String
    /// The ten classes, from `batches.meta.txt` if the folder has it.
    public let classNames: [String]

    private let packed: PackedImages

    /// Reads one split into memory.
    /// - Parameter directory: holds `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, or a subfolder
    ///   `cifar-10-batches-bin` that does.
    /// - Throws: ``DatasetError`` if the folder or a file is missing, unreadable or damaged.
    public init(split: DatasetSplit = .train, directory: URL) throws(DatasetError) {
        let files = try Self.located(in: directory)
        classNames = try files.classNames(in: Self.nameFile, count: 10) ?? Self.defaultClassNames
        packed = try files.images(Self.imageFiles(of: split), labelBytes: 1, labelByte: 0, classes: 10)
        name = "CIFAR-10 (\(split.rawValue))"
    }

    private static func located(in directory: URL) throws(DatasetError) -> CIFARFiles {
        try CIFARFiles(directory: directory, subfolder: "cifar-10-batches-bin", archive: "cifar-10-binary.tar.gz")
    }

    private static func imageFiles(of split: DatasetSplit) -> [String] {
        split == .train ? (1...5).map { "data_batch_\($0).bin" } : ["test_batch.bin"]
    }

    /// The files that reading both splits reads, as far as they are there.
    static func files(in directory: URL) -> [URL] {
        let names = DatasetSplit.allCases.flatMap(imageFiles) + [nameFile]
        return (try? located(in: directory))?.present(names) ?? []
    }

    /// The number of images.
    public var count: Int { packed.count }

    /// Every image's shape: `[32, 32, 3]`.
    public var imageShape: TensorShape { packed.shape }

    /// The training images' mean and standard deviation for red, green and blue.
    public var normalization: Normalization { Self.normalization }

    /// The class of one image.
    public func label(at index: Int) -> Int { Int(packed.labels[index]) }

    /// Copies one image's pixels.
    public func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
        packed.readPixels(at: index, into: &pixels)
    }
}
