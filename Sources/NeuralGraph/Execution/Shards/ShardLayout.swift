/// How a batch is cut into shards, which of them each process computes, and in which order their sums are combined.
///
/// Shards are the leaves of a binary tree that depends on their number alone: a node covers `2^k` shards from a multiple of
/// `2^k` on, or what there is of them. A process has consecutive shards. It combines the nodes that lie within them, and
/// the others are combined from what the processes have:
///
///     shards      0   1   2   3   4   5          processes 0: {0 1 2}   1: {3 4 5}
///                 +---+   +---+   +---+
///                 +-------+       |              sums      0: {0 1} {2} 1: {3} {4 5}
///                 +---------------+
package struct ShardLayout {
    /// The place of a shard's sum on a stack, and how many times the uppermost two sums are combined after it was put there.
    package struct Entry: Equatable {
        package let level: Int
        package let merges: Int
    }

    /// Two of the processes' sums: the second is added to the first.
    package struct Merge: Equatable {
        package let into: Int
        package let from: Int
    }

    /// Examples in the batch, and in each shard but perhaps the last.
    let batch: Int
    let size: Int
    /// The number of shards.
    package let count: Int
    /// The shards of each process.
    let shards: [Range<Int>]
    /// This process's shards in the order of the stack.
    package let entries: [Entry]
    /// How many sums each process is left with, from the stack's bottom.
    package let sumCounts: [Int]
    /// How the sums of all processes, in the order of the ranks, become one: the first.
    package let merges: [Merge]
    private let rank: Int

    package init(batch: Int, size: Int, rank: Int, processes: Int) {
        let count = (batch + size - 1) / size
        (self.batch, self.size, self.count, self.rank) = (batch, size, count, rank)
        shards = (0..<processes).map { $0 * count / processes..<($0 + 1) * count / processes }
        let stacks = shards.map { Self.combine($0.map { $0..<$0 + 1 }, of: count) }
        entries = stacks[rank].entries
        sumCounts = stacks.map(\.left.count)
        merges = Self.combine(stacks.flatMap(\.left), of: count).merges
    }

    /// This process's shards.
    package var own: Range<Int> { shards[rank] }
    /// The number of sums that this process is left with.
    package var ownSums: Int { sumCounts[rank] }
    /// The number of sums on the stack at most.
    var height: Int { (entries.map(\.level).max() ?? -1) + 1 }

    /// The examples of a shard.
    package func examples(of shard: Int) -> Range<Int> { shard * size..<min(batch, (shard + 1) * size) }

    /// The number of examples of each process.
    package var exampleCounts: [Int] {
        shards.map { $0.isEmpty ? 0 : min(batch, $0.upperBound * size) - $0.lowerBound * size }
    }

    /// Puts nodes of the tree on a stack one after the other and combines the uppermost two while they are siblings.
    private static func combine(
        _ nodes: [Range<Int>], of count: Int
    ) -> (entries: [Entry], merges: [Merge], left: [Range<Int>]) {
        var stack: [(node: Range<Int>, first: Int)] = []
        var entries: [Entry] = []
        var merges: [Merge] = []
        for (index, node) in nodes.enumerated() {
            let level = stack.count
            stack.append((node, index))
            var times = 0
            while let upper = stack.last, let lower = stack.dropLast().last, areSiblings(lower.node, upper.node, count)
            {
                stack.removeLast(2)
                stack.append((lower.node.lowerBound..<upper.node.upperBound, lower.first))
                merges.append(Merge(into: lower.first, from: upper.first))
                times += 1
            }
            entries.append(Entry(level: level, merges: times))
        }
        return (entries, merges, stack.map(\.node))
    }

    /// Whether two nodes, one behind the other, are the two children of a node.
    private static func areSiblings(_ left: Range<Int>, _ right: Range<Int>, _ count: Int) -> Bool {
        // What is left of another node is never cut short.
        let parent = 2 * left.count
        return left.lowerBound % parent == 0 && right.upperBound == min(count, left.lowerBound + parent)
    }
}
