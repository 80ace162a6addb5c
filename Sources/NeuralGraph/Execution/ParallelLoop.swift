import CNeuralKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The state that a team's threads share: one loop at a time, its indices handed out by a counter.
///
/// The caller of a loop calls as many helpers as it can use and starts to work. A helper takes part if it comes while there are
/// indices left, and reports how many it has run; the loop ends when all are, so one that comes late delays nothing:
///
///     caller    sets the loop up, calls   1  3  4  6     pending = 0
///     helper 1  spins                       2    5  reports 2
///     helper 2  sleeps                                      wakes, finds none left, spins
///
/// A helper first spins for the next call, since kernels follow each other within microseconds, then sleeps.
final class ParallelLoop: @unchecked Sendable {
    /// Pauses of some tens of cycles each: as long as a kernel without a parallel loop takes.
    private static let spins = 1000
    /// The low bits of a call, which tell how many helpers are called.
    private static let helperBits = 32

    // What waiting helpers read, and what working ones write, lie in cache lines of their own.
    /// The number of the call and, in its low bits, that of the called helpers, who are the first ones.
    private let call = Atomic<Int>(0)
    // Written by the caller before it makes indices available. Whoever has taken an index may read them until it has reported:
    // the loop does not end before.
    private var count = 0
    private var body: BorrowedLoopBody?
    private let stopping = Atomic<Bool>(false)
    private let afterCall = CacheLine()
    /// The indices that nobody has taken; below zero by those who came too late.
    private let left = Atomic<Int>(0)
    private let afterLeft = CacheLine()
    /// The indices whose end nobody has reported.
    private let pending = Atomic<Int>(0)
    private let afterPending = CacheLine()
    private let sleepers = Atomic<Int>(0)
    private let beds: [Bed]

    init(helpers: Int) {
        beds = (0..<helpers).map { _ in Bed() }
    }

    /// The calling thread's number; nil if it runs no loop of the team.
    var numberOfThisThread: Int? {
        let number = cnk_worker_number(identity)
        return number < 0 ? nil : number
    }

    private var identity: UnsafeRawPointer { UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Runs a loop on the calling thread, which is worker 0, and on helpers. One thread at a time may do so.
    func run(count: Int, helpers: Int, body: BorrowedLoopBody) {
        self.count = count
        self.body = body
        pending.store(count, ordering: .relaxed)
        left.store(count, ordering: .releasing)
        callHelpers(helpers)
        asWorker(0) { takePart(as: 0) }
        var spins = 0
        while pending.load(ordering: .acquiring) > 0 {
            spins += 1
            if spins > Self.spins { sched_yield() } else { cnk_pause() }
        }
        self.body = nil
    }

    /// A helper's life.
    func work(as worker: Int) {
        asWorker(worker) {
            var last = 0
            while true {
                last = nextCall(to: worker, after: last)
                if stopping.load(ordering: .acquiring) { return }
                takePart(as: worker)
            }
        }
    }

    func stop() {
        stopping.store(true, ordering: .releasing)
        callHelpers(beds.count)
    }

    /// Calls `body` with the calling thread being a worker of the team.
    func asWorker(_ number: Int, _ body: () -> Void) {
        var worker = cnk_worker(team: identity, number: number, outer: nil)
        withUnsafeMutablePointer(to: &worker) { worker in
            cnk_begin_work(worker)
            body()
            cnk_end_work(worker)
        }
    }

    private func takePart(as worker: Int) {
        // Whoever comes late leaves the counter's line to those who work.
        guard left.load(ordering: .relaxed) > 0 else { return }
        var rest = left.subtract(1, ordering: .acquiring).oldValue
        guard rest > 0, let body else { return }
        let count = count
        var taken = 0
        body.run(worker: worker) {
            // The first index is taken already; only its taker knows that the loop is still this one.
            if taken > 0 { rest = left.subtract(1, ordering: .relaxed).oldValue }
            guard rest > 0 else { return nil }
            taken += 1
            return count - rest
        }
        pending.subtract(taken, ordering: .releasing)
    }

    /// Calls the first helpers, and wakes those of them that sleep.
    ///
    /// Either the caller sees that a helper lies down, or the helper, which looks once more, sees the call: all threads see these
    /// sequentially consistent operations in one order.
    private func callHelpers(_ helpers: Int) {
        let number = call.load(ordering: .relaxed) >> Self.helperBits
        call.store((number &+ 1) << Self.helperBits | helpers, ordering: .sequentiallyConsistent)
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        for helper in 0..<helpers { beds[helper].wake() }
    }

    /// Waits for a call to a helper that is not the last one that it has heard.
    private func nextCall(to worker: Int, after last: Int) -> Int {
        func heard(_ call: Int) -> Bool { call != last && call & (1 << Self.helperBits - 1) >= worker }
        for _ in 0..<Self.spins {
            let call = call.load(ordering: .acquiring)
            if heard(call) { return call }
            cnk_pause()
        }
        var call = last
        beds[worker - 1].sleep(countedBy: sleepers) {
            call = self.call.load(ordering: .sequentiallyConsistent)
            return heard(call)
        }
        return call
    }
}

/// Where a helper sleeps.
private final class Bed: @unchecked Sendable {
    private let isTaken = Atomic<Bool>(false)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wakeUp = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

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

    /// Sleeps until woken with a condition that holds; returns at once if it holds already.
    func sleep(countedBy sleepers: borrowing Atomic<Int>, until condition: () -> Bool) {
        pthread_mutex_lock(mutex)
        isTaken.store(true, ordering: .sequentiallyConsistent)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !condition() { pthread_cond_wait(wakeUp, mutex) }
        sleepers.subtract(1, ordering: .relaxed)
        isTaken.store(false, ordering: .relaxed)
        pthread_mutex_unlock(mutex)
    }

    /// Wakes who sleeps here.
    func wake() {
        guard isTaken.load(ordering: .sequentiallyConsistent) else { return }
        // Who lies down holds the mutex until it sleeps.
        pthread_mutex_lock(mutex)
        pthread_cond_signal(wakeUp)
        pthread_mutex_unlock(mutex)
    }
}

/// Unused bytes that keep what is before them and what is behind them in different cache lines.
private struct CacheLine {
    private let first: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
    // Processors fetch lines in pairs.
    private let second: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
}
