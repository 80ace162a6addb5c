extension ThreadTeam {
    /// Floats that one task of an elementwise loop works on: 64 KiB.
    package static let chunkFloats = 16 * 1024

    /// Cuts `0..<total` into blocks of a fixed size, of which the last may be shorter, and calls `body` for each.
    @inline(__always)
    public func forEachBlock(of total: Int, size: Int, _ body: (Range<Int>) -> Void) {
        forEach((total + size - 1) / size) { block, _ in
            body(block * size..<min(total, (block + 1) * size))
        }
    }

    /// Cuts `0..<total` into blocks of about 16,384 floats, and calls `body` for each.
    /// - Parameters:
    ///   - total: the number of indices.
    ///   - floatsEach: the floats that belong to one index.
    ///   - body: takes a range of indices.
    @inline(__always)
    package func forEachChunk(of total: Int, floatsEach: Int, _ body: (Range<Int>) -> Void) {
        forEachBlock(of: total, size: max(1, Self.chunkFloats / max(1, floatsEach)), body)
    }
}
