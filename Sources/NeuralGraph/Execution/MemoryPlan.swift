#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lays buffers out in one arena so that buffers whose lifetimes overlap do not overlap in memory.
///
/// Largest first, each at the lowest free place (Pisarchyk and Lee 2020, "greedy by size").
package struct MemoryPlan {
    /// A buffer's number of floats and the first and last step at which it is in use.
    package struct Buffer {
        package var count: Int
        package var first: Int
        package var last: Int

        package init(count: Int, first: Int, last: Int) {
            self.count = count
            self.first = first
            self.last = last
        }
    }

    /// Floats between the starts of buffers: a 64-byte cache line.
    package static let alignment = 16

    /// Each buffer's offset in floats.
    package let offsets: [Int]
    /// Floats of the whole arena.
    package let count: Int

    package init(_ buffers: [Buffer]) {
        var offsets = [Int](repeating: 0, count: buffers.count)
        var end = 0
        var placed: [Int] = []
        let order = buffers.indices.sorted { (buffers[$0].count, $1) > (buffers[$1].count, $0) }
        for index in order {
            let buffer = buffers[index]
            let size = Self.aligned(buffer.count)
            let neighbors =
                placed
                .filter { buffers[$0].first <= buffer.last && buffer.first <= buffers[$0].last }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for other in neighbors {
                if offset + size <= offsets[other] { break }
                offset = max(offset, offsets[other] + Self.aligned(buffers[other].count))
            }
            offsets[index] = offset
            end = max(end, offset + size)
            placed.append(index)
        }
        self.offsets = offsets
        count = end
    }

    package static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
