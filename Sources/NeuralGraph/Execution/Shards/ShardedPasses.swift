internal import CNeuralKernels

/// The passes of an ``Executor`` over a batch that is cut into shards of a fixed size.
///
/// Each process computes consecutive shards, node by node, each shard in memory of its own. What depends on the whole batch,
/// batch norm's sums and the parameters' gradients, is combined in the order of ``ShardLayout``, so that the bits do not
/// depend on the number of processes. Inputs and outputs are those of the whole batch, on every process.
final class ShardedPasses {
    /// What the passes of one step have in common.
    private struct Step {
        let layout: ShardLayout
        let mode: Mode
        let updatesState: Bool
        let seed: UInt64
    }

    /// The memory of the whole batch; nil where the executor has none.
    let input: FloatArena
    let output: FloatArena
    let outputGradient: FloatArena?
    let inputGradient: FloatArena?
    /// The outputs of kept nodes by the values' indices.
    private let keptValues: [(value: Graph.Value, arena: FloatArena)]
    /// Each shard's memory. The first is that of the weights' packed forms, too.
    private let memory: [PassMemory]

    private let plan: ExecutionPlan
    private let statistics: [(any BatchStatisticsKernel)?]
    private let twoPart: [(any TwoPartKernel)?]
    private let group: any ProcessGroup
    private let size: Int
    private let threads: ThreadTeam
    private let gradients: ShardGradients
    /// Whether shards run one after the other in the same memory, since nothing of them is needed again.
    private let isSequential: Bool
    private var step: Step?
    private var sums: [Double] = []
    private var allSums: [Double] = []

    /// - Parameters:
    ///   - plan: the plan for one shard.
    ///   - capacity: the largest batch.
    ///   - memory: the memory of this process's shards; see ``shardsInMemory(_:capacity:request:modes:)``.
    init(
        _ plan: ExecutionPlan, capacity: Int, sharding: Sharding, request: GradientRequest, modes: Set<Mode>,
        memory: [PassMemory], gradients: FloatArena, threads: ThreadTeam
    ) {
        self.plan = plan
        (group, size) = (sharding.group, sharding.size)
        (self.memory, self.threads) = (memory, threads)
        isSequential = Self.isSequential(request, modes)
        statistics = plan.kernels.map { $0 as? any BatchStatisticsKernel }
        twoPart = plan.kernels.map { $0 as? any TwoPartKernel }
        self.gradients = ShardGradients(plan, arena: gradients, sharding: sharding, threads: threads)
        let graph = plan.graph
        let outputs = capacity * graph.outputShape.count
        let needsGradient = plan.activations.needsGradient
        input = FloatArena(count: capacity * graph.inputShape.count)
        output = FloatArena(count: outputs)
        outputGradient = needsGradient[graph.nodes.count] ? FloatArena(count: outputs) : nil
        inputGradient = needsGradient[0] ? FloatArena(count: input.count) : nil
        // In an order that all processes have, since they gather one after the other.
        keptValues = plan.kept.values.sorted { $0.index < $1.index }.map {
            ($0, FloatArena(count: capacity * graph.shape(of: $0).count))
        }
    }

    /// Bytes that shards take besides those of the plan for one of them.
    static func byteCount(
        _ plan: ExecutionPlan, capacity: Int, sharding: Sharding, request: GradientRequest, modes: Set<Mode>
    ) -> Int {
        let shards = shardsInMemory(sharding, capacity: capacity, request: request, modes: modes)
        let (graph, needsGradient) = (plan.graph, plan.activations.needsGradient)
        let kept = plan.kept.values.reduce(0) { $0 + graph.shape(of: $1).count }
        let whole =
            graph.inputShape.count * (needsGradient[0] ? 2 : 1)
            + graph.outputShape.count * (needsGradient[graph.nodes.count] ? 2 : 1) + kept
        return ((shards - 1) * plan.activations.count + capacity * whole) * MemoryLayout<Float>.stride
    }

    /// The number of shards that a process computes in memory of their own.
    static func shardsInMemory(
        _ sharding: Sharding, capacity: Int, request: GradientRequest, modes: Set<Mode>
    ) -> Int {
        if isSequential(request, modes) { return 1 }
        let layout = ShardLayout(
            batch: capacity, size: sharding.size, rank: sharding.group.rank, processes: sharding.group.count)
        // A smaller batch may give this process one shard where the full one gives it none.
        return max(1, (layout.count + sharding.group.count - 1) / sharding.group.count)
    }

    private static func isSequential(_ request: GradientRequest, _ modes: Set<Mode>) -> Bool {
        modes == [.inference] && !request.input && !request.parameters
    }

