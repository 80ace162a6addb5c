import Foundation
import NeuralGraph

/// Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28 grey, ten classes (Xiao, Rasul and
/// Vollgraf, arXiv 1708.07747).
public struct FashionMNIST: ImageDataset {
    /// Where Debian's and Ubuntu's package `dataset-fashion-mnist` puts the files.
    public static let defaultDirectory = URL(
        fileURLWithPath: "/usr/share/datasets/fashion-mnist", isDirectory: true)

    /// The ten classes in the order of their labels.
    public static let classNames = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    ]

    /// The training images' mean and standard deviation over all pixels.
    public static let normalization = Normalization(mean: [0.2860], standardDeviation: [0.3530])

    let images: IDXImages

    /// Reads one split into memory.
    /// - Parameter directory: holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    ///   `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each as it is or with `.gz`.
    /// - Throws: ``DatasetError`` if the folder or a file is missing, unreadable or damaged.
    public init(
        split: DatasetSplit = .train, directory: URL = FashionMNIST.defaultDirectory
    ) throws(DatasetError) {
        let remedy =
            "run `apt install dataset-fashion-mnist`, or give the folder that holds the four IDX files"
        try checkDirectory(directory, remedy: remedy)
        let prefix = split == .train ? "train" : "t10k"
        images = try IDXImages(
            images: try Self.file("\(prefix)-images-idx3-ubyte", in: directory, remedy: remedy),
            labels: try Self.file("\(prefix)-labels-idx1-ubyte", in: directory, remedy: remedy),
            classNames: Self.classNames, normalization: Self.normalization,
            name: "Fashion-MNIST (\(split.rawValue))")
    }

    /// What messages call the data set.
    public var name: String { images.name }

    /// The number of images.
    public var count: Int { images.count }

    /// Every image's shape: `[28, 28, 1]`.
    public var imageShape: Shape { images.imageShape }

    /// The ten classes in the order of their labels.
    public var classNames: [String] { images.classNames }

    /// The training images' mean and standard deviation over all pixels.
    public var normalization: Normalization { images.normalization }

    /// The class of one image.
    public func label(at index: Int) -> Int { images.label(at: index) }

    /// Copies one image's pixels.
    public func readPixels(at index: Int, into pixels: UnsafeMutableBufferPointer<UInt8>) {
        images.readPixels(at: index, into: pixels)
    }

    private static func file(_ name: String, in directory: URL, remedy: String) throws(DatasetError) -> URL {
        let candidates = [name, name + ".gz"].map { directory.appendingPathComponent($0) }
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
            throw .missingFile(path: candidates[1].path, remedy: remedy)
        }
        return found
    }
}
