import Foundation
import Synchronization

/// A file that is being written, beside its destination and under a name of its own.
///
/// It is locked while its program runs. An unlocked one was left behind by a program that was killed, and is removed when
/// the next file is written in its folder. Process numbers would not tell the two apart: they are reused, and those of
/// another machine or container mean nothing.
final class PartialFile {
    let path: String
    private(set) var descriptor: Int32

    /// The paths of the files that this program is writing, for ``removeAll()``.
    private static let current = Mutex<Set<String>>([])
    private static let suffix = ".partial"
    private static let maximumAttempts = 16

    /// Creates an empty file, and removes what killed programs left in the folder.
    /// - Parameter mode: its permissions, less those that the user's mask takes away.
    /// - Returns: nil if the system refuses; `errno` says why.
    init?(in folder: String, mode: mode_t) {
        Self.removeAbandoned(in: folder)
        for _ in 0..<Self.maximumAttempts {
            let random = String(UInt64.random(in: .min ... .max), radix: 36)
            let path = "\(folder)/.\(getpid())-\(random)\(Self.suffix)"
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            if descriptor < 0, errno == EEXIST { continue }
            guard descriptor >= 0 else { return nil }
            // Another program may consider the file abandoned in between: it then holds the lock, or the name is gone.
            // Not every file system has locks; without them, no file is considered abandoned.
            let isTaken = Self.retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) != 0 && errno == EWOULDBLOCK
            guard !isTaken, Self.isNamed(path, descriptor) else {
                unsafe unlink(path)
                close(descriptor)
                continue
            }
            self.path = path
            self.descriptor = descriptor
            Self.current.withLock { _ = $0.insert(path) }
            return
        }
        errno = EEXIST
        return nil
    }

    deinit {
        remove()
    }

    /// Gives the file the owner and the permissions of another.
    /// - Returns: false if it cannot have the permissions; `errno` says why.
    func takeOwnerAndPermissions(of other: stat) -> Bool {
        // Only root gives files away. A changed owner may take permissions along, so these come last.
        if fchown(descriptor, other.st_uid, other.st_gid) != 0 { _ = fchown(descriptor, .max, other.st_gid) }
        var own = stat()
        guard unsafe fstat(descriptor, &own) == 0 else { return false }
        var mode = other.st_mode & 0o777
        // The old group's permissions do not pass to another group.
        if own.st_gid != other.st_gid { mode = mode & ~0o070 | (mode & 0o007) << 3 }
        // Some file systems have one mode for all files and refuse to set it.
        return own.st_mode & 0o777 == mode || fchmod(descriptor, mode) == 0
    }

    /// Gives the file its final name.
    /// - Returns: false if the system refuses; `errno` says why.
    func rename(to destination: String) -> Bool {
        guard systemRename(path, destination) == 0 else { return false }
        forget()
        return true
    }

    /// Closes and removes the file, unless it has its final name.
    func remove() {
        guard descriptor >= 0 else { return }
        // Removed before the lock goes with the descriptor.
        unsafe unlink(path)
        forget()
    }

    /// Removes all unfinished files of this program, which is about to end.
    static func removeAll() {
        current.withLock { paths in
            for path in paths { unsafe unlink(path) }
            paths = []
        }
    }

    private func forget() {
        close(descriptor)
        descriptor = -1
        Self.current.withLock { _ = $0.remove(path) }
    }

    // MARK: What killed programs left

    static func removeAbandoned(in folder: String) {
        guard let stream = unsafe opendir(folder) else { return }
        defer { unsafe closedir(stream) }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { unsafe String(cString: $0) }
            }
            if isPartial(name) { removeIfAbandoned("\(folder)/\(name)") }
        }
    }

    /// Whether a name has the form `.PROCESS-RANDOM.partial`.
    static func isPartial(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(suffix) else { return false }
        let parts = name.dropFirst().dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 2 && Int32(parts[0]) != nil && parts[0].allSatisfy(\.isNumber)
            && UInt64(parts[1], radix: 36) != nil
    }

    private static func removeIfAbandoned(_ path: String) {
        // A lock only needs read access; opening a pipe of such a name must not block.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0, isNamed(path, descriptor)
        else { return }
        unsafe unlink(path)
    }

    /// Whether a path still leads to an open file.
    private static func isNamed(_ path: String, _ descriptor: Int32) -> Bool {
        var (named, open) = (stat(), stat())
        return unsafe lstat(path, &named) == 0 && fstat(descriptor, &open) == 0 && named.st_dev == open.st_dev
            && named.st_ino == open.st_ino
    }

    private static func retrying(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            guard result != 0, errno == EINTR else { return result }
        }
    }
}

/// `rename(2)`, whose name the class takes for its own.
private func systemRename(_ old: String, _ new: String) -> Int32 {
    unsafe rename(old, new)
}
