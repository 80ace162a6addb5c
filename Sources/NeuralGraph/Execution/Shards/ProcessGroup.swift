/// Processes that compute parts of the same batches and exchange bytes.
///
/// All of them call the same functions in the same order, from one thread at a time. Bytes are moved as they are: sums are
/// the callers', in an order that does not depend on the number of processes. A process that fails ends the whole group.
package protocol ProcessGroup: AnyObject, Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// The number of processes.
    var count: Int { get }

    /// Gathers each process's part of a buffer on all.
    /// - Parameters:
    ///   - bytes: the parts in the order of the ranks, of which the caller's own is filled.
    ///   - counts: the bytes of each part; equal on all processes.
    func gather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int])

    /// Sends a part to each process and receives one from each.
    /// - Parameters:
    ///   - sent: the parts to send, in the order of the ranks.
    ///   - sentCounts: their bytes.
    ///   - received: memory for the parts that are received, in the order of the ranks.
    ///   - receivedCounts: their bytes, as their senders know them.
    func exchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int])

    /// Sends bytes from process 0 to all others.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer)

    /// Starts what ``exchange(_:counts:into:counts:)`` does, and returns before it is over.
    ///
    /// All processes start their exchanges in the same order, and their gatherings in the same order; the two are independent
    /// of each other and of the calls that wait. The memory stays as it is until the transfer is over.
    func startExchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
    ) -> Transfer

    /// Starts what ``gather(_:counts:)`` does, and returns before it is over.
    func startGather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) -> Transfer

    /// Lets all transfers go on, and tells whether one is over.
    func isOver(_ transfer: Transfer) -> Bool

    /// Waits until a transfer is over. Called once for each, whether it is over or not.
    func wait(for transfer: Transfer)
}

/// Bytes that move while a process computes.
package struct Transfer {
    /// The group's own record of it; nil if it is over.
    package let record: UnsafeMutableRawPointer?

    /// Describes a transfer.
    package init(record: UnsafeMutableRawPointer? = nil) { self.record = record }
}

/// For groups that do not move bytes in the background: each transfer is over when it has been started.
extension ProcessGroup {
    package func startExchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
    ) -> Transfer {
        exchange(sent, counts: sentCounts, into: received, counts: receivedCounts)
        return Transfer()
    }

    package func startGather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) -> Transfer {
        gather(bytes, counts: counts)
        return Transfer()
    }

    package func isOver(_ transfer: Transfer) -> Bool { true }

    package func wait(for transfer: Transfer) {}
}

/// A process on its own.
package final class SingleProcess: ProcessGroup {
    package let rank = 0
    package let count = 1

    /// Creates the group.
    package init() {}

    package func gather(_ bytes: UnsafeMutableRawBufferPointer, counts: [Int]) {}

    package func exchange(
        _ sent: UnsafeRawBufferPointer, counts sentCounts: [Int],
        into received: UnsafeMutableRawBufferPointer, counts receivedCounts: [Int]
    ) {
        received.copyMemory(from: UnsafeRawBufferPointer(rebasing: sent[..<min(sent.count, received.count)]))
    }

    package func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {}
}

extension ProcessGroup {
    /// Whether this process is the one that prints and writes.
    package var isFirst: Bool { rank == 0 }

    /// Gathers a list of bytes of any length from each process.
    package func gather(_ own: [UInt8]) -> [[UInt8]] {
        guard count > 1 else { return [own] }
        var lengths = [Int](repeating: 0, count: count)
        lengths[rank] = own.count
        lengths.withUnsafeMutableBytes { gather($0, counts: [Int](repeating: MemoryLayout<Int>.stride, count: count)) }
        let starts = lengths.indices.map { lengths[..<$0].reduce(0, +) }
        var all = [UInt8](repeating: 0, count: lengths.reduce(0, +))
        all.replaceSubrange(starts[rank]..<starts[rank] + own.count, with: own)
        all.withUnsafeMutableBytes { gather($0, counts: lengths) }
        return zip(starts, lengths).map { Array(all[$0..<$0 + $1]) }
    }

    /// Returns process 0's list of bytes, which may be of any length; what the others pass is not used.
    package func broadcast(_ bytes: [UInt8]) -> [UInt8] {
        guard count > 1 else { return bytes }
        var length = bytes.count
        withUnsafeMutableBytes(of: &length) { broadcast($0) }
        var result = isFirst ? bytes : [UInt8](repeating: 0, count: length)
        result.withUnsafeMutableBytes { broadcast($0) }
        return result
    }

    /// Returns process 0's answer to a question, such as whether a run was cancelled.
    package func agree(_ answer: Bool) -> Bool {
        guard count > 1 else { return answer }
        var byte: UInt8 = answer ? 1 : 0
        withUnsafeMutableBytes(of: &byte) { broadcast($0) }
        return byte == 1
    }
}

/// Batches that are computed in shards, which the processes of a group share.
package struct Sharding: Sendable {
    /// Examples in a shard, of which a batch's last may have fewer; at least 1. Results depend on it.
    package let size: Int
    /// The processes. Results do not depend on how many they are.
    package let group: any ProcessGroup
    /// Gradients that are exchanged together: few enough that smaller messages need not wait long, and enough that a
    /// message's latency does not matter.
    package let bucketSize: Int

    /// Describes a division.
    package init(size: Int, group: any ProcessGroup = SingleProcess(), bucketSize: Int = 1 << 17) {
        self.size = max(1, size)
        self.group = group
        self.bucketSize = max(1, bucketSize)
    }

    /// The places in a batch of the examples that this process computes.
    package func ownExamples(ofBatch count: Int) -> Range<Int> {
        let layout = ShardLayout(batch: count, size: size, rank: group.rank, processes: group.count)
        let start = min(count, layout.own.lowerBound * size)
        return start..<start + layout.exampleCounts[group.rank]
    }
}
