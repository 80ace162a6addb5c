/// Limits of a picture's size, checked before memory is allocated, since a small file can claim any size.
package struct PictureLimits: Sendable, Hashable {
    /// The most pixels of a picture.
    package var pixels: Int
    /// The most bytes that decoding one picture may take; one picture is decoded on every thread.
    package var bytes: Int
    /// The most bytes of a file.
    package var fileBytes: Int

    /// The most pixels of a row or a column.
    static let side = 1_000_000

    /// Creates limits.
    /// - Parameters:
    ///   - pixels: 128 Mi by default, more than any camera takes.
    ///   - bytes: 1 GiB by default.
    ///   - fileBytes: 256 MiB by default.
    package init(pixels: Int = 1 << 27, bytes: Int = 1 << 30, fileBytes: Int = 1 << 28) {
        self.pixels = pixels
        self.bytes = bytes
        self.fileBytes = fileBytes
    }
}
