import Foundation
import ImageDatasets

/// The picture files of a folder that has a subfolder for each class, in torchvision's order.
///
/// The order is by class, then by the folder's path, then by the file's name.
struct FolderScan {
    /// The deepest that folders are followed.
    static let deepest = 64

    struct PictureFile: Equatable {
        let path: String
        /// The path below the folder, the class's name included.
        let relativePath: String
        let label: Int
    }

    let classNames: [String]
    private(set) var pictures: [PictureFile] = []
    /// Files that do not say they are pictures, neither by their first bytes nor by their names.
    private(set) var others: [Int]
    /// Pictures of formats that are not read, by their formats.
    var unread: [UnreadPictures] { unreadByClass.flatMap(\.self).merged }
    private var unreadByClass: [[UnreadPictures]]

    private var seen: [FileIdentity: String] = [:]

    /// - Parameters:
    ///   - path: the folder.
    ///   - known: the classes; a class without a folder then has no pictures. nil takes the folders' names, sorted.
    init(_ path: String, known: [String]?) throws(ImageFolderError) {
        seen[try FolderListing.identity(of: path)] = path
        let folders = try FolderListing(path).folders
        if folders.isEmpty { throw .noClasses(path: path) }
        if let known {
            let unknown = folders.map(\.name).filter { !known.contains($0) }
            if !unknown.isEmpty { throw .unknownClasses(path: path, names: unknown, known: known) }
        } else if folders.count == 1 {
            throw .oneClass(path: path, name: folders[0].name)
        }
        classNames = known ?? folders.map(\.name)
        others = Array(repeating: 0, count: classNames.count)
        unreadByClass = Array(repeating: [], count: classNames.count)
        for folder in folders {
            guard let label = classNames.firstIndex(of: folder.name) else { continue }
            try add(folder, of: path, label: label)
        }
        if pictures.isEmpty, known != nil {
            throw unread.isEmpty ? .noPictures(path: path) : .noReadFormat(path: path, unread)
        }
        let filled = Set(pictures.map(\.label))
        for (label, others) in others.enumerated() where known == nil && !filled.contains(label) {
            let (path, unread) = (folders[label].path, unreadByClass[label])
            throw unread.isEmpty ? .classWithoutPictures(path: path, others: others) : .noReadFormat(path: path, unread)
        }
    }

    /// Leaves the pictures out that are not wanted, by their paths below the folder.
    mutating func keep(_ isWanted: (String) -> Bool) {
        pictures.removeAll { !isWanted($0.relativePath) }
    }

    private mutating func add(_ classFolder: FolderListing.Entry, of path: String, label: Int) throws(ImageFolderError)
    {
        var found: [(folder: String, name: String)] = []
        var waiting = [(entry: classFolder, below: classFolder.name, depth: 1)]
        while let (entry, below, depth) = waiting.popLast() {
            if let first = seen.updateValue(entry.path, forKey: entry.identity) {
                throw .folderReadTwice(path: entry.path, first: first)
            }
            guard depth <= Self.deepest else { throw .tooDeep(path: entry.path, limit: Self.deepest) }
            let listing = try FolderListing(entry.path)
            for file in listing.files {
                switch PictureKind(of: file) {
                case .picture: found.append((below, file.name))
                case .notRead(let format):
                    let picture = UnreadPictures(format: format, count: 1, first: URL(fileURLWithPath: file.path))
                    unreadByClass[label] = (unreadByClass[label] + [picture]).merged
                case .other: others[label] += 1
                }
            }
            waiting += listing.folders.map { ($0, "\(below)/\($0.name)", depth + 1) }
        }
        found.sort { $0.folder == $1.folder ? $0.name.precedes($1.name) : $0.folder.precedes($1.folder) }
        pictures += found.map {
            let relative = "\($0.folder)/\($0.name)"
            return PictureFile(path: FolderListing.join(path, relative), relativePath: relative, label: label)
        }
    }
}

extension [UnreadPictures] {
    /// One entry for each format, in the order in which the formats were first met.
    fileprivate var merged: [UnreadPictures] {
        var result: [UnreadPictures] = []
        for pictures in self {
            if let index = result.firstIndex(where: { $0.format == pictures.format }) {
                result[index].count += pictures.count
            } else {
                result.append(pictures)
            }
        }
        return result
    }
}
