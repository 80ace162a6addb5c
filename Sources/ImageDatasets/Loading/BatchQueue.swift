import Foundation
import NeuralGraph
import Synchronization

/// What a loader and its thread share: batches that are free and batches that are ready, under one lock.
final class BatchQueue: @unchecked Sendable {
    // Unchecked, since everything that changes is guarded by `condition`.

    private let source: any ExampleSource
    private let indices: [Int]
    private let batchSize: Int
    private let batchCount: Int
    private let firstBatch: Int
    private let augmentationSeed: UInt64?
    private let part: (@Sendable (Int) -> Range<Int>)?
    private let threads: ThreadTeam?
    private let isCancelled = Atomic<Bool>(false)
    private let condition = NSCondition()

    private var free: [Batch]
    private var ready: [Batch] = []
    private var handedOut: Batch?
    private var delivered: Int
    private var failure: (any Error)?
    private var hasThread: Bool

    init(
        source: any ExampleSource, indices: [Int], batchSize: Int, batchCount: Int, augmentationSeed: UInt64?,
        capacity: Int, depth: Int, firstBatch: Int, part: (@Sendable (Int) -> Range<Int>)?,
        workers: Int?
    ) {
        self.part = part
        self.source = source
        self.indices = indices
        self.batchSize = batchSize
        self.batchCount = batchCount
        self.firstBatch = min(firstBatch, batchCount)
        delivered = self.firstBatch
        self.augmentationSeed = augmentationSeed
        threads = source.isDecodedOnRead ? ThreadTeam(workers: workers ?? ThreadTeam.processorCount) : nil
        let number = min(depth + 1, batchCount - self.firstBatch)
        free = (0..<number).map { _ in Batch(capacity: capacity, exampleShape: source.exampleShape) }
        ready.reserveCapacity(number)
        hasThread = depth > 0 && number > 0
    }

    /// Starts the thread; without one, which the system may refuse, `next` reads by itself.
    func start() {
        guard hasThread else { return }
        if !startDetachedThread({ self.run() }) { hasThread = false }
    }

    func cancel() {
        isCancelled.store(true, ordering: .releasing)
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    func recycle(_ batch: Batch) {
        condition.lock()
        defer { condition.unlock() }
        // Only what is out can come back, and only once.
        guard batch === handedOut else { return }
        giveBack()
    }

    func next() throws -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        giveBack()
        guard delivered < batchCount else { return nil }
        if !hasThread { readHere() }
        while ready.isEmpty, failure == nil, !isCancelled.load(ordering: .acquiring) { condition.wait() }
        if isCancelled.load(ordering: .acquiring) { throw CancellationError() }
        if ready.isEmpty, let failure { throw failure }
        let batch = ready.removeFirst()
        handedOut = batch
        delivered += 1
        return batch
    }

    private func giveBack() {
        guard let batch = handedOut else { return }
        handedOut = nil
        free.append(batch)
        condition.broadcast()
    }

    private func readHere() {
        guard failure == nil, let batch = free.popLast() else { return }
        do {
            try fill(batch, number: delivered)
            ready.append(batch)
        } catch {
            failure = error
        }
    }

    /// The thread's work: all batches, each into the next one that is free.
    private func run() {
        for number in firstBatch..<batchCount {
            guard let batch = waitForFreeBatch() else { return }
            var problem: (any Error)?
            do { try fill(batch, number: number) } catch { problem = error }
            condition.lock()
            if let problem { failure = problem } else { ready.append(batch) }
            condition.broadcast()
            condition.unlock()
            if problem != nil { return }
        }
    }

    private func waitForFreeBatch() -> Batch? {
        condition.lock()
        defer { condition.unlock() }
        while free.isEmpty, !isCancelled.load(ordering: .acquiring) { condition.wait() }
        return isCancelled.load(ordering: .acquiring) ? nil : free.popLast()
    }

    private func fill(_ batch: Batch, number: Int) throws {
        let start = number * batchSize
        let end = min(start + batchSize, indices.count)
        try batch.fill(
            from: source, indices: indices[start..<end], augmentationSeed: augmentationSeed,
            part: part?(end - start), threads: threads, isCancelled: { isCancelled.load(ordering: .relaxed) })
    }
}
