import Foundation

/// Standard error, unbuffered. Text that cannot be written is lost.
///
/// Of several processes the first alone writes.
enum StandardError {
    /// Writes text for people, with characters that would act on the terminal written out.
    /// - Parameter fromAnyProcess: whether another process than the first writes, too.
    static func write(_ text: String, fromAnyProcess: Bool = false) {
        guard fromAnyProcess || ParallelJob.isFirst else { return }
        _ = writeAll(text.visible(keepingLines: true), to: STDERR_FILENO)
    }

    /// Writes a sequence that acts on the terminal.
    static func send(_ sequence: String) {
        guard ParallelJob.isFirst else { return }
        _ = writeAll(sequence, to: STDERR_FILENO)
    }
}

/// Standard output, where results go. Of several processes the first alone writes.
enum StandardOutput {
    /// Writes text for people, with characters that would act on the terminal written out.
    /// - Throws: ``ClosedPipe`` if the reader is gone, and ``CommandError`` if the system refuses.
    static func write(_ text: String) throws {
        try send(text.visible(keepingLines: true))
    }

    /// The version of the JSON of all commands: it rises when a key changes its meaning or goes away.
    static let schemaVersion = 2

    /// Writes one JSON object with its schema's version on a line of its own, keys sorted.
    /// - Throws: as ``write(_:)``, and what encoding throws.
    static func writeJSON(_ value: some Encodable, schemaVersion: Int = StandardOutput.schemaVersion) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        try send(
            String(decoding: try encoder.encode(Versioned(value: value, schemaVersion: schemaVersion)), as: UTF8.self)
                .visibleJSON + "\n")
    }

    /// A value's keys, and the schema's version beside them.
    private struct Versioned<Value: Encodable>: Encodable {
        let value: Value
        let schemaVersion: Int

        enum CodingKeys: CodingKey { case schemaVersion }

        func encode(to encoder: any Encoder) throws {
            try value.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(schemaVersion, forKey: .schemaVersion)
        }
    }

    private static func send(_ text: String) throws {
        guard ParallelJob.isFirst else { return }
        let code = writeAll(text, to: STDOUT_FILENO)
        guard code != EPIPE else { throw ClosedPipe() }
        guard code == 0 else {
            throw CommandError(
                "standard output: cannot be written: \(String(cString: strerror(code))); send it elsewhere")
        }
    }
}

/// The reader of standard output went away, as `head` does; this needs no message.
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
