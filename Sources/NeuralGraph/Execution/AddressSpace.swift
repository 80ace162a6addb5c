import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

/// The address space that this program may use, which `ulimit -v` limits.
///
/// It is checked before large allocations: a failed one ends a Swift program, and OpenBLAS waits for its buffers forever.
package enum AddressSpace {
    /// The bytes that OpenBLAS takes for each product that runs at the same time.
    private static let productBuffer = 136 << 20
    /// The bytes of a thread: its stack and its part of the allocator.
    private static let thread = 16 << 20
    /// The bytes of a run's batches and results and of the runtime.
    private static let spare = 48 << 20

    /// The largest number of threads that had room for their products; OpenBLAS keeps its buffers, so room is needed once.
    private static let workersWithRoom = Atomic<Int>(0)

    /// The limit in bytes; nil if the address space is not limited.
    package static var limit: Int? {
        var limits = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
        #else
            let resource = RLIMIT_AS
        #endif
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < Int.max else { return nil }
        return Int(limits.rlim_cur)
    }

    /// The bytes that a team of threads needs for its work and `byteCount` bytes of data, if fewer are left; nil otherwise.
    ///
    /// Both are checked together: the data would otherwise fit where the products then have no room.
    package static func missing(_ byteCount: Int, workers: Int) -> Int? {
        let known = workersWithRoom.load(ordering: .relaxed)
        let needed = byteCount + spare + max(0, workers - known) * (productBuffer + thread)
        guard has(needed) else { return needed }
        workersWithRoom.store(max(workers, known), ordering: .relaxed)
        return nil
    }

    /// Whether a number of bytes is left; always true without a limit, whatever the machine's memory.
    package static func has(_ byteCount: Int) -> Bool {
        guard limit != nil, byteCount > 0 else { return true }
        // Reserved without pages, and released at once.
        guard let start = mmap(nil, byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | noReserve, -1, 0),
            start != MAP_FAILED
        else { return false }
        munmap(start, byteCount)
        return true
    }

    #if os(Linux)
        private static let noReserve = MAP_NORESERVE
    #else
        private static let noReserve: Int32 = 0
    #endif
}