    /// The output of a kept node for the whole batch.
    func value(_ value: Graph.Value) -> FloatArena? { keptValues.first { $0.value == value }?.arena }

    // MARK: Passes

    func forward(batch: Int, mode: Mode, updatesState: Bool, seed: UInt64) {
        let layout =
            if let last = step?.layout, last.batch == batch { last } else {
                ShardLayout(batch: batch, size: size, rank: group.rank, processes: group.count)
            }
        let step = Step(layout: layout, mode: mode, updatesState: updatesState, seed: seed)
        self.step = step
        if isSequential {
            for shard in layout.own {
                takeInput(of: shard, step)
                for node in plan.kernels.indices { plan.kernels[node].forward(pass(node, shard, step)) }
                giveOutputs(of: shard, step)
            }
        } else {
            for shard in layout.own { takeInput(of: shard, step) }
            for node in plan.kernels.indices {
                forward(node, step)
                for shard in layout.own {
                    memory[slot(shard, step)].round(after: node, batch: examples(of: shard, step), threads: threads)
                }
            }
            for shard in layout.own { giveOutputs(of: shard, step) }
        }
        gatherRows(output, plan.graph.outputShape.count, layout)
        for (value, arena) in keptValues { gatherRows(arena, plan.graph.shape(of: value).count, layout) }
    }

    private func forward(_ node: Int, _ step: Step) {
        guard let kernel = statistics[node], kernel.combinesExamples(in: step.mode) else {
            for shard in step.layout.own {
                plan.kernels[node].forward(pass(node, shard, step, reusesScratch: shard > step.layout.own.lowerBound))
            }
            return
        }
        total(kernel.forwardSumCount, step.layout, combine: kernel.combine) { shard, sums in
            kernel.measure(pass(node, shard, step), into: sums)
        } use: { sums in
            if step.updatesState { kernel.updateState(memory[0].forward[node].state, by: sums) }
            for shard in step.layout.own { kernel.forward(pass(node, shard, step), sums: sums) }
        }
    }

    /// Computes the gradients, for the last forward pass.
    func backward() {
        guard let step else { return }
        let layout = step.layout
        if let outputGradient {
            let (value, length) = (plan.graph.nodes.count, plan.graph.outputShape.count)
            for shard in layout.own {
                let rows = layout.examples(of: shard)
                (base(of: shard, step) + plan.activations.gradientOffsets[value]).update(
                    from: outputGradient.base + rows.lowerBound * length, count: rows.count * length)
            }
        }
        for node in plan.kernels.indices.reversed() where plan.activations.runsBackward[node] {
            for shard in layout.own {
                memory[slot(shard, step)].restore(before: node, batch: examples(of: shard, step), threads: threads)
            }
            backward(node, step)
            gradients.completed(node, layout)
        }
        gradients.finish(layout)
        guard let inputGradient else { return }
        let length = plan.graph.inputShape.count
        for shard in layout.own {
            giveRows(of: shard, plan.activations.gradientOffsets[0], to: inputGradient, length, step)
        }
        gatherRows(inputGradient, length, layout)
    }

    private func backward(_ node: Int, _ step: Step) {
        let layout = step.layout
        guard let kernel = statistics[node], kernel.combinesExamples(in: step.mode) else {
            let kernel = plan.kernels[node]
            let parts = twoPart[node]
            if let parts {
                for shard in layout.own {
                    let isNext = shard > layout.own.lowerBound
                    parts.backwardInputs(backwardPass(node, shard, step, reusesScratch: isNext))
                }
            }
            for (shard, entry) in zip(layout.own, layout.entries) {
                let pass = backwardPass(node, shard, step)
                gradients.place(node, of: pass.forward.memory, at: entry, layout)
                if let parts { parts.backwardParameters(pass) } else { kernel.backward(pass) }
                gradients.merge(node, after: entry, layout)
            }
            return
        }
        total(kernel.backwardSumCount, layout) { sums, others in
            for index in 0..<kernel.backwardSumCount { sums[index] += others[index] }
        } measure: { shard, sums in
            let entry = layout.entries[shard - layout.own.lowerBound]
            let pass = backwardPass(node, shard, step)
            gradients.place(node, of: pass.forward.memory, at: entry, layout)
            kernel.measureGradients(pass, into: sums)
            gradients.merge(node, after: entry, layout)
        } use: { sums in
            for shard in layout.own {
                kernel.backward(backwardPass(node, shard, step), sums: sums, examples: layout.batch)
            }
        }
    }

