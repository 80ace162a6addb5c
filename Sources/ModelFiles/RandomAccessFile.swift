package import Foundation

/// A regular file that is open for reading at any place. It is not mapped: a file that shrinks while it is read gives
/// an error and not a signal.
package final class RandomAccessFile: Sendable {
    package let path: String
    package let size: Int
    private let descriptor: Int32

    package init(_ url: URL) throws(FileError) {
        guard url.isFileURL else {
            throw FileError(url.absoluteString, "is not a file on this machine; give a path")
        }
        path = url.path
        // Without waiting, so that a pipe does not hang here but is refused below.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            guard code != ENOENT else { throw FileError(path, "does not exist; check the path") }
            throw FileError(path, "cannot be read", code: code)
        }
        var status = stat()
        let known = unsafe fstat(descriptor, &status) == 0
        guard known, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let isFolder = known && status.st_mode & S_IFMT == S_IFDIR
            throw FileError(path, isFolder ? "is a folder; give a file" : "is not a regular file; give one")
        }
        size = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Whether both are open on one file, whatever paths lead to it.
    package func isSame(as other: RandomAccessFile) -> Bool {
        var (own, others) = (stat(), stat())
        return unsafe fstat(descriptor, &own) == 0 && fstat(other.descriptor, &others) == 0
            && own.st_dev == others.st_dev
            && own.st_ino == others.st_ino
    }

    /// Reads a part of the file.
    package func bytes(_ range: Range<Int>) throws(FileError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        // `withUnsafeMutableBytes` passes no typed errors on.
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(FileError) in try unsafe read(at: range.lowerBound, into: buffer) }
        }
        try result.get()
        return bytes
    }

    /// Reads the whole file.
    package func contents() throws(FileError) -> [UInt8] { try bytes(0..<size) }

    /// Fills a buffer with the bytes from an offset on.
    package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) {
        var done = 0
        while done < buffer.count, let start = buffer.baseAddress {
            let count = unsafe pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw FileError(path, "cannot be read", code: errno) }
            guard count > 0 else {
                throw FileError(path, "ended at byte \(offset + done) while it was read; make it again")
            }
            done += count
        }
    }
}
