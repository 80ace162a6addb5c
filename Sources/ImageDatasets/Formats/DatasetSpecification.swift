import Foundation

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

    static let forms = "fashion-mnist, fashion-mnist:DIR, cifar10:DIR, cifar100:DIR or idx:IMAGES,LABELS"

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
            throw .invalidSpecification(text: text, reason: "there is no data set '\(parts[0])'")
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
