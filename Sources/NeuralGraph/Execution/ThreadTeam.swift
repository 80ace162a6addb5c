import CNeuralKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

/// A team of threads that runs the engine's parallel loops.
///
/// The threads are the engine's own, so that a kernel never blocks Swift's cooperative pool; the calling thread works too.
/// Workers take indices in no fixed order, so what an index computes must not depend on its worker.
public final class ThreadTeam: Sendable {
    /// The number of threads that work on a loop, including the caller's.
    public let workers: Int

    private let loop: ParallelLoop
    private let busy = Atomic<Bool>(false)

    /// Starts a team.
    /// - Parameter workers: the number of threads; values below 1 count as 1. The default, one for each processor that this
    ///   program may use, is the fastest.
    public init(workers: Int = ThreadTeam.processorCount) {
        self.workers = max(1, workers)
        loop = ParallelLoop(helpers: self.workers - 1)
        for worker in 1..<max(2, self.workers) where worker < self.workers {
            let loop = loop
            // Without the thread the team is smaller and slower, but its results are the same.
            _ = startDetachedThread { loop.work(as: worker) }
        }
    }

    deinit {
        loop.stop()
    }

    /// Calls `body` for every index in `0..<count`, on as many workers as there are indices, and returns when all are done.
    ///
    /// A loop inside a loop, or one on a team that is busy with another thread's loop, runs on the calling thread.
    /// - Parameters:
    ///   - count: the number of indices.
    ///   - body: takes the index and the number of the worker that runs it, below ``workers``. Threads of the same loop have
    ///     different numbers, and a loop inside a loop has the number of the worker that it runs on.
    public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
        // A single index has nobody to share with, and loops inside it may have the whole team.
        guard count > 1, workers > 1 else {
            let worker = workers > 1 ? loop.numberOfThisThread ?? 0 : 0
            for index in 0..<max(0, count) { body(index, worker) }
            return
        }
        if let worker = loop.numberOfThisThread {
            for index in 0..<count { body(index, worker) }
        } else if busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged {
            BorrowedLoopBody.lend(body) { loop.run(count: count, helpers: min(workers, count) - 1, body: $0) }
            busy.store(false, ordering: .releasing)
        } else {
            loop.asWorker(0) {
                for index in 0..<count { body(index, 0) }
            }
        }
    }
}

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

extension ThreadTeam {
    /// The number of processors that this program may use.
    ///
    /// It counts the online processors within the affinity mask and the control group's quota (cgroups 1 and 2).
    public static var processorCount: Int {
        var count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #if os(Linux)
            let allowed = Int(cnk_affinity_count())
            if allowed > 0 { count = min(count, allowed) }
            if let quota = ControlGroup.current.processors { count = min(count, quota) }
        #endif
        return count
    }
}
