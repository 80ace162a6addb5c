package import Foundation

/// The right to work on a ledger, which one process at a time has.
///
/// It is a lock on a file, which the system releases when the process ends, however it ends.
package final class JobLease: Sendable {
    private static let name = "job.lock"
    private let descriptor: Int32

    /// Takes the lease.
    /// - Throws: ``LedgerError`` if another process has it, or the file cannot be made.
    package init(in folder: URL) throws(LedgerError) {
        let path = folder.appendingPathComponent(Self.name).path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw LedgerError(
                path, "cannot be made: \(String(cString: strerror(errno))); check the folder's permissions")
        }
        guard Self.lock(descriptor, LOCK_EX | LOCK_NB) else {
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw LedgerError(
                folder.path, "another process\(holder) works on this ledger; wait for its end, which 'status' shows")
        }
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, text.utf8.count, 0) }
    }

    deinit {
        close(descriptor)
    }

    /// Whether a process works on a ledger now.
    package static func isTaken(in folder: URL) -> Bool {
        let descriptor = open(folder.appendingPathComponent(name).path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return !lock(descriptor, LOCK_SH | LOCK_NB)
    }

    private static func lock(_ descriptor: Int32, _ operation: Int32) -> Bool {
        while flock(descriptor, operation) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }

    /// Who holds the lease, for a message.
    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)).map { " (number \($0))" } ?? ""
    }
}
