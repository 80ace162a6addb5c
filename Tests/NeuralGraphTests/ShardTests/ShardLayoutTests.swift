import NeuralGraph
import TestSupport
import Testing

@Suite("How batches are cut into shards", .tags(.execution))
struct ShardLayoutTests {
    /// The tree's sum as a text with parentheses, put together as the processes do.
    private func expression(shards: Int, processes: Int) -> String {
        var sums: [String] = []
        for rank in 0..<processes {
            let layout = ShardLayout(batch: shards, size: 1, rank: rank, processes: processes)
            var stack: [String] = []
            for (shard, entry) in zip(layout.own, layout.entries) {
                #expect(entry.level == stack.count)
                stack.append("\(shard)")
                for _ in 0..<entry.merges {
                    let upper = stack.removeLast()
                    stack[stack.count - 1] = "(\(stack[stack.count - 1]) \(upper))"
                }
            }
            #expect(stack.count == layout.ownSums)
            #expect(stack.count == layout.sumCounts[rank])
            sums += stack
        }
        for merge in ShardLayout(batch: shards, size: 1, rank: 0, processes: processes).merges {
            sums[merge.into] = "(\(sums[merge.into]) \(sums[merge.from]))"
        }
        return sums[0]
    }

    @Test("Sums have one order on any number of processes", arguments: 1...21)
    func order(shards: Int) {
        let alone = expression(shards: shards, processes: 1)
        for processes in 2...9 { #expect(expression(shards: shards, processes: processes) == alone) }
    }

    @Test("The order is a binary tree over the shards")
    func tree() {
        #expect(expression(shards: 6, processes: 1) == "(((0 1) (2 3)) (4 5))")
        #expect(expression(shards: 7, processes: 3) == "(((0 1) (2 3)) ((4 5) 6))")
    }

    @Test("Every example belongs to one process")
    func examples() {
        let layouts = (0..<3).map { ShardLayout(batch: 70, size: 16, rank: $0, processes: 3) }
        #expect(layouts[0].count == 5)
        #expect(
            layouts.flatMap { layout in layout.own.map(layout.examples) } == [
                0..<16, 16..<32, 32..<48, 48..<64, 64..<70,
            ])
        #expect(layouts.allSatisfy { $0.exampleCounts == [16, 32, 22] })
    }
}
