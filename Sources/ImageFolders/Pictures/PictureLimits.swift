/// What a picture may cost. A file of a few bytes can claim any size, so sizes are checked before memory is asked for.
public struct PictureLimits: Sendable, Hashable {
    /// The most pixels of a picture.
    public var pixels: Int
    /// The most bytes that decoding one picture may take; one picture is decoded on every thread.
    public var bytes: Int
    /// The most bytes of a file.
    public var fileBytes: Int

    /// The most pixels of a row or a column.
    static let side = 1_000_000

    /// Creates limits.
    /// - Parameters:
    ///   - pixels: 128 Mi by default, more than any camera takes.
    ///   - bytes: 1 GiB by default.
    ///   - fileBytes: 256 MiB by default.
    public init(pixels: Int = 1 << 27, bytes: Int = 1 << 30, fileBytes: Int = 1 << 28) {
        self.pixels = pixels
        self.bytes = bytes
        self.fileBytes = fileBytes
    }
}
