/// The places of a plan's tensors in one arena, and the conversions of values that wait for the backward pass.
final class PassMemory {
    let arena: FloatArena
    /// The places of each node's tensors in the forward pass and in the backward pass.
    let forward: [NodeMemory]
    let backward: [NodeMemory]
    /// Cast once, since a cast allocates.
    private let roundedInputKernels: [(any RoundedInputKernel)?]
    private let rounded: [[WaitingValue]]
    private let restored: [[WaitingValue]]

    /// Gives each node its places in the arenas.
    /// - Parameter other: where packed weights and working memory are, if not in the arena.
    init(
        _ plan: ExecutionPlan, arena: FloatArena, packed other: FloatArena? = nil, parameters: FloatArena,
        gradients: FloatArena, state: FloatArena
    ) {
        self.arena = arena
        let places = plan.activations
        roundedInputKernels = plan.kernels.map { $0 as? any RoundedInputKernel }
        rounded = places.rounded
        restored = places.restored
        let base = arena.base
        let slotByKey = Dictionary(plan.parameters.map { ($0.key, $0) }) { first, _ in first }
        let stateByKey = Dictionary(plan.state.map { ($0.key, $0.offset) }) { first, _ in first }
        forward = plan.graph.nodes.enumerated().map { index, node in
            let memory = NodeMemory(placeholder: base)
            memory.inputs = node.inputs.map { base + places.valueOffsets[$0.index] }
            memory.output = base + places.valueOffsets[index + 1]
            memory.roundedInput = places.roundedInputOffsets[index].map { base + $0 }
            memory.saved = base + places.savedOffsets[index]
            memory.packed = (other ?? arena).base + places.packedOffsets[index]
            memory.scratch = (other ?? arena).base + places.scratchOffsets[index].forward
            memory.outputGradient = base + places.gradientOffsets[index + 1]
            memory.parameters = node.parameters.compactMap { slotByKey[node.key($0.name)] }.map {
                parameters.base + $0.offset
            }
            memory.parameterGradients = node.parameters.compactMap { slotByKey[node.key($0.name)] }.map {
                $0.hasGradient ? gradients.base + $0.offset : nil
            }
            memory.state = node.state.compactMap { stateByKey[node.key($0.name)] }.map { state.base + $0 }
            return memory
        }
        // Backward passes run from the last node to the first; the first to write a gradient overwrites.
        var isWritten = [Bool](repeating: false, count: plan.graph.nodes.count + 1)
        for index in plan.graph.nodes.indices.reversed() {
            forward[index].inputGradients = plan.graph.nodes[index].inputs.map { input in
                guard places.runsBackward[index], places.needsGradient[input.index] else { return nil }
                defer { isWritten[input.index] = true }
                return GradientTarget(
                    pointer: base + places.gradientOffsets[input.index], accumulates: isWritten[input.index])
            }
        }
        backward = forward.enumerated().map { index, memory in
            let (inputs, output) = places.backwardOffsets[index]
            return memory.reading(
                inputs: inputs.map { base + $0 }, output: base + output,
                scratch: (other ?? arena).base + places.scratchOffsets[index].backward)
        }
    }

    /// Rounds the values whose last reader in the forward pass was a node.
    func round(after node: Int, batch: Int, threads: ThreadTeam) {
        for value in rounded[node] { value.round(in: arena.base, batch: batch, threads: threads) }
    }

    /// Restores the values whose first reader in the backward pass, or the first after a while, is a node.
    func restore(before node: Int, batch: Int, threads: ThreadTeam) {
        for value in restored[node] {
            if let repeated = value.repeatedNode, let kernel = roundedInputKernels[repeated] {
                kernel.repeatForward(
                    forward[repeated], batch: batch, rounded: arena.base + value.halves,
                    output: arena.base + value.floats, threads: threads)
            } else {
                value.restore(in: arena.base, batch: batch, threads: threads)
            }
        }
    }
}
