import NeuralGraph
import TestSupport
import Testing

@Suite("Memory plan", .tags(.execution)) struct MemoryPlanTests {
    /// Buffers that live at one time lie apart, each on a cache line of its own.
    @Test("living buffers lie apart", arguments: 0..<200)
    func livingBuffersLieApart(_ seed: UInt64) {
        var random = SeededRandom(seed: seed, stream: "memory plan")
        let steps = random.pick([1, 3, 20])
        let buffers = (0..<random.pick([0, 1, 2, 10, 60])).map { _ in
            let first = Int.random(in: 0..<steps, using: &random)
            return MemoryPlan.Buffer(
                count: random.pick([0, 1, 15, 16, 17, 100, 1000, 1000]), first: first,
                last: Int.random(in: first..<steps, using: &random))
        }
        let plan = MemoryPlan(buffers)
        #expect(plan.offsets.count == buffers.count)
        func range(_ index: Int) -> Range<Int> {
            plan.offsets[index]..<plan.offsets[index] + buffers[index].count
        }
        for a in buffers.indices {
            #expect(plan.offsets[a] >= 0 && plan.offsets[a] % MemoryPlan.alignment == 0)
            #expect(range(a).upperBound <= plan.count)
            for b in buffers.indices[..<a] {
                let meet = buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last
                #expect(!meet || !range(a).overlaps(range(b)), "\(buffers[a]) and \(buffers[b])")
            }
        }
        // No plan can do with less than what lives at one time.
        let peak = (0..<steps).map { step in
            buffers.filter { $0.first <= step && step <= $0.last }.reduce(0) { $0 + MemoryPlan.aligned($1.count) }
        }
        #expect(plan.count >= peak.max() ?? 0)
        #expect(plan.count <= buffers.reduce(0) { $0 + MemoryPlan.aligned($1.count) })
    }

    /// The last one lies behind the larger ones if it comes after them, though it would fit below the first.
    @Test("buffers that last long come first where that takes less")
    func buffersThatLastLong() {
        let plan = MemoryPlan([
            .init(count: 80, first: 4, last: 4), .init(count: 64, first: 1, last: 2),
            .init(count: 32, first: 1, last: 2), .init(count: 48, first: 0, last: 4),
        ])
        #expect(plan.count == 144)
    }

    @Test("buffers that never meet share memory") func buffersThatNeverMeetShareMemory() {
        let plan = MemoryPlan([
            .init(count: 100, first: 0, last: 1), .init(count: 90, first: 2, last: 3),
            .init(count: 80, first: 4, last: 4),
        ])
        #expect(plan.offsets == [0, 0, 0])
        #expect(plan.count == 112)
    }
}
