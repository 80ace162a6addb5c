import ImageDatasets
import NeuralGraph

/// Which pictures are to learn from and which to judge on.
///
/// Where the folder has a subfolder `train` and one of `test`, `val`, `valid` and `validation`, these are the splits.
/// Otherwise every class is split by chance, file by file: which split a file belongs to depends on its path below the
/// folder and on the seed alone, so that files that come or go move no other.
enum FolderSplit {
    static let trainName = "train"
    static let testNames = ["test", "val", "valid", "validation"]

    /// The pictures of a split.
    /// - Parameter share: the share of each class that is kept for the test, where there are no folders for it.
    static func scan(
        _ path: String, split: DatasetSplit, classNames: [String]?, share: Double, seed: UInt64
    ) throws(ImageFolderError) -> (path: String, scan: FolderScan) {
        _ = try FolderListing.identity(of: path)
        let folders = try FolderListing(path).folders
        let test = testNames.lazy.compactMap { name in folders.first { $0.name == name } }.first
        if let train = folders.first(where: { $0.name == trainName }), test != nil || folders.count == 1 {
            guard split == .test else { return (train.path, try FolderScan(train.path, known: classNames)) }
            guard let test else { throw .noTestFolder(path: path) }
            // The training pictures say which classes there are, if nobody else does.
            let known = if let classNames { classNames } else { try trainingClasses(train.path) }
            return (test.path, try FolderScan(test.path, known: known))
        }
        var scan = try FolderScan(path, known: classNames)
        let isTest = try testMembers(scan, path: path, share: share, seed: seed)
        scan.keep { (isTest[$0] == true) == (split == .test) }
        return (path, scan)
    }

    private static func trainingClasses(_ path: String) throws(ImageFolderError) -> [String] {
        try FolderListing(path).folders.map(\.name)
    }

    /// Whether each picture, by its path, is kept for the test.
    private static func testMembers(
        _ scan: FolderScan, path: String, share: Double, seed: UInt64
    ) throws(ImageFolderError) -> [String: Bool] {
        var isTest: [String: Bool] = [:]
        let members = Dictionary(grouping: scan.pictures, by: \.label)
        for (label, pictures) in members.sorted(by: { $0.key < $1.key }) {
            guard pictures.count >= 2 else {
                throw .tooFewPictures(path: "\(path)/\(scan.classNames[label])", count: pictures.count)
            }
            let drawn = pictures.map { picture in
                var random = SeededRandom(seed: seed, stream: "split of \(picture.relativePath)")
                return (name: picture.relativePath, number: random.uniform())
            }
            for (name, number) in drawn { isTest[name] = number < share }
            // Neither side of a small class stays empty.
            let ordered = drawn.sorted { ($0.number, $0.name) < ($1.number, $1.name) }
            if let lowest = ordered.first { isTest[lowest.name] = true }
            if let highest = ordered.last { isTest[highest.name] = false }
        }
        return isTest
    }
}
