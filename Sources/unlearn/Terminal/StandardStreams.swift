import Foundation

/// Standard error, unbuffered. What cannot be written there is lost.
enum StandardError {
    static func write(_ text: String) {
        _ = writeAll(text, to: STDERR_FILENO)
    }
}

/// Standard output, where results go.
enum StandardOutput {
    /// - Throws: ``ClosedPipe`` if nobody reads any more, and ``CommandError`` if the system refuses.
    static func write(_ text: String) throws {
        let code = writeAll(text, to: STDOUT_FILENO)
        guard code != EPIPE else { throw ClosedPipe() }
        guard code == 0 else {
            throw CommandError(
                "standard output: cannot be written: \(String(cString: strerror(code))); send it elsewhere")
        }
    }
}

/// The reader of standard output went away, as `head` does. No reason to say anything.
struct ClosedPipe: Error {
    /// What a shell reports of a program that a closed pipe ended.
    static let exitCode = 128 + SIGPIPE
}

/// Writes everything and returns 0 or the system's error number.
private func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
    let bytes = Array(text.utf8)
    var offset = 0
    return bytes.withUnsafeBytes { buffer in
        while offset < buffer.count, let start = buffer.baseAddress {
            let count = write(descriptor, start + offset, buffer.count - offset)
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            offset += count
        }
        return 0
    }
}
