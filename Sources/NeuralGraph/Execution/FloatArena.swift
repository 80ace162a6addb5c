#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Zeroed floats, aligned to cache lines.
///
/// Large arenas are mapped on their own, in huge pages where the system has them: a training step then faults and misses
/// address translations less. Their pages come into being where they are first written, by the thread that writes them.
final class FloatArena {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    /// The bytes of the mapping; 0 if the memory is the allocator's.
    private let mappedBytes: Int

    private static let hugePage = 2 << 20
    /// Bytes from which an arena is mapped.
    private static let leastMapping = 4 << 20

    init(count: Int) {
        self.count = count
        let bytes = max(1, count) * MemoryLayout<Float>.stride
        if bytes >= Self.leastMapping, let (start, mapped) = Self.mapping(of: bytes) {
            base = start.bindMemory(to: Float.self, capacity: count)
            mappedBytes = mapped
        } else {
            let raw = UnsafeMutableRawPointer.allocate(
                byteCount: bytes, alignment: MemoryPlan.alignment * MemoryLayout<Float>.stride)
            base = raw.initializeMemory(as: Float.self, repeating: 0, count: max(1, count))
            mappedBytes = 0
        }
    }

    deinit {
        if mappedBytes > 0 {
            munmap(base, mappedBytes)
        } else {
            UnsafeMutableRawPointer(base).deallocate()
        }
    }

    /// Maps zeroed memory that starts at a huge page; nil if there is none.
    private static func mapping(of bytes: Int) -> (start: UnsafeMutableRawPointer, bytes: Int)? {
        let size = (bytes + hugePage - 1) / hugePage * hugePage
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        guard let raw = mmap(nil, size + hugePage, PROT_READ | PROT_WRITE, flags, -1, 0), raw != MAP_FAILED else {
            return nil
        }
        // What lies before and behind the pages goes back.
        let before = (hugePage - Int(bitPattern: raw) % hugePage) % hugePage
        let start = raw + before
        if before > 0 { munmap(raw, before) }
        if before < hugePage { munmap(start + size, hugePage - before) }
        #if os(Linux)
            // A request alone; without huge pages the memory is the same.
            _ = madvise(start, size, MADV_HUGEPAGE)
        #endif
        return (start, size)
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
