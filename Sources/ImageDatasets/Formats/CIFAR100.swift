public import Foundation
public import NeuralGraph

/// CIFAR-100, binary version: 50,000 training and 10,000 test photographs of 32x32 pixels in 100 classes.
///
/// The fine classes belong to twenty coarse ones. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny
/// Images" (2009).
public struct CIFAR100: ImageDataset {
    /// Which of an image's two labels is used.
    public enum Labels: String, CaseIterable, Sendable {
        /// One of a hundred, such as `maple_tree`.
        case fine
        /// One of twenty, such as `trees`.
        case coarse
    }

    /// The training images' mean and standard deviation for red, green and blue.
    package static let normalization = Normalization(
        mean: [0.5071, 0.4865, 0.4409], standardDeviation: [0.2673, 0.2564, 0.2762])

    /// What messages call the data set.
    public let name: String
    /// The classes, from `fine_label_names.txt` or `coarse_label_names.txt`; numbers if the file is not there.
    public let classNames: [String]

    private let packed: PackedImages

    /// Reads one split into memory.
    /// - Parameter directory: holds `train.bin` and `test.bin`, or a subfolder `cifar-100-binary` that does.
    /// - Throws: ``DatasetError`` if the folder or a file is missing, unreadable or damaged.
    public init(
        split: DatasetSplit = .train, directory: URL, labels: Labels = .fine
    ) throws(DatasetError) {
        let files = try Self.located(in: directory)
        let classes = labels == .fine ? 100 : 20
        classNames =
            try files.classNames(in: Self.nameFile(of: labels), count: classes) ?? (0..<classes).map(String.init)
        packed = try files.images(
            [Self.imageFile(of: split)], labelBytes: 2, labelByte: labels == .fine ? 1 : 0, classes: classes)
        name = "CIFAR-100 (\(split.rawValue))"
    }

    private static func located(in directory: URL) throws(DatasetError) -> CIFARFiles {
        try CIFARFiles(directory: directory, subfolder: "cifar-100-binary", archive: "cifar-100-binary.tar.gz")
    }

    private static func imageFile(of split: DatasetSplit) -> String { "\(split.rawValue).bin" }

    private static func nameFile(of labels: Labels) -> String { "\(labels.rawValue)_label_names.txt" }

    /// The files that reading both splits reads, as far as they are there.
    static func files(in directory: URL) -> [URL] {
        let names = DatasetSplit.allCases.map(imageFile) + Labels.allCases.map(nameFile)
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
