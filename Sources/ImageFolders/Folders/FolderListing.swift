package import Foundation
package import ImageDatasets

/// One folder's entries without hidden ones, in the order of their names' bytes, which is the same on every machine.
struct FolderListing {
    private(set) var folders: [Entry] = []
    private(set) var files: [Entry] = []

    struct Entry: Equatable {
        let name: String
        let path: String
        /// The identity, the same by every link.
        let identity: FileIdentity
    }

    init(_ path: String) throws(ImageFolderError) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw .unreadableFolder(path: path, reason: Self.reason(error))
        }
        for name in names.filter({ !$0.hasPrefix(".") }).sorted(by: { $0.precedes($1) }) {
            let entryPath = Self.join(path, name)
            var status = stat()
            // What a link's target or a file's rights hide is found when the file is opened.
            let isKnown = unsafe stat(entryPath, &status) == 0
            let entry = Entry(name: name, path: entryPath, identity: FileIdentity(status))
            if isKnown, status.st_mode & S_IFMT == S_IFDIR { folders.append(entry) } else { files.append(entry) }
        }
    }

    /// The path of something in a folder.
    static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    /// The folder's identity.
    static func identity(of path: String) throws(ImageFolderError) -> FileIdentity {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            switch errno {
            case ENOENT: throw .missingFolder(path: path)
            case ENOTDIR: throw .notAFolder(path: path)
            default: throw unsafe .unreadableFolder(path: path, reason: String(cString: strerror(errno)))
            }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notAFolder(path: path) }
        return FileIdentity(status)
    }

    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        if let underlying, underlying.domain == NSPOSIXErrorDomain {
            return unsafe String(cString: strerror(Int32(truncatingIfNeeded: underlying.code)))
        }
        return error.localizedDescription
    }
}

extension String {
    /// Whether the text's bytes come before another's.
    ///
    /// Swift's own order treats different encodings of an accent as equal.
    func precedes(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }
}

/// What belongs to a folder of pictures, both splits of it, so that nothing of it is written over.
package struct FolderContents: Sendable {
    /// The folders whose subfolders are the classes: a new folder in one of them would be a class.
    package private(set) var roots: Set<FileIdentity> = []
    /// The classes' folders and all below them: a new file in one of them would be read.
    package private(set) var folders: Set<FileIdentity> = []
    /// The files in them.
    package private(set) var files: Set<FileIdentity> = []

    /// Lists a folder as ``ImageFolder`` reads it; what cannot be listed is left out, since reading it is an error.
    package init(_ directory: URL) {
        for root in FolderSplit.roots(of: directory.path) {
            guard let identity = try? FolderListing.identity(of: root), let listing = try? FolderListing(root) else {
                continue
            }
            roots.insert(identity)
            var waiting = listing.folders.map { (entry: $0, depth: 1) }
            while let (entry, depth) = waiting.popLast() {
                guard depth <= FolderScan.deepest, folders.insert(entry.identity).inserted,
                    let listing = try? FolderListing(entry.path)
                else { continue }
                files.formUnion(listing.files.map(\.identity))
                waiting += listing.folders.map { ($0, depth + 1) }
            }
        }
    }
}
