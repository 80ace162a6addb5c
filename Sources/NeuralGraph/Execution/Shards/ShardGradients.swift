internal import CNeuralKernels

/// The parameters' gradients of a batch in shards: a sum over the shards in the order of ``ShardLayout``.
///
/// A node's gradients are combined as soon as it has run for a shard. What a process is left with is a sum for each of its
/// nodes of the tree, one as a rule. These are combined in buckets, each as soon as the backward pass has
/// completed it, while the nodes before it run. Of a bucket each process sums a slice:
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
    /// In the order in which they are completed; the first ``started`` are being exchanged, the first ``summed`` have been.
    private let buckets: [GradientBucket]
    private var started = 0
    private var summed = 0
    private var gatherings: [Transfer] = []

    init(_ plan: ExecutionPlan, arena: FloatArena, sharding: Sharding, threads: ThreadTeam) {
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
        buckets = GradientBucket.cover(
            count, bucketSize: sharding.bucketSize,
            nodes: slots.map { $0.map { slot in slot.offset..<slot.offset + slot.count } })
        wholes = [arena]
        (group, self.threads) = (sharding.group, threads)
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

    /// Starts to combine the gradients that a node's backward pass completes, and lets what was started go on.
    func completed(_ node: Int, _ layout: ShardLayout) {
        guard group.count > 1 else { return }
        while started < buckets.count, buckets[started].lastNode >= node { start(layout) }
        advance(layout, waits: false)
    }

    /// Waits until all processes have the gradients of the whole batch.
    func finish(_ layout: ShardLayout) {
        guard group.count > 1 else { return }
        while started < buckets.count { start(layout) }
        advance(layout, waits: true)
        for transfer in gatherings { group.wait(for: transfer) }
        gatherings.removeAll(keepingCapacity: true)
        (started, summed) = (0, 0)
    }

    /// Starts to exchange the next bucket's sums.
    private func start(_ layout: ShardLayout) {
        let bucket = buckets[started]
        started += 1
        let processes = group.count
        let bounds = bucket.slices(processes)
        let bytes = (0..<processes).map { (bounds[$0 + 1] - bounds[$0]) * MemoryLayout<Float>.stride }
        let length = bounds[group.rank + 1] - bounds[group.rank]
        let total = layout.sumCounts.reduce(0, +)
        let buffer = bucket.memory(total * length)
        // The sums of a process lie behind each other as its ranks' do, whichever round they come in.
        bucket.places = [Int](repeating: 0, count: total)
        var used = 0
        for round in 0..<(layout.sumCounts.max() ?? 0) {
            let sends = layout.ownSums > round
            let start = used
            for process in 0..<processes where layout.sumCounts[process] > round {
                bucket.places[layout.sumCounts[..<process].reduce(0, +) + round] = used
                used += length
            }
            bucket.exchanges.append(
                group.startExchange(
                    UnsafeRawBufferPointer(
                        start: whole(round).base + bucket.range.lowerBound, count: sends ? bytes.reduce(0, +) : 0),
                    counts: sends ? bytes : bytes.map { _ in 0 },
                    into: UnsafeMutableRawBufferPointer(
                        start: buffer.base + start, count: (used - start) * MemoryLayout<Float>.stride),
                    counts: layout.sumCounts.map { $0 > round ? bytes[group.rank] : 0 }))
        }
    }

    /// Sums the buckets that have arrived, and starts to send the sums to all.
    /// - Parameter waits: whether to wait for those that have not.
    private func advance(_ layout: ShardLayout, waits: Bool) {
        while summed < started {
            let bucket = buckets[summed]
            while let transfer = bucket.exchanges.last {
                guard waits || group.isOver(transfer) else { return }
                group.wait(for: transfer)
                bucket.exchanges.removeLast()
            }
            summed += 1
            let processes = group.count
            let bounds = bucket.slices(processes)
            let length = bounds[group.rank + 1] - bounds[group.rank]
            let buffer = bucket.memory(layout.sumCounts.reduce(0, +) * length)
            for merge in layout.merges {
                add(buffer.base + bucket.places[merge.from], to: buffer.base + bucket.places[merge.into], length)
            }
            let gradients = whole(0).base
            (gradients + bounds[group.rank]).update(from: buffer.base + bucket.places[0], count: length)
            gatherings.append(
                group.startGather(
                    UnsafeMutableRawBufferPointer(
                        start: gradients + bucket.range.lowerBound,
                        count: bucket.range.count * MemoryLayout<Float>.stride),
                    counts: (0..<processes).map { (bounds[$0 + 1] - bounds[$0]) * MemoryLayout<Float>.stride }))
        }
    }
}

/// A range of the gradients, which is exchanged while the nodes before it still run backward.
private final class GradientBucket {
    let range: Range<Int>
    /// The position of the node whose backward pass completes the gradients.
    let lastNode: Int
    /// The exchanges that have not been seen to end.
    var exchanges: [Transfer] = []
    /// Where each sum lies in the memory.
    var places: [Int] = []
    private var arena: FloatArena?

    private init(_ range: Range<Int>, lastNode: Int) { (self.range, self.lastNode) = (range, lastNode) }

    /// Cuts the gradients into buckets, in the order in which backward passes complete them.
    static func cover(_ count: Int, bucketSize size: Int, nodes: [[Range<Int>]]) -> [GradientBucket] {
        let number = max(1, (count + size / 2) / size)
        let bounds = (0...number).map { min(count, MemoryPlan.aligned($0 * count / number)) }
        let buckets = zip(bounds, bounds.dropFirst()).filter { $0 < $1 }.map { start, end in
            let last = nodes.firstIndex { slots in slots.contains { $0.overlaps(start..<end) } } ?? 0
            return GradientBucket(start..<end, lastNode: last)
        }
        return buckets.enumerated().sorted { ($0.element.lastNode, $0.offset) > ($1.element.lastNode, $1.offset) }
            .map(\.element)
    }

    /// Where the slices begin and end that the processes sum.
    func slices(_ processes: Int) -> [Int] {
        (0...processes).map {
            range.lowerBound + min(range.count, MemoryPlan.aligned($0 * range.count / processes))
        }
    }

    /// Memory for the sums that are received.
    func memory(_ count: Int) -> FloatArena {
        if let arena, arena.count >= count { return arena }
        let larger = FloatArena(count: count)
        arena = larger
        return larger
    }
}
