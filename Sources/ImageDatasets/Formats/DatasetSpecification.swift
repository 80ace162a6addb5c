package import Foundation
import NeuralGraph

/// A data set as the command line names it: `fashion-mnist[:DIR]`, `cifar10:DIR`, `cifar100:DIR` or
/// `idx:IMAGES,LABELS`.
package enum DatasetSpecification: Hashable, Sendable, CustomStringConvertible {
    /// Fashion-MNIST in a folder.
    case fashionMNIST(directory: URL)
    /// CIFAR-10, binary version, in a folder.
    case cifar10(directory: URL)
    /// CIFAR-100, binary version, fine labels, in a folder.
    case cifar100(directory: URL)
    /// A pair of IDX files.
    case idx(images: URL, labels: URL)

    /// A kind of data set, for lists and messages.
    package struct Kind: Sendable {
        /// The name before the colon.
        package let name: String
        /// What is written, such as `cifar10:DIR`.
        package let form: String
        /// What it is, in one line.
        package let summary: String

        /// Describes a kind.
        package init(name: String, form: String, summary: String) {
            self.name = name
            self.form = form
            self.summary = summary
        }
    }

    /// All kinds that ``init(parsing:)`` understands.
    package static let kinds = [
        Kind(
            name: "fashion-mnist", form: "fashion-mnist[:DIR]",
            summary: "10 classes of clothes, 28x28 gray, 60,000 training and 10,000 test images"),
        Kind(
            name: "cifar10", form: "cifar10:DIR",
            summary: "10 classes of objects, 32x32 color, 50,000 training and 10,000 test images (binary version)"),
        Kind(
            name: "cifar100", form: "cifar100:DIR",
            summary: "100 classes of objects (fine labels), 32x32 color, 50,000 and 10,000 images (binary version)"),
        Kind(
            name: "idx", form: "idx:IMAGES,LABELS",
            summary: "a pair of IDX files, as of MNIST, which serves as either split"),
    ]

    static var forms: String {
        kinds.dropLast().map(\.form).joined(separator: ", ") + " or " + (kinds.last?.form ?? "")
    }

    /// Parses one of the four forms without reading any file; paths may begin with `~/`.
    /// - Throws: ``DatasetError``.
    package init(parsing text: String) throws(DatasetError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.count == 2 ? String(parts[1]) : nil
        if let path, path.isEmpty {
            throw .invalidSpecification(text: text, reason: "nothing follows the colon")
        }
        switch parts[0] {
        case "fashion-mnist":
            self = .fashionMNIST(
                directory: path.map { Self.url($0, isDirectory: true) } ?? FashionMNIST.defaultDirectory)
        case "cifar10":
            self = .cifar10(directory: try Self.directory(path, in: text))
        case "cifar100":
            self = .cifar100(directory: try Self.directory(path, in: text))
        case "idx":
            let files = (path ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard files.count == 2, files.allSatisfy({ !$0.isEmpty }) else {
                throw .invalidSpecification(
                    text: text, reason: "two files with one comma between them are needed")
            }
            self = .idx(
                images: Self.url(files[0], isDirectory: false), labels: Self.url(files[1], isDirectory: false)
            )
        default:
            throw .invalidSpecification(
                text: text,
                reason: "there is no data set '\(parts[0])'"
                    + NearestName.hint(for: String(parts[0]), in: Self.kinds.map(\.name)))
        }
    }

    /// The data set in the form that ``init(parsing:)`` understands.
    package var description: String {
        switch self {
        case .fashionMNIST(let directory): "fashion-mnist:\(directory.path)"
        case .cifar10(let directory): "cifar10:\(directory.path)"
        case .cifar100(let directory): "cifar100:\(directory.path)"
        case .idx(let images, let labels): "idx:\(images.path),\(labels.path)"
        }
    }

    /// The files that loading reads, those of both splits, as far as they are there.
    package var files: [URL] {
        switch self {
        case .fashionMNIST(let directory): FashionMNIST.files(in: directory)
        case .cifar10(let directory): CIFAR10.files(in: directory)
        case .cifar100(let directory): CIFAR100.files(in: directory)
        case .idx(let images, let labels): [images, labels]
        }
    }

    /// Reads one split; a pair of IDX files has only one, which is returned for either.
    /// - Parameter classNames: the classes of IDX files, which name none: labels must be below their number. nil
    ///   takes the labels as they are. The other data sets have names of their own.
    /// - Throws: ``DatasetError`` if the files are missing, unreadable or damaged.
    package func load(
        split: DatasetSplit, classNames: [String]? = nil
    ) throws(DatasetError) -> any ImageDataset {
        switch self {
        case .fashionMNIST(let directory): try FashionMNIST(split: split, directory: directory)
        case .cifar10(let directory): try CIFAR10(split: split, directory: directory)
        case .cifar100(let directory): try CIFAR100(split: split, directory: directory)
        case .idx(let images, let labels):
            try IDXImages(images: images, labels: labels, classNames: classNames)
        }
    }

    private static func directory(_ path: String?, in text: String) throws(DatasetError) -> URL {
        guard let path else { throw .invalidSpecification(text: text, reason: "the folder is missing") }
        return url(path, isDirectory: true)
    }

    private static func url(_ path: String, isDirectory: Bool) -> URL {
        // The shell leaves a tilde after a colon or a comma as it is.
        guard path == "~" || path.hasPrefix("~/") else {
            return URL(fileURLWithPath: path, isDirectory: isDirectory)
        }
        let home = FileManager.default.homeDirectoryForCurrentUser
        return home.appendingPathComponent(String(path.dropFirst(2)), isDirectory: isDirectory)
    }
}
