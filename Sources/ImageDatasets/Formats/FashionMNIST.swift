public import Foundation
public import NeuralGraph

/// Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28x28 gray, ten classes (Xiao, Rasul and
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
    package static let normalization = Normalization(mean: [0.2860], standardDeviation: [0.3530])

    package let images: IDXImages

    /// Reads one split into memory.
    /// - Parameter directory: holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
    ///   `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each as it is or with `.gz`, or has them in `raw` or
    ///   `FashionMNIST/raw`, as torchvision does. A dot or an underscore may stand for each hyphen, and case does not matter.
    /// - Throws: ``DatasetError`` if the folder or a file is missing, unreadable or damaged.
    public init(
        split: DatasetSplit = .train, directory: URL = FashionMNIST.defaultDirectory
    ) throws(DatasetError) {
        var remedy =
            "run `apt install dataset-fashion-mnist`, or give the folder that holds the four IDX files"
        try checkDirectory(directory, remedy: remedy)
        if !IDXFolder(directory, subfolders: [["MNIST", "raw"]]).files.isEmpty {
            remedy += "; MNIST/raw holds digits, which are other classes: give its files as idx:IMAGES,LABELS"
        }
        let files = IDXFolder(directory, subfolders: Self.subfolders)
        images = try IDXImages(
            images: try files.images(of: split, remedy: remedy), labels: try files.labels(of: split, remedy: remedy),
            classNames: Self.classNames, normalization: Self.normalization,
            name: "Fashion-MNIST (\(split.rawValue))")
    }

    /// What messages call the data set.
    public var name: String { images.name }

    /// The number of images.
    public var count: Int { images.count }

    /// Every image's shape: `[28, 28, 1]`.
    public var imageShape: TensorShape { images.imageShape }

    /// The ten classes in the order of their labels.
    public var classNames: [String] { images.classNames }

    /// The training images' mean and standard deviation over all pixels.
    public var normalization: Normalization { images.normalization }

    /// The class of one image.
    public func label(at index: Int) -> Int { images.label(at: index) }

    /// Copies one image's pixels.
    public func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
        images.readPixels(at: index, into: &pixels)
    }

    /// Where torchvision has the files in the folder that it is given.
    private static let subfolders = [["raw"], ["FashionMNIST", "raw"]]

    /// The files that reading both splits reads, as far as they are there.
    static func files(in directory: URL) -> [URL] { IDXFolder(directory, subfolders: subfolders).files }
}
