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
struct MemoryPlan {
    /// A buffer's number of floats and the first and last step at which it is in use.
    struct Buffer {
        var count: Int
        var first: Int
        var last: Int
    }

    /// Floats between the starts of buffers: a 64-byte cache line.
    static let alignment = 16

    /// Each buffer's offset in floats.
    let offsets: [Int]
    /// Floats of the whole arena.
    let count: Int

    init(_ buffers: [Buffer]) {
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

    static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

/// Zeroed, cache-line aligned floats.
final class FloatArena {
    let base: UnsafeMutablePointer<Float>
    let count: Int

    private let memory: UnsafeMutableRawPointer

    init(count: Int) {
        self.count = count
        let alignment = MemoryPlan.alignment * MemoryLayout<Float>.stride
        // Unlike zeros that are written, the system's take no memory where nothing else is written.
        guard let memory = calloc(max(1, count) * MemoryLayout<Float>.stride + alignment, 1) else {
            // As any failed allocation ends a Swift program, and without a line of its own.
            abort()
        }
        self.memory = memory
        base = memory.alignedUp(toMultipleOf: alignment).bindMemory(to: Float.self, capacity: max(1, count))
    }

    deinit {
        free(memory)
    }

    func write(_ values: [Float], at offset: Int) {
        values.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            (base + offset).update(from: start, count: source.count)
        }
    }

    func read(at offset: Int, count: Int) -> [Float] {
        [Float](UnsafeBufferPointer(start: base + offset, count: count))
    }
}
