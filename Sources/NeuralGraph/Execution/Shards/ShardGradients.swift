internal import CNeuralKernels

/// The parameters' gradients of a batch in shards: a sum over the shards in the order of ``ShardLayout``.
///
/// A node's gradients are combined as soon as it has run for a shard. What a process is left with is a sum for each of its
/// nodes of the tree, one as a rule; these are combined after the backward pass, each process a slice of all parameters:
///
///     sums        process 0: [ s0 | s1 | s2 ]    process 1: [ s0 | s1 | s2 ]    process 2: [ s0 | s1 | s2 ]
///     exchange    process 0: s0 s0 s0            process 1: s1 s1 s1            process 2: s2 s2 s2
///     gather      all:       [ total 0 | total 1 | total 2 ]
final class ShardGradients {
    private struct Slot {
        /// The parameter's position in its node, and where its gradient lies.
        let position: Int
        let offset: Int
        let count: Int
    }

    private let slots: [[Slot]]
    private let count: Int
    private let group: any ProcessGroup
    private let threads: ThreadTeam
    /// Sums that stay until all nodes have run, the bottom of the stack first: the first is the executor's gradient.
    private var wholes: [FloatArena]
    /// Sums of one node, further up.
    private var parts: [FloatArena] = []
    private let largestNode: Int
    private var received: FloatArena?

    init(_ plan: ExecutionPlan, arena: FloatArena, group: any ProcessGroup, threads: ThreadTeam) {
        let slotByKey = Dictionary(plan.parameters.map { ($0.key, $0) }) { first, _ in first }
        slots = plan.graph.nodes.map { node in
            node.parameters.compactMap { slotByKey[node.key($0.name)] }.enumerated().compactMap { position, slot in
                slot.hasGradient
                    ? Slot(position: position, offset: slot.offset, count: slot.specification.shape.count) : nil
            }
        }
        largestNode =
            slots.map { node in
                guard let first = node.map(\.offset).min() else { return 0 }
                return node.map { $0.offset + MemoryPlan.aligned($0.count) - first }.max() ?? 0
            }.max() ?? 0
        count = plan.trainableCount
        wholes = [arena]
        (self.group, self.threads) = (group, threads)
    }

    // MARK: One node

    /// Lets a node write a shard's gradients to their place on the stack.
    func place(_ node: Int, of memory: NodeMemory, at entry: ShardLayout.Entry, _ layout: ShardLayout) {
        for slot in slots[node] {
            memory.parameterGradients[slot.position] = pointer(node, slot, level: entry.level, layout)
        }
    }

    /// Combines what a shard's gradients complete.
    func merge(_ node: Int, after entry: ShardLayout.Entry, _ layout: ShardLayout) {
        for level in stride(from: entry.level, to: entry.level - entry.merges, by: -1) {
            for slot in slots[node] {
                add(
                    pointer(node, slot, level: level, layout), to: pointer(node, slot, level: level - 1, layout),
                    slot.count)
            }
        }
    }

    private func pointer(_ node: Int, _ slot: Slot, level: Int, _ layout: ShardLayout) -> UnsafeMutablePointer<Float> {
        guard level >= max(1, layout.ownSums) else { return whole(level).base + slot.offset }
        let index = level - max(1, layout.ownSums)
        while parts.count <= index { parts.append(FloatArena(count: largestNode)) }
        return parts[index].base + slot.offset - (slots[node].first?.offset ?? 0)
    }

    private func whole(_ level: Int) -> FloatArena {
        while wholes.count <= level { wholes.append(FloatArena(count: count)) }
        return wholes[level]
    }

    private func add(_ values: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>, _ count: Int) {
        threads.forEachChunk(of: count, floatsEach: 2) { part in
            cnk_add_scaled(values + part.lowerBound, sums + part.lowerBound, part.count, 1)
        }
    }

    // MARK: All processes

    /// Combines the sums of all processes; all then have the gradients of the whole batch.
    func combine(_ layout: ShardLayout) {
        let (rank, processes) = (group.rank, group.count)
        guard processes > 1, count > 0 else { return }
        let bounds = (0...processes).map { min(count, MemoryPlan.aligned($0 * count / processes)) }
        let bytes = (0..<processes).map { (bounds[$0 + 1] - bounds[$0]) * MemoryLayout<Float>.stride }
        let length = bounds[rank + 1] - bounds[rank]
        let total = layout.sumCounts.reduce(0, +)
        let buffer: FloatArena
        if let received, received.count >= total * length {
            buffer = received
        } else {
            buffer = FloatArena(count: total * length)
            received = buffer
        }
        // The sums of a process lie behind each other as its ranks' do, whichever round they come in.
        var places = [Int](repeating: 0, count: total)
        var used = 0
        for round in 0..<(layout.sumCounts.max() ?? 0) {
            let sends = layout.ownSums > round
            let receivedBytes = layout.sumCounts.map { $0 > round ? bytes[rank] : 0 }
            let start = used
            for process in 0..<processes where layout.sumCounts[process] > round {
                places[layout.sumCounts[..<process].reduce(0, +) + round] = used
                used += length
            }
            group.exchange(
                UnsafeRawBufferPointer(start: whole(round).base, count: sends ? bytes.reduce(0, +) : 0),
                counts: sends ? bytes : bytes.map { _ in 0 },
                into: UnsafeMutableRawBufferPointer(
                    start: buffer.base + start, count: (used - start) * MemoryLayout<Float>.stride),
                counts: receivedBytes)
        }
        for merge in layout.merges {
            add(buffer.base + places[merge.from], to: buffer.base + places[merge.into], length)
        }
        let gradients = whole(0).base
        (gradients + bounds[rank]).update(from: buffer.base + places[0], count: length)
        group.gather(
            UnsafeMutableRawBufferPointer(start: gradients, count: bytes.reduce(0, +)), counts: bytes)
    }
}
