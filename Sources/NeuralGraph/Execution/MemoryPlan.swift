#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lays buffers out in one arena so that buffers whose lifetimes overlap do not overlap in memory.
///
/// Largest first, each at the lowest free place (Pisarchyk and Lee 2020, "greedy by size"). Where that takes more than what is in
/// use at one time, buffers come in the order of size and duration too, and the smallest plan counts.
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
        let least = Self.mostInUse(buffers)
        var best = Self.places(buffers, in: Self.order(buffers) { Double($0.count) })
        // Buffers that last long leave gaps if they come late.
        let weights: [(Double) -> Double] = [{ $0.squareRoot() }, { $0 }]
        for weight in weights where best.end > least {
            let order = Self.order(buffers) { Double($0.count) * weight(Double($0.last - $0.first + 1)) }
            let other = Self.places(buffers, in: order)
            if other.end < best.end { best = other }
        }
        offsets = best.offsets
        count = best.end
    }

    /// The positions of the buffers, those of the highest rank first.
    private static func order(_ buffers: [Buffer], by rank: (Buffer) -> Double) -> [Int] {
        let ranks = buffers.map(rank)
        return buffers.indices.sorted { (ranks[$0], $1) > (ranks[$1], $0) }
    }

    /// Puts buffers at the lowest free places, one after the other.
    private static func places(_ buffers: [Buffer], in order: [Int]) -> (offsets: [Int], end: Int) {
        var offsets = [Int](repeating: 0, count: buffers.count)
        var end = 0
        var placed: [Int] = []
        for index in order {
            let buffer = buffers[index]
            let size = aligned(buffer.count)
            let neighbors =
                placed
                .filter { buffers[$0].first <= buffer.last && buffer.first <= buffers[$0].last }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for other in neighbors {
                if offset + size <= offsets[other] { break }
                offset = max(offset, offsets[other] + aligned(buffers[other].count))
            }
            offsets[index] = offset
            end = max(end, offset + size)
            placed.append(index)
        }
        return (offsets, end)
    }

    /// The floats that are in use at the same time, at most: no plan takes less.
    private static func mostInUse(_ buffers: [Buffer]) -> Int {
        var changes: [Int: Int] = [:]
        for buffer in buffers {
            changes[buffer.first, default: 0] += aligned(buffer.count)
            changes[buffer.last + 1, default: 0] -= aligned(buffer.count)
        }
        var (now, most) = (0, 0)
        for (_, change) in changes.sorted(by: { $0.key < $1.key }) {
            now += change
            most = max(most, now)
        }
        return most
    }

    package static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
