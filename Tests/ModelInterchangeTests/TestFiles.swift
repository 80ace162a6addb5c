import Foundation
import TestSupport

extension TemporaryFolder {
    /// Writes a safetensors file by its parts.
    func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) throws -> URL {
        try safetensors(Array(header.utf8), data: [UInt8](repeating: 0, count: data), length: length)
    }

    func safetensors(_ header: [UInt8], data: [UInt8], length: UInt64? = nil) throws -> URL {
        var bytes = Data()
        withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header)
        bytes.append(contentsOf: data)
        let url = file("file.safetensors")
        try bytes.write(to: url)
        return url
    }
}

/// Replaces a file without waiting for the disk: truncating an old file makes ext4 write it out, and tests make
/// thousands.
func overwrite(_ url: URL, with bytes: [UInt8]) throws {
    unlink(url.path)
    let file = fopen(url.path, "wb")
    guard let file else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw CocoaError(.fileWriteUnknown) }
}

/// A file of Tests/Fixtures.
func fixture(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/\(path)")
}
