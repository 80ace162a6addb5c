import ImageDatasets
import NeuralGraph

/// Which pictures are to learn from and which to judge on.
///
/// Where the folder has a subfolder to learn from and one to judge on, by ``SplitNames``, these are the splits; a test comes
/// before a validation. Otherwise every class is split by chance, file by file: which split a file belongs to depends on its
/// path below the folder and on the seed alone, so that files that come or go move no other.
enum FolderSplit {
    /// Where a folder's classes are.
    private enum Layout {
        /// The subfolders are the classes.
        case classes
        /// The subfolders are the splits, and their subfolders the classes; without `judged` there is nothing to judge on.
        case splits(training: FolderListing.Entry, judged: FolderListing.Entry?)
    }

    /// The pictures of a split.
    /// - Parameter share: the share of each class that is kept for the test, where there are no folders for it.
    static func scan(
        _ path: String, split: DatasetSplit, classNames: [String]?, share: Double, seed: UInt64
    ) throws(ImageFolderError) -> (path: String, scan: FolderScan) {
        _ = try FolderListing.identity(of: path)
        switch try layout(of: try FolderListing(path).folders, path: path, known: classNames) {
        case .splits(let training, let judged):
            guard split == .test else { return (training.path, try FolderScan(training.path, known: classNames)) }
            guard let judged else { throw .noTestFolder(path: path) }
            // The training pictures say which classes there are, if nobody else does.
            let known = if let classNames { classNames } else { try Self.classNames(in: training.path) }
            return (judged.path, try FolderScan(judged.path, known: known))
        case .classes:
            var scan = try FolderScan(path, known: classNames)
            let isTest = try testMembers(scan, path: path, share: share, seed: seed)
            scan.keep { (isTest[$0] == true) == (split == .test) }
            return (path, scan)
        }
    }

    /// The names of the classes' folders, sorted, whether or not they hold pictures.
    /// - Returns: those to learn from, and those of both splits together.
    static func classNames(
        of path: String, known: [String]?
    ) throws(ImageFolderError) -> (training: [String], all: [String]) {
        _ = try FolderListing.identity(of: path)
        guard
            case .splits(let training, let judged) =
                try layout(of: try FolderListing(path).folders, path: path, known: known)
        else {
            let names = try classNames(in: path)
            return (names, names)
        }
        let names = try classNames(in: training.path)
        guard let judged else { return (names, names) }
        let all = Set(names).union(try classNames(in: judged.path))
        return (names, all.sorted { $0.precedes($1) })
    }

    /// The folders whose subfolders are the classes.
    static func roots(of path: String) -> [String] {
        guard let folders = try? FolderListing(path).folders else { return [path] }
        switch try? layout(of: folders, path: path, known: nil) {
        case .splits(let training, let judged): return [training.path] + (judged.map { [$0.path] } ?? [])
        case .classes, nil: return [path]
        }
    }

    private static func classNames(in path: String) throws(ImageFolderError) -> [String] {
        try FolderListing(path).folders.map(\.name)
    }

    /// Finds the splits among a folder's subfolders.
    ///
    /// Ambiguous names are refused: taken for classes, they would train a network to tell the splits apart.
    private static func layout(
        of folders: [FolderListing.Entry], path: String, known: [String]?
    ) throws(ImageFolderError) -> Layout {
        let named = folders.filter { SplitNames.role(of: $0.name) != nil }
        func playing(_ role: SplitRole) -> [FolderListing.Entry] {
            named.filter { SplitNames.role(of: $0.name) == role }
        }
        let unclear = ImageFolderError.unclearSplits(path: path, names: named.map(\.name))
        if named.isEmpty {
            guard folders.count >= 2, folders.allSatisfy({ SplitNames.resemblesSplit($0.name) }) else {
                return .classes
            }
            if let known, folders.allSatisfy({ known.contains($0.name) }) { return .classes }
            throw .unclearSplits(path: path, names: folders.map(\.name))
        }
        if let known, named.allSatisfy({ known.contains($0.name) }) { return .classes }
        let training = playing(.training)
        let test = playing(.test)
        let judged = test.isEmpty ? playing(.validation) : test
        if training.count == 1, judged.count == 1 { return .splits(training: training[0], judged: judged[0]) }
        if training.count == 1, folders.count == 1 { return .splits(training: training[0], judged: nil) }
        // A class may be called `train`; its pictures then lie in it, and not in subfolders.
        guard named.count == 1, try !hasOnlyFolders(named[0].path) else { throw unclear }
        return .classes
    }

    private static func hasOnlyFolders(_ path: String) throws(ImageFolderError) -> Bool {
        let listing = try FolderListing(path)
        return !listing.folders.isEmpty && !listing.files.contains { PictureKind(of: $0) == .picture }
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
