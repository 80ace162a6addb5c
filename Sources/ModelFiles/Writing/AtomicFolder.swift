package import Foundation
import Synchronization

/// A folder of files, such as a Core ML package, that appears whole or not at all.
///
/// Its files go to a temporary folder beside the destination, which takes the destination's name once everything is on the
/// disk. A package that is there already is moved aside and removed only then. Without ``commit()`` nothing is left behind,
/// and the package at the destination stays.
package final class AtomicFolder {
    private let destination: URL
    /// The temporary folder.
    private let partial: URL
    private var isFinished = false

    /// The temporary folders of this program, for ``removeUnfinished()``.
    private static let current = Mutex<Set<String>>([])

    /// Starts a folder.
    /// - Parameter url: the destination. A package there is replaced on ``commit()``; a symbolic link is followed.
    /// - Throws: ``FileError`` if the folder that it goes to does not exist or cannot be written, or if something is there
    ///   that is no package.
    package init(replacing url: URL) throws(FileError) {
        guard !FileWriting.leavesOut(url) else {
            (destination, partial, isFinished) = (url, url, true)
            return
        }
        destination = try Self.checked(url)
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        partial = destination.deletingLastPathComponent().appendingPathComponent(
            ".\(getpid())-\(random).partial.folder")
        guard unsafe mkdir(partial.path, 0o777) == 0 else {
            let code = errno
            let folder = destination.deletingLastPathComponent().path
            guard code != ENOENT else {
                throw FileError(url.path, "the folder \(folder) does not exist; create it first")
            }
            throw FileError(url.path, "the folder \(folder) cannot be written", code: code)
        }
        let path = partial.path
        Self.current.withLock { _ = $0.insert(path) }
    }

    deinit {
        discard()
    }

    /// Starts a file in the folder, by its path there.
    package func file(_ location: String) throws(FileError) -> AtomicFile {
        let url = partial.appendingPathComponent(location)
        guard !isFinished else { return try AtomicFile(replacing: url) }
        do {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        } catch {
            throw FileError(destination.path, "its folder for \(quoted(location)) cannot be created: \(error)")
        }
        return try AtomicFile(replacing: url)
    }

    /// Moves the folder to its destination.
    /// - Throws: ``FileError`` if that fails; the destination is then as it was.
    package func commit() throws(FileError) {
        guard !isFinished else { return }
        let aside = partial.appendingPathExtension("replaced")
        let isReplaced = unsafe rename(destination.path, aside.path) == 0
        guard unsafe rename(partial.path, destination.path) == 0 else {
            let code = errno
            if isReplaced { _ = unsafe rename(aside.path, destination.path) }
            throw FileError(destination.path, "cannot be put in place", code: code)
        }
        isFinished = true
        let path = partial.path
        Self.current.withLock { _ = $0.remove(path) }
        if isReplaced { try? FileManager.default.removeItem(at: aside) }
    }

    /// Checks that a package can be written, before the work whose result goes there. Leaves nothing behind.
    /// - Throws: ``FileError`` as ``init(replacing:)``.
    package static func checkDestination(_ url: URL) throws(FileError) {
        _ = try AtomicFolder(replacing: url)
    }

    /// Removes the unfinished folders of the whole program, which is about to end.
    static func removeUnfinished() {
        current.withLock { paths in
            for path in paths { try? FileManager.default.removeItem(atPath: path) }
            paths = []
        }
    }

    private func discard() {
        guard !isFinished else { return }
        try? FileManager.default.removeItem(at: partial)
        let path = partial.path
        Self.current.withLock { _ = $0.remove(path) }
    }

    /// The place itself, after symbolic links.
    private static func checked(_ url: URL) throws(FileError) -> URL {
        guard url.isFileURL, !url.path.isEmpty else {
            throw FileError(url.absoluteString, "is not a file on this machine; give a path")
        }
        var status = stat()
        guard unsafe stat(url.path, &status) == 0 else { return URL(fileURLWithPath: url.path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw FileError(url.path, "is a file, and a package is a folder; remove the file, or give another name")
        }
        let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: url.path).isEmpty) ?? false
        guard isEmpty || CoreMLPackage.isPackage(url) else {
            throw FileError(url.path, "is a folder and no Core ML package, and is not replaced; give another name")
        }
        guard status.st_mode & S_IWUSR != 0 else {
            throw FileError(url.path, "is read-only and is not replaced; allow writing, or give another name")
        }
        guard let path = unsafe realpath(url.path, nil) else { return url }
        defer { unsafe free(path) }
        return unsafe URL(fileURLWithPath: String(cString: path))
    }
}
