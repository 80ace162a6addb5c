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

    private let loop = Loop()
    private let busy = Atomic<Bool>(false)

    /// Starts a team.
    /// - Parameter workers: the number of threads; values below 1 count as 1. The default, one for each processor that this
    ///   program may use, is the fastest.
    public init(workers: Int = ThreadTeam.processorCount) {
        self.workers = max(1, workers)
        for worker in 1..<max(2, self.workers) where worker < self.workers {
            let loop = loop
            // Without the thread the team is smaller and slower, but its results are the same.
            if !startDetachedThread({ loop.work(as: worker) }) { loop.workerIsMissing() }
        }
    }

    deinit {
        loop.stop()
    }

    /// Calls `body` for every index in `0..<count`, on all workers, and returns when all are done.
    ///
    /// A loop inside a loop, or one on a team that is busy with another thread's loop, runs on the calling thread.
    /// - Parameters:
    ///   - count: the number of indices.
    ///   - body: takes the index and the number of the worker that runs it, below ``workers``.
    public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
        guard count > 1, workers > 1,
            busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
        else {
            for index in 0..<count { body(index, 0) }
            return
        }
        BorrowedLoopBody.lend(body) { loop.run(count: count, helpers: workers - 1, body: $0) }
        busy.store(false, ordering: .releasing)
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

/// Unused bytes that keep what is before them and what is behind them in different cache lines.
private struct CacheLine {
    private let first: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    // Processors fetch lines in pairs.
    private let second: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
}

/// The state that a team's threads share: one loop at a time, its indices handed out by a counter.
///
/// A worker first spins for the next loop, since kernels follow each other within microseconds, then sleeps.
private final class Loop: @unchecked Sendable {
    /// Pauses of some tens of cycles each: as long as a kernel without a parallel loop takes.
    private static let spins = 1000

    // What waiting workers read, and what working ones write, lie in cache lines of their own.
    private let generation = Atomic<Int>(0)
    private let afterGeneration = CacheLine()
    private let next = Atomic<Int>(0)
    private let afterNext = CacheLine()
    private let running = Atomic<Int>(0)
    private let afterRunning = CacheLine()
    private let missing = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wakeUp = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Written by the caller before `generation` is raised and read by workers after they saw it raised.
    private var count = 0
    private var body: BorrowedLoopBody?

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wakeUp, nil)
    }

    deinit {
        pthread_cond_destroy(wakeUp)
        pthread_mutex_destroy(mutex)
        wakeUp.deallocate()
        mutex.deallocate()
    }

    func workerIsMissing() {
        missing.add(1, ordering: .relaxed)
    }

    func stop() {
        stopping.store(true, ordering: .releasing)
        raiseGeneration()
    }

    func run(count: Int, helpers: Int, body: BorrowedLoopBody) {
        self.count = count
        self.body = body
        next.store(0, ordering: .relaxed)
        running.store(helpers - missing.load(ordering: .relaxed), ordering: .relaxed)
        raiseGeneration()
        handOut(to: 0)
        // Every worker checks in once per loop, so that none still reads this loop when the next one is set up.
        var spins = 0
        while running.load(ordering: .acquiring) > 0 {
            spins += 1
            if spins > Self.spins { sched_yield() } else { cnk_pause() }
        }
        self.body = nil
    }

    func work(as worker: Int) {
        var seen = 0
        while true {
            waitForGeneration(after: seen)
            seen += 1
            if stopping.load(ordering: .acquiring) { return }
            handOut(to: worker)
            running.subtract(1, ordering: .releasing)
        }
    }

    private func handOut(to worker: Int) {
        body?.run(worker: worker) {
            let index = next.add(1, ordering: .relaxed).oldValue
            return index < count ? index : nil
        }
    }

    private func raiseGeneration() {
        pthread_mutex_lock(mutex)
        generation.add(1, ordering: .releasing)
        pthread_cond_broadcast(wakeUp)
        pthread_mutex_unlock(mutex)
    }

    private func waitForGeneration(after seen: Int) {
        for _ in 0..<Self.spins {
            if generation.load(ordering: .acquiring) != seen { return }
            cnk_pause()
        }
        pthread_mutex_lock(mutex)
        while generation.load(ordering: .acquiring) == seen { pthread_cond_wait(wakeUp, mutex) }
        pthread_mutex_unlock(mutex)
    }
}
