import Foundation

/// A file that appears whole or not at all: bytes go to a temporary file in the same folder, which takes the
/// destination's name once everything is on the disk. Without ``commit()`` nothing is left behind, and what was at the
/// destination stays.
public final class AtomicFile {
    private let destination: String
    private let temporary: String
    private var descriptor: Int32

    /// Starts a file.
    /// - Parameter url: the destination. A file there is replaced on ``commit()``; a symbolic link is followed.
    /// - Throws: ``FileError`` if the folder does not exist or cannot be written, or if the destination is a folder or
    ///   a device.
    public init(replacing url: URL) throws(FileError) {
        guard url.isFileURL, !url.path.isEmpty else {
            throw FileError(url.absoluteString, "is not a file on this machine; give a path")
        }
        let resolved = url.resolvingSymlinksInPath()
        destination = resolved.path
        let folder = resolved.deletingLastPathComponent().path
        temporary = "\(folder)/.\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        descriptor = -1
        // Checked first: an existing folder or device would be found only after all the work, or be lost.
        var status = stat()
        if stat(destination, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw FileError(url.path, "is a folder; give the name of a file in it")
            }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw FileError(url.path, "is not a regular file and is not replaced; give another name")
            }
        }
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            let code = errno
            switch code {
            case ENOENT: throw FileError(url.path, "the folder \(folder) does not exist; create it first")
            case ENOTDIR: throw FileError(url.path, "\(folder) is not a folder; give a path inside one")
            default: throw FileError(url.path, "the folder \(folder) cannot be written", code: code)
            }
        }
    }

    deinit {
        discard()
    }

    /// Writes bytes after those written before.
    /// - Throws: ``FileError`` if the disk does not take them; the file is then given up.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        guard descriptor >= 0 else { throw FileError(destination, "is finished already; start another file") }
        var offset = 0
        while offset < bytes.count, let start = bytes.baseAddress {
            let written = systemWrite(descriptor, start + offset, bytes.count - offset)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("cannot be written") }
            offset += written
        }
    }

    /// Writes an array's bytes after those written before.
    /// - Throws: ``FileError`` as ``append(_:)``.
    public func append(_ elements: [some BitwiseCopyable]) throws(FileError) {
        // `withUnsafeBytes` passes no typed errors on.
        let result = elements.withUnsafeBytes { buffer in
            Result { () throws(FileError) in try append(buffer) }
        }
        try result.get()
    }

    /// Puts the file in its place.
    /// - Throws: ``FileError`` if that fails; the destination is then as it was.
    public func commit() throws(FileError) {
        guard descriptor >= 0 else { throw FileError(destination, "is finished already; start another file") }
        guard fsync(descriptor) == 0 else { throw failure("cannot be written to the disk") }
        guard rename(temporary, destination) == 0 else { throw failure("cannot be put in place") }
        close(descriptor)
        descriptor = -1
        // The new name is on the disk once the folder is; some file systems do not offer that, and the file is whole.
        let folder = open((destination as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Writes a whole file at once, such as a report.
    /// - Throws: ``FileError`` as ``init(replacing:)``, ``append(_:)`` and ``commit()``.
    public static func write(_ data: Data, to url: URL) throws(FileError) {
        let file = try AtomicFile(replacing: url)
        try file.append([UInt8](data))
        try file.commit()
    }

    /// Checks that a file can be written, before the work whose result goes there. Leaves nothing behind.
    /// - Throws: ``FileError`` as ``init(replacing:)``.
    public static func checkDestination(_ url: URL) throws(FileError) {
        _ = try AtomicFile(replacing: url)
    }

    private func failure(_ attempt: String) -> FileError {
        let code = errno
        discard()
        return FileError(destination, attempt, code: code)
    }

    private func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        unlink(temporary)
    }
}

/// `write(2)`, whose name the class takes for its own.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
