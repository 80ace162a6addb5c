package import Foundation

/// Replaces a file without waiting for the disk: truncating an old file makes ext4 write it out, and tests make
/// thousands.
package func overwrite(_ url: URL, with bytes: [UInt8]) throws {
    unlink(url.path)
    let file = fopen(url.path, "wb")
    guard let file else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw CocoaError(.fileWriteUnknown) }
}

/// A file of Tests/Fixtures.
package func fixture(_ path: String) -> URL {
    Fixture.folder.appending(path: path)
}
