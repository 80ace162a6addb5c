import Foundation

/// The place that a file will be written to, with symbolic links followed and an existing file checked.
struct Destination {
    /// The path of the file itself, after all symbolic links.
    let path: String
    /// The folder that it is in.
    let folder: String
    /// The status of the file that exists there; nil if there is no such file.
    let existing: stat?

    /// The number of links that the system itself follows.
    private static let maximumLinks = 40

    /// Finds the place.
    /// - Throws: ``FileError`` if it is a folder or a device, a file that may not be written, or a chain of links without
    ///   an end.
    init(_ url: URL) throws(FileError) {
        guard url.isFileURL, !url.path.isEmpty else {
            throw FileError(url.absoluteString, "is not a file on this machine; give a path")
        }
        path = try Self.followingLinks(url)
        folder = (path as NSString).deletingLastPathComponent
        var status = stat()
        existing = unsafe stat(path, &status) == 0 ? status : nil
        let isFolder = existing.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
        // A name that ends in a slash is a folder's, and without the slash it would become a file's.
        guard !isFolder, !url.hasDirectoryPath else {
            throw FileError(url.path, "is a folder; give the name of a file in it")
        }
        guard let existing else { return }
        guard existing.st_mode & S_IFMT == S_IFREG else {
            throw FileError(url.path, "is not a regular file and is not replaced; give another name")
        }
        guard Self.mayWrite(path, existing) else {
            throw FileError(
                url.path, "is read-only and is not replaced; allow writing, as by chmod u+w, or give another name")
        }
    }

    /// The end of a chain of symbolic links, which need not exist. The system itself follows links to folders.
    private static func followingLinks(_ url: URL) throws(FileError) -> String {
        var path = url.path
        for _ in 0...maximumLinks {
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
            path =
                target.hasPrefix("/")
                ? target : ((path as NSString).deletingLastPathComponent as NSString).appendingPathComponent(target)
        }
        throw FileError(url.path, "is a symbolic link that leads back to itself; give another name")
    }

    /// Whether the file's permissions let this user write it. Replacing a file needs only its folder's permission, and
    /// nothing stops root; what the owner marked as read-only is kept all the same.
    private static func mayWrite(_ path: String, _ status: stat) -> Bool {
        let user = geteuid()
        return unsafe user == 0 || user == status.st_uid ? status.st_mode & S_IWUSR != 0 : access(path, W_OK) == 0
    }
}
