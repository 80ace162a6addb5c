import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The address space that the system gives this program, which `ulimit -v` limits.
///
/// Asked before memory is: a failed allocation ends a Swift program, and OpenBLAS waits for ever for its buffers.
package enum AddressSpace {
    /// What OpenBLAS takes for each product that runs at the same time, in bytes.
    private static let productBuffer = 136 << 20
    /// What a thread takes: its stack, and its part of the allocator.
    private static let thread = 16 << 20
    /// What a run takes besides: batches, results, the runtime's own.
    private static let spare = 48 << 20

    /// The most threads that had room for their products. OpenBLAS keeps its buffers, so room is needed once.
    private static let workersWithRoom = Atomic<Int>(0)

    /// The limit in bytes; nil if there is none.
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

    /// What a team of threads needs to work with so many bytes, if there is not so much left; nil if there is.
    ///
    /// All is asked for together: what is left for the team's bytes alone may be what its products need.
    package static func missing(_ byteCount: Int, workers: Int) -> Int? {
        let known = workersWithRoom.load(ordering: .relaxed)
        let needed = byteCount + spare + max(0, workers - known) * (productBuffer + thread)
        guard has(needed) else { return needed }
        workersWithRoom.store(max(workers, known), ordering: .relaxed)
        return nil
    }

    /// Whether so many bytes are left. Always true without a limit: how much memory there is, is another question.
    package static func has(_ byteCount: Int) -> Bool {
        guard limit != nil, byteCount > 0 else { return true }
        // Reserved without a page behind it, and given back at once.
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
