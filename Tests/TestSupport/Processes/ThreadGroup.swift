import Foundation
package import NeuralGraph

/// Threads that stand for the processes of a group, each with memory of its own.
///
/// Unchecked, since each member is used by one thread.
package final class ThreadGroup: ProcessGroup, @unchecked Sendable {
    package let rank: Int
    package let count: Int
    private let hub: Hub
    /// Transfers that were started and not waited for, if the group delays them.
    private let delayed: Delayed?

    private init(rank: Int, hub: Hub, delaysTransfers: Bool) {
        (self.rank, self.hub, count) = (rank, hub, hub.count)
        delayed = delaysTransfers ? Delayed() : nil
    }

    /// The processes of a new group, each for one thread.
    /// - Parameter delaysTransfers: whether transfers happen when they are waited for, and not when they are started.
    package static func members(_ count: Int, delaysTransfers: Bool = false) -> [any ProcessGroup] {
        let hub = Hub(count)
        return (0..<count).map { ThreadGroup(rank: $0, hub: hub, delaysTransfers: delaysTransfers) }
    }

    /// Runs the same work on every process.
    /// - Returns: what each returned, in the order of the ranks.
    package static func run<Result: Sendable>(
        _ count: Int, delaysTransfers: Bool = false,
        _ body: @escaping @Sendable (any ProcessGroup) throws -> Result
    ) throws -> [Result] {
        let results = Results<Result>(count)
        let done = DispatchGroup()
        for member in members(count, delaysTransfers: delaysTransfers) {
            done.enter()
            Thread.detachNewThread {
                results.set(member.rank, Swift.Result { try body(member) })
                done.leave()
            }
        }
        done.wait()
        return try results.all()
    }

    package func gather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) {
        hub.meet(rank, UnsafeRawBufferPointer(bytes)) { others in
            for (process, other) in others.enumerated() where process != rank && counts[process] > 0 {
                let start = counts[..<process].reduce(0, +)
                copy(other, start, to: bytes, start, counts[process])
            }
        }
    }

    package func exchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
    ) {
        // Where each process's parts start is known to it alone.
        let starts = sentCounts.indices.map { sentCounts[..<$0].reduce(0, +) }
        var all = [Int](repeating: 0, count: count * count)
        all.replaceSubrange(rank * count..<(rank + 1) * count, with: starts)
        all.withUnsafeMutableBytes {
            gather($0, counts: [Int](repeating: count * MemoryLayout<Int>.stride, count: count))
        }
        hub.meet(rank, sent) { others in
            var end = 0
            for (process, other) in others.enumerated() where receivedCounts[process] > 0 {
                copy(other, all[process * count + rank], to: received, end, receivedCounts[process])
                end += receivedCounts[process]
            }
        }
    }

    package func startExchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
    ) -> Transfer {
        start { [unowned self] in exchange(sent, counts: sentCounts, into: received, counts: receivedCounts) }
    }

    package func startGather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) -> Transfer {
        start { [unowned self] in gather(bytes, counts: counts) }
    }

    private func start(_ work: @escaping () -> Void) -> Transfer {
        guard let delayed else {
            work()
            return Transfer()
        }
        return Transfer(record: delayed.add(work))
    }

    package func isOver(_ transfer: Transfer) -> Bool { transfer.record == nil }

    package func wait(for transfer: Transfer) {
        if let record = transfer.record { delayed?.run(record) }
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {
        hub.meet(rank, UnsafeRawBufferPointer(bytes)) { others in
            if rank > 0 { copy(others[0], 0, to: bytes, 0, bytes.count) }
        }
    }

    private func copy(
        _ source: UnsafeRawBufferPointer, _ offset: Int, to target: UnsafeMutableRawBufferPointer, _ place: Int,
        _ count: Int
    ) {
        UnsafeMutableRawBufferPointer(rebasing: target[place..<place + count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset..<offset + count]))
    }
}

/// Work that is done when it is waited for. One thread uses it.
private final class Delayed {
    private var work: [UnsafeMutableRawPointer: () -> Void] = [:]

    func add(_ body: @escaping () -> Void) -> UnsafeMutableRawPointer {
        let record = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
        work[record] = body
        return record
    }

    func run(_ record: UnsafeMutableRawPointer) {
        work.removeValue(forKey: record)?()
        record.deallocate()
    }
}

/// Where the threads meet.
private final class Hub: @unchecked Sendable {
    let count: Int
    private let condition = NSCondition()
    private var buffers: [UnsafeRawBufferPointer]
    private var arrived = 0
    private var round = 0

    init(_ count: Int) {
        self.count = count
        buffers = [UnsafeRawBufferPointer](repeating: UnsafeRawBufferPointer(start: nil, count: 0), count: count)
    }

    /// Shows every process's buffer to all; returns when all have seen them.
    func meet(_ rank: Int, _ buffer: UnsafeRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) -> Void) {
        condition.lock()
        buffers[rank] = buffer
        condition.unlock()
        wait()
        body(buffers)
        wait()
    }

    private func wait() {
        condition.lock()
        defer { condition.unlock() }
        arrived += 1
        if arrived == count {
            arrived = 0
            round += 1
            condition.broadcast()
        } else {
            let own = round
            while round == own { condition.wait() }
        }
    }
}

private final class Results<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Int: Result<Value, any Error>] = [:]
    private let count: Int

    init(_ count: Int) { self.count = count }

    func set(_ rank: Int, _ value: Result<Value, any Error>) { lock.withLock { values[rank] = value } }

    func all() throws -> [Value] { try lock.withLock { try (0..<count).compactMap { try values[$0]?.get() } } }
}
