package import Foundation

/// A file that appears whole or not at all.
///
/// Bytes go to a temporary file in the same folder, which takes the destination's name once everything is on the disk.
/// Without ``commit()`` nothing is left behind, and the file at the destination stays. A new file has the permissions that
/// the user's mask leaves; one that replaces another has the other's permissions and, where the system allows it, its
/// owner.
///
/// A program that is killed leaves its temporary file, named `.PROCESS-RANDOM.partial`; the next file that is written in
/// that folder removes it.
package final class AtomicFile {
    /// Where the file goes; nil if another process writes it, as ``FileWriting`` says.
    private let place: (destination: Destination, partial: PartialFile)?

    /// Starts a file.
    /// - Parameter url: the destination. A file there is replaced on ``commit()``; a symbolic link is followed, to a file
    ///   that exists or to one that does not yet.
    /// - Throws: ``FileError`` if the folder does not exist or cannot be written, or if the destination is a folder, a
    ///   device or a read-only file.
    package init(replacing url: URL) throws(FileError) {
        guard !FileWriting.leavesOut(url) else {
            place = nil
            return
        }
        // Checked first: otherwise the problem would show only after all the work.
        let destination = try Destination(url)
        let folder = destination.folder
        // What replaces a private file stays private, even while it is written.
        guard let partial = PartialFile(in: folder, mode: destination.existing == nil ? 0o666 : 0o600) else {
            let code = errno
            switch code {
            case ENOENT: throw FileError(url.path, "the folder \(folder) does not exist; create it first")
            case ENOTDIR: throw FileError(url.path, "\(folder) is not a folder; give a path inside one")
            default: throw FileError(url.path, "the folder \(folder) cannot be written", code: code)
            }
        }
        place = (destination, partial)
    }

    /// Writes bytes after those written before.
    /// - Throws: ``FileError`` if the disk does not take them; the file is then abandoned.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        guard let (destination, partial) = try openPlace() else { return }
        var offset = 0
        while offset < bytes.count, let start = bytes.baseAddress {
            let written = unsafe systemWrite(partial.descriptor, start + offset, bytes.count - offset)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("cannot be written", destination, partial) }
            offset += written
        }
    }

    /// Writes an array's bytes after those written before.
    /// - Throws: ``FileError`` as ``append(_:)``.
    package func append(_ elements: [some BitwiseCopyable]) throws(FileError) {
        // `withUnsafeBytes` passes no typed errors on.
        let result = unsafe elements.withUnsafeBytes { buffer in
            Result { () throws(FileError) in try unsafe append(buffer) }
        }
        try result.get()
    }

    /// Moves the file to its destination.
    /// - Throws: ``FileError`` if that fails; the destination is then as it was.
    package func commit() throws(FileError) {
        guard let (destination, partial) = try openPlace() else { return }
        if let existing = destination.existing {
            guard partial.takeOwnerAndPermissions(of: existing) else {
                throw failure("cannot get the permissions of the file that it replaces", destination, partial)
            }
        }
        guard fsync(partial.descriptor) == 0 else {
            throw failure("cannot be written to the disk", destination, partial)
        }
        guard partial.rename(to: destination.path) else {
            throw failure("cannot be put in place", destination, partial)
        }
        // The new name is on the disk once the folder is; some file systems do not offer that, and the file is whole.
        let folder = unsafe open(destination.folder, O_RDONLY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    /// Removes the temporary files that killed programs left in a folder.
    package static func removeAbandoned(in folder: URL) {
        PartialFile.removeAbandoned(in: folder.path)
    }

    /// Removes the unfinished files of the whole program, which is about to end.
    package static func removeUnfinished() {
        PartialFile.removeAll()
        AtomicFolder.removeUnfinished()
    }

    /// Writes a whole file at once, such as a report.
    /// - Throws: ``FileError`` as ``init(replacing:)``, ``append(_:)`` and ``commit()``.
    package static func write(_ data: Data, to url: URL) throws(FileError) {
        let file = try AtomicFile(replacing: url)
        try file.append([UInt8](data))
        try file.commit()
    }

    /// Copies a file, which is read in pieces.
    /// - Throws: ``FileError`` if it cannot be read, and as ``init(replacing:)``, ``append(_:)`` and ``commit()``.
    package static func copy(_ source: URL, to url: URL) throws(FileError) {
        let input = try RandomAccessFile(source)
        let output = try AtomicFile(replacing: url)
        var offset = 0
        while offset < input.size {
            let end = min(offset + 1 << 20, input.size)
            try output.append(try input.bytes(offset..<end))
            offset = end
        }
        try output.commit()
    }

    /// Checks that a file can be written, before the work whose result goes there. Leaves nothing behind.
    /// - Throws: ``FileError`` as ``init(replacing:)``.
    package static func checkDestination(_ url: URL) throws(FileError) {
        _ = try AtomicFile(replacing: url)
    }

    private func openPlace() throws(FileError) -> (destination: Destination, partial: PartialFile)? {
        guard let place else { return nil }
        guard place.partial.descriptor >= 0 else {
            throw FileError(place.destination.path, "is finished already; start another file")
        }
        return place
    }

    private func failure(_ attempt: String, _ destination: Destination, _ partial: PartialFile) -> FileError {
        let code = errno
        partial.remove()
        return FileError(destination.path, attempt, code: code)
    }
}

/// `write(2)`, whose name the class takes for its own.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}
