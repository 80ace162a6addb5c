package import Foundation

/// A folder in the system's temporary one for files that are not kept; it goes with the object.
///
/// It is locked while its program runs. An unlocked one was left behind by a program that was killed, and is removed when
/// the next one is created.
package final class ScratchFolder {
    /// The folder.
    package let url: URL
    private let descriptor: Int32

    private static let prefix = "unlearning-"
    private static let suffix = ".scratch"
    private static let maximumAttempts = 16

    /// Creates an empty folder that only this user can read, and removes what killed programs left.
    /// - Parameter parent: where to create it; by default the system's temporary folder.
    /// - Throws: ``FileError`` if the system refuses.
    package init(in parent: URL = FileManager.default.temporaryDirectory) throws(FileError) {
        Self.removeAbandoned(in: parent)
        for _ in 0..<Self.maximumAttempts {
            let name = "\(Self.prefix)\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))\(Self.suffix)"
            let folder = parent.appendingPathComponent(name, isDirectory: true)
            guard unsafe mkdir(folder.path, 0o700) == 0 else {
                if errno == EEXIST { continue }
                throw FileError(parent.path, "cannot have a temporary folder", code: errno)
            }
            let descriptor = unsafe open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            // Another program may consider the folder abandoned before it is locked, and remove it.
            let isTaken = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
            guard !isTaken, FileManager.default.fileExists(atPath: folder.path) else {
                close(descriptor)
                continue
            }
            url = folder
            self.descriptor = descriptor
            FileWriting.add(scratchFolder: folder)
            return
        }
        throw FileError(parent.path, "cannot have a temporary folder; remove old ones named \(Self.prefix)...")
    }

    deinit {
        FileWriting.remove(scratchFolder: url)
        try? FileManager.default.removeItem(at: url)
        close(descriptor)
    }

    /// Whether a name has the form of such a folder's.
    static func isScratch(_ name: String) -> Bool {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return false }
        let parts = name.dropFirst(prefix.count).dropLast(suffix.count)
            .split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int32(parts[0]) != nil && UInt64(parts[1], radix: 36) != nil
    }

    private static func removeAbandoned(in parent: URL) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where isScratch(name) {
            let path = parent.appendingPathComponent(name).path
            let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
                flock(descriptor, LOCK_EX | LOCK_NB) == 0
            else { continue }
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}