    private func pass(_ node: Int, _ shard: Int, _ step: Step, reusesScratch: Bool = false) -> ForwardPass {
        pass(over: memory[slot(shard, step)].forward[node], node, shard, step, reusesScratch: reusesScratch)
    }

    private func backwardPass(_ node: Int, _ shard: Int, _ step: Step, reusesScratch: Bool = false) -> BackwardPass {
        BackwardPass(
            forward: pass(
                over: memory[slot(shard, step)].backward[node], node, shard, step, reusesScratch: reusesScratch))
    }

    private func pass(
        over memory: NodeMemory, _ node: Int, _ shard: Int, _ step: Step, reusesScratch: Bool
    ) -> ForwardPass {
        let rows = step.layout.examples(of: shard)
        return ForwardPass(
            memory: memory, batch: rows.count, mode: step.mode, updatesState: step.updatesState,
            seed: Executor.nodeSeed(step.seed, node), threads: threads, firstExample: rows.lowerBound,
            reusesScratch: reusesScratch)
    }

    private func examples(of shard: Int, _ step: Step) -> Int { step.layout.examples(of: shard).count }

    private func base(of shard: Int, _ step: Step) -> UnsafeMutablePointer<Float> {
        memory[slot(shard, step)].arena.base
    }

    private func slot(_ shard: Int, _ step: Step) -> Int { isSequential ? 0 : shard - step.layout.own.lowerBound }

    // MARK: Sums over the batch

    /// Measures each shard, combines the sums of all shards on all processes, and hands them on.
    private func total(
        _ width: Int, _ layout: ShardLayout,
        combine: (UnsafeMutablePointer<Double>, UnsafePointer<Double>) -> Void,
        measure: (_ shard: Int, UnsafeMutablePointer<Double>) -> Void, use: (UnsafePointer<Double>) -> Void
    ) {
        Self.reserve(&sums, layout.height * width)
        sums.withUnsafeMutableBufferPointer { buffer in
            guard let stack = buffer.baseAddress else { return }
            for (shard, entry) in zip(layout.own, layout.entries) {
                measure(shard, stack + entry.level * width)
                for level in stride(from: entry.level, to: entry.level - entry.merges, by: -1) {
                    combine(stack + (level - 1) * width, stack + level * width)
                }
            }
            if group.count == 1 { use(stack) }
        }
        guard group.count > 1 else { return }
        Self.reserve(&allSums, layout.sumCounts.reduce(0, +) * width)
        allSums.withUnsafeMutableBufferPointer { buffer in
            guard let all = buffer.baseAddress else { return }
            let start = layout.sumCounts[..<group.rank].reduce(0, +) * width
            for index in 0..<layout.ownSums * width { all[start + index] = sums[index] }
            let bytes = layout.sumCounts.map { $0 * width * MemoryLayout<Double>.stride }
            group.gather(
                UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(all), count: bytes.reduce(0, +)),
                counts: bytes)
            for merge in layout.merges { combine(all + merge.into * width, all + merge.from * width) }
            use(all)
        }
    }

    private static func reserve(_ buffer: inout [Double], _ count: Int) {
        // A process without a shard in this batch takes part all the same.
        if buffer.count < max(1, count) { buffer = [Double](repeating: 0, count: max(1, count)) }
    }

    // MARK: Rows

    private func takeInput(of shard: Int, _ step: Step) {
        let rows = step.layout.examples(of: shard)
        let length = plan.graph.inputShape.count
        (base(of: shard, step) + plan.activations.valueOffsets[0]).update(
            from: input.base + rows.lowerBound * length, count: rows.count * length)
    }

    private func giveOutputs(of shard: Int, _ step: Step) {
        let offsets = plan.activations.valueOffsets
        giveRows(of: shard, offsets[plan.graph.nodes.count], to: output, plan.graph.outputShape.count, step)
        for (value, arena) in keptValues {
            giveRows(of: shard, offsets[value.index], to: arena, plan.graph.shape(of: value).count, step)
        }
    }

    private func giveRows(of shard: Int, _ offset: Int, to whole: FloatArena, _ length: Int, _ step: Step) {
        let rows = step.layout.examples(of: shard)
        (whole.base + rows.lowerBound * length).update(
            from: base(of: shard, step) + offset, count: rows.count * length)
    }

    /// Sends each process's rows to all.
    private func gatherRows(_ whole: FloatArena, _ length: Int, _ layout: ShardLayout) {
        guard group.count > 1 else { return }
        let bytes = layout.exampleCounts.map { $0 * length * MemoryLayout<Float>.stride }
        group.gather(UnsafeMutableRawBufferPointer(start: whole.base, count: bytes.reduce(0, +)), counts: bytes)
    }
}
