/// The places of all activations, gradients and kept buffers of a graph in one arena, by when kernels read them.
///
/// Steps are numbered 0, 1, ... for the forward passes in order and on for the backward passes in reverse order, so
/// that node `k` of `n` runs at step `k` and at step `2 n - 1 - k`.
struct ActivationPlan {
    let needsGradient: [Bool]
    let runsBackward: [Bool]
    private(set) var valueOffsets: [Int] = []
    private(set) var gradientOffsets: [Int] = []
    private(set) var savedOffsets: [Int] = []
    private(set) var packedOffsets: [Int] = []
    private(set) var scratchOffset = 0
    private(set) var count = 0

    private let graph: Graph
    private let kernels: [any Kernel]
    private let capacity: Int
    private let consumers: [[Int]]
    private let kept: Set<Graph.Value>
    private let lastStep: Int

    /// - Parameter kept: values that callers read after a pass: nothing is put over them.
    init(
        graph: Graph, kernels: [any Kernel], capacity: Int, request: GradientRequest, kept: Set<Graph.Value> = []
    ) {
        self.kept = kept
        self.graph = graph
        self.kernels = kernels
        self.capacity = capacity
        let nodes = graph.nodes
        lastStep = 2 * nodes.count

        var consumers = [[Int]](repeating: [], count: nodes.count + 1)
        for (index, node) in nodes.enumerated() {
            for input in node.inputs { consumers[input.index].append(index) }
        }
        self.consumers = consumers

        // A value needs a gradient if something wanted lies upstream of it.
        var needs = [request.input]
        for node in nodes {
            needs.append(request.wantsParameters(of: node) || node.inputs.contains { needs[$0.index] })
        }
        // A node that leads nowhere gets no gradient from downstream.
        var reachesOutput = [Bool](repeating: false, count: nodes.count)
        for index in nodes.indices.reversed() {
            reachesOutput[index] =
                index == nodes.count - 1 || consumers[index + 1].contains { reachesOutput[$0] }
        }
        needsGradient = needs
        runsBackward = nodes.indices.map { needs[$0 + 1] && reachesOutput[$0] }
        layOut()
    }

    private func backwardStep(_ node: Int) -> Int { 2 * graph.nodes.count - 1 - node }

    private mutating func layOut() {
        let nodes = graph.nodes
        var buffers: [MemoryPlan.Buffer] = []
        var valueBuffer = [Int](repeating: -1, count: nodes.count + 1)
        var gradientBuffer = [Int](repeating: -1, count: nodes.count + 1)
        var savedBuffer = [Int](repeating: -1, count: nodes.count)
        var packedBuffer = [Int](repeating: -1, count: nodes.count)

        func add(_ count: Int, first: Int, last: Int) -> Int {
            buffers.append(MemoryPlan.Buffer(count: count, first: first, last: last))
            return buffers.count - 1
        }
        // The input keeps its memory throughout, so that callers can write the next batch at any time.
        valueBuffer[0] = add(capacity * graph.inputShape.count, first: 0, last: lastStep)
        for (index, node) in nodes.enumerated() {
            let last = lastUse(ofValue: index + 1)
            if sharesInput(index) {
                let shared = valueBuffer[node.inputs[0].index]
                buffers[shared].last = max(buffers[shared].last, last)
                valueBuffer[index + 1] = shared
            } else {
                valueBuffer[index + 1] = add(capacity * node.shape.count, first: index, last: last)
            }
            if kernels[index].savedCount > 0 {
                let end = runsBackward[index] ? backwardStep(index) : index
                savedBuffer[index] = add(kernels[index].savedCount, first: index, last: end)
            }
            if kernels[index].packedCount > 0 {
                packedBuffer[index] = add(kernels[index].packedCount, first: 0, last: lastStep)
            }
        }
        for index in (0...nodes.count).reversed() where needsGradient[index] {
            let readers = consumers[index].filter { runsBackward[$0] }
            let first = readers.map(backwardStep).min() ?? nodes.count
            let last = index == 0 ? lastStep : backwardStep(index - 1)
            let count = capacity * graph.shape(of: Graph.Value(index: index)).count
            if let reader = readers.first, readers.count == 1, consumers[index].count == 1, index > 0,
                kernels[reader].worksInPlace, graph.nodes[reader].inputs[0].index == index,
                graph.nodes[reader].inputs.filter({ $0.index == index }).count == 1
            {
                let shared = gradientBuffer[reader + 1]
                buffers[shared].last = max(buffers[shared].last, last)
                gradientBuffer[index] = shared
            } else {
                gradientBuffer[index] = add(count, first: first, last: last)
            }
        }
        let scratch = kernels.map(\.scratchCount).max() ?? 0
        let scratchBuffer = add(scratch, first: 0, last: lastStep)

        let plan = MemoryPlan(buffers)
        func offsets(_ indices: [Int]) -> [Int] { indices.map { $0 < 0 ? 0 : plan.offsets[$0] } }
        valueOffsets = offsets(valueBuffer)
        gradientOffsets = offsets(gradientBuffer)
        savedOffsets = offsets(savedBuffer)
        packedOffsets = offsets(packedBuffer)
        scratchOffset = plan.offsets[scratchBuffer]
        count = plan.count
    }

    /// The last step at which a value is read.
    private func lastUse(ofValue index: Int) -> Int {
        if index == graph.nodes.count || kept.contains(Graph.Value(index: index)) { return lastStep }
        var last = index - 1
        for reader in consumers[index] {
            last = max(last, reader)
            if runsBackward[reader], kernels[reader].backwardReads.contains(.inputs) {
                last = max(last, backwardStep(reader))
            }
        }
        if index > 0, runsBackward[index - 1], kernels[index - 1].backwardReads.contains(.output) {
            last = max(last, backwardStep(index - 1))
        }
        return last
    }

    /// Whether a node may write its output over its first input: no other node reads that value, now or later.
    private func sharesInput(_ node: Int) -> Bool {
        guard kernels[node].worksInPlace, let input = graph.nodes[node].inputs.first, input.index > 0,
            consumers[input.index].count == 1, !kept.contains(input)
        else { return false }
        let producer = input.index - 1
        let producerReads = runsBackward[producer] && kernels[producer].backwardReads.contains(.output)
        let reads = runsBackward[node] && kernels[node].backwardReads.contains(.inputs)
        return !producerReads && !reads
    }
}
