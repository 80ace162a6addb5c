package import Foundation

/// A regular file that is open for reading; folders, pipes and devices are refused.
package final class InputFile {
    package let path: String
    /// The size in bytes when the file was opened.
    package let size: Int

    private let descriptor: Int32

    /// - Parameter remedy: how a user gets the file if it is not there.
    package init(_ url: URL, remedy: String) throws(DatasetError) {
        path = url.path
        // Not blocking: opening a pipe would wait for its writer for ever.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw .missingFile(path: path, remedy: remedy)
            }
            throw .unreadable(path: path, reason: systemMessage())
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let reason = systemMessage()
            close(descriptor)
            throw .unreadable(path: path, reason: reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw .unreadable(path: path, reason: isDirectory ? "it is a folder" : "it is not a regular file")
        }
        size = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Whether the first two bytes are gzip's (RFC 1952).
    var isGzip: Bool {
        var bytes: [UInt8] = [0, 0]
        return unsafe pread(descriptor, &bytes, 2, 0) == 2 && bytes == [0x1f, 0x8b]
    }

    /// Reads the next bytes: fewer than asked for only at the end of the file.
    package func read(into target: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
        var total = 0
        while total < target.count, let base = target.baseAddress {
            let received = unsafe Foundation.read(descriptor, base + total, min(target.count - total, 1 << 30))
            if received == 0 { break }
            if received < 0 {
                if errno == EINTR { continue }
                throw .unreadable(path: path, reason: systemMessage())
            }
            total += received
        }
        return total
    }
}

/// The system's words for the last failed call.
func systemMessage() -> String { unsafe String(cString: strerror(errno)) }

/// A data set's folder.
/// - Throws: ``DatasetError`` if it is missing or no folder.
func checkDirectory(_ url: URL, remedy: String) throws(DatasetError) {
    var status = stat()
    guard unsafe stat(url.path, &status) == 0 else {
        if errno == ENOENT { throw .missingDirectory(path: url.path, remedy: remedy) }
        if errno == ENOTDIR { throw .notADirectory(path: url.path) }
        throw .unreadable(path: url.path, reason: systemMessage())
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: url.path) }
}

/// The identity of a file or folder, the same by every path and link that leads to it.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let node: UInt64

    /// The identity that the system's answer about a file gives.
    package init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        node = UInt64(truncatingIfNeeded: status.st_ino)
    }

    /// The identity of what a path leads to; nil if there is nothing, or it cannot be looked at.
    package init?(_ url: URL) {
        var status = stat()
        guard unsafe stat(url.path, &status) == 0 else { return nil }
        self.init(status)
    }
}
