/// Runs a model's forward and backward passes for batches up to a capacity, in memory that is planned and allocated
/// once. A step allocates nothing.
///
/// An executor copies the model's numbers; train it and read them back with ``model()``. It works on the calling
/// thread and its ``ThreadTeam``, and must be used by one thread at a time.
public final class Executor {
    /// The largest batch.
    public let batchCapacity: Int
    /// What was asked for.
    public let request: GradientRequest
    /// The modes that passes may run in.
    public let modes: Set<Mode>
    /// Runs the parallel loops.
    public let threads: ThreadTeam
    /// The network as executed, with fused nodes.
    public let graph: Graph
    /// The parameters that have gradients come first in ``parameters``; this is how many floats they take.
    public let trainableCount: Int

    /// The name of the matrix product kernels that OpenBLAS picked for this machine.
    public let matrixKernels: String

    private let original: Model
    private let kernels: [any Kernel]
    private let memory: [NodeMemory]
    private let runsBackward: [Bool]
    private let slots: [ParameterSlot]
    private let arena: FloatArena
    private let parameterArena: FloatArena
    private let gradientArena: FloatArena
    private let stateArena: FloatArena
    private let stateSlots: [(key: String, offset: Int, shape: TensorShape)]
    private let inputOffset: Int
    private let outputOffset: Int
    private let inputGradientOffset: Int?
    private let outputGradientOffset: Int?
    private let keptValues: [String: (offset: Int, shape: TensorShape)]
    private var isPrepared = false
    private var lastPass: (batch: Int, mode: Mode, updatesState: Bool, seed: UInt64)?

    /// Where a parameter lives: trainable ones have the same offset among the gradients.
    private struct ParameterSlot {
        let key: String
        let specification: ParameterSpecification
        let offset: Int
        let isTrainable: Bool
    }

    /// Plans the passes and allocates their memory; the outputs of some nodes, given by their positions in the model's
    /// graph, stay readable after a forward pass.
    init(
        model: Model, batchCapacity: Int, computing request: GradientRequest, modes: Set<Mode>, threads: ThreadTeam,
        algorithms: Algorithms, keptNodes: Set<Int>
    ) {
        precondition(batchCapacity > 0, "a batch has at least one example")
        matrixKernels = OpenBLASRuntime.coreName
        let (graph, kept) = model.graph.executed(
            algorithms: algorithms, computing: request, modes: modes, keeping: keptNodes)
        let kernels = graph.kernels(
            batchCapacity: batchCapacity, computing: request, workers: threads.workers, algorithms: algorithms)
        let plan = ActivationPlan(
            graph: graph, kernels: kernels, capacity: batchCapacity, request: request, kept: Set(kept.values))
        let slots = Self.parameterSlots(graph, request: request, runsBackward: plan.runsBackward)
        let trainableCount = slots.filter(\.isTrainable).reduce(0) {
            $0 + MemoryPlan.aligned($1.specification.shape.count)
        }
        let parameterCount = slots.reduce(0) { $0 + MemoryPlan.aligned($1.specification.shape.count) }
        var stateSlots: [(key: String, offset: Int, shape: TensorShape)] = []
        var stateCount = 0
        for (key, specification) in graph.state {
            stateSlots.append((key, stateCount, specification.shape))
            stateCount += MemoryPlan.aligned(specification.shape.count)
        }

        self.original = model
        self.batchCapacity = batchCapacity
        self.request = request
        self.modes = modes
        self.threads = threads
        self.graph = graph
        self.kernels = kernels
        self.runsBackward = plan.runsBackward
        self.slots = slots
        self.stateSlots = stateSlots
        self.trainableCount = trainableCount
        arena = FloatArena(count: plan.count)
        parameterArena = FloatArena(count: parameterCount)
        gradientArena = FloatArena(count: trainableCount)
        stateArena = FloatArena(count: stateCount)
        inputOffset = plan.valueOffsets[0]
        outputOffset = plan.valueOffsets[graph.nodes.count]
        inputGradientOffset = plan.needsGradient[0] ? plan.gradientOffsets[0] : nil
        outputGradientOffset = plan.needsGradient[graph.nodes.count] ? plan.gradientOffsets[graph.nodes.count] : nil
        keptValues = kept.mapValues { (plan.valueOffsets[$0.index], graph.shape(of: $0)) }
        memory = Self.connect(
            graph: graph, plan: plan, slots: slots, stateSlots: stateSlots, arena: arena,
            parameters: parameterArena, gradients: gradientArena, state: stateArena)
        load(model)
    }

    // MARK: Memory

    /// The input of the next forward pass, `[batchCapacity, ...input shape]`; write before ``forward(batch:mode:updatesState:seed:)``.
    public var input: UnsafeMutableBufferPointer<Float> {
        buffer(arena, inputOffset, count: batchCapacity * graph.inputShape.count)
    }

    /// The result of the last forward pass, `[batchCapacity, ...output shape]`.
    public var output: UnsafeMutableBufferPointer<Float> {
        buffer(arena, outputOffset, count: batchCapacity * graph.outputShape.count)
    }

    /// The loss's gradient by the output, to be written between the passes. Empty if no gradient was asked for.
    public var outputGradient: UnsafeMutableBufferPointer<Float> {
        outputGradientOffset.map { buffer(arena, $0, count: batchCapacity * graph.outputShape.count) }
            ?? UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    /// The gradient by the input after a backward pass. Empty if it was not asked for.
    public var inputGradient: UnsafeMutableBufferPointer<Float> {
        inputGradientOffset.map { buffer(arena, $0, count: batchCapacity * graph.inputShape.count) }
            ?? UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    /// The output of a kept node, `[batchCapacity, ...node shape]`, after a forward pass; the passes after it go by this
    /// memory, so it is to be read alone.
    /// - Throws: ``GraphError/notKept(node:)`` unless the executor was made for keeping the node.
    public func value(of node: String) throws(GraphError) -> UnsafeBufferPointer<Float> {
        guard let value = keptValues[node] else { throw .notKept(node: node) }
        return UnsafeBufferPointer(buffer(arena, value.offset, count: batchCapacity * value.shape.count))
    }

    /// All parameters in the engine's order, trainable ones first.
    ///
    /// What depends on parameters alone is computed anew in the next forward pass: ask for them again before each change.
    public var parameters: UnsafeMutableBufferPointer<Float> {
        isPrepared = false
        return buffer(parameterArena, 0, count: parameterArena.count)
    }

    /// The gradients by the trainable parameters after a backward pass, in the order of ``parameters``.
    public var gradients: UnsafeMutableBufferPointer<Float> { buffer(gradientArena, 0, count: trainableCount) }

    /// Bytes that the plan holds: activations and gradients, parameters with gradients, and state.
    public var byteCount: Int {
        (arena.count + parameterArena.count + gradientArena.count + stateArena.count) * MemoryLayout<Float>.stride
    }

    // MARK: Passes

    /// Computes ``output`` from ``input``.
    /// - Parameters:
    ///   - batch: how many examples, at most the capacity.
    ///   - mode: training or inference.
    ///   - updatesState: whether training mode moves running statistics.
    ///   - seed: for random operations; a new one each step.
    public func forward(batch: Int, mode: Mode, updatesState: Bool = true, seed: UInt64 = 0) {
        precondition((1...batchCapacity).contains(batch), "batch \(batch) is not in 1...\(batchCapacity)")
        precondition(modes.contains(mode), "the executor was not made for \(mode)")
        packWeights()
        lastPass = (batch, mode, updatesState, seed)
        for index in kernels.indices {
            kernels[index].forward(
                ForwardPass(
                    memory: memory[index], batch: batch, mode: mode, updatesState: updatesState,
                    seed: Self.nodeSeed(seed, index), threads: threads))
        }
    }

    /// Computes what depends on parameters and state alone, if they may have changed.
    private func packWeights() {
        guard !isPrepared else { return }
        for index in kernels.indices where kernels[index].packedCount > 0 {
            kernels[index].packWeights(
                PackingPass(memory: memory[index], runsBackward: runsBackward[index], threads: threads))
        }
        isPrepared = true
    }

    /// Computes the gradients that were asked for from ``outputGradient``, for the last forward pass.
    public func backward() {
        guard let (batch, mode, updatesState, seed) = lastPass else {
            preconditionFailure("a backward pass follows a forward pass")
        }
        for index in kernels.indices.reversed() where runsBackward[index] {
            kernels[index].backward(
                BackwardPass(
                    forward: ForwardPass(
                        memory: memory[index], batch: batch, mode: mode, updatesState: updatesState,
                        seed: Self.nodeSeed(seed, index), threads: threads)))
        }
    }

    private static func nodeSeed(_ seed: UInt64, _ node: Int) -> UInt64 {
        (seed &* 0x9e37_79b9_7f4a_7c15) ^ (UInt64(node) &* 0xd1b5_4a32_d192_ed03)
    }

    // MARK: Numbers

    /// Copies a model's numbers in; it must have the graph that the executor was made for.
    public func load(_ model: Model) {
        isPrepared = false
        for slot in slots {
            guard let tensor = model.parameters[slot.key] else { continue }
            parameterArena.write(slot.specification.layout.stored(tensor), at: slot.offset)
        }
        for slot in stateSlots {
            guard let tensor = model.state[slot.key] else { continue }
            stateArena.write(tensor.elements, at: slot.offset)
        }
    }

    /// The model with the numbers as they are now.
    public func model() throws -> Model {
        var tensors: [String: Tensor] = [:]
        for slot in slots { tensors[slot.key] = try restored(slot, from: parameterArena) }
        for slot in stateSlots {
            tensors[slot.key] = try Tensor(
                stateArena.read(at: slot.offset, count: slot.shape.count), shape: slot.shape)
        }
        return try original.replacing(tensors)
    }

    /// The gradients after a backward pass by parameter name, in PyTorch's layouts.
    public func parameterGradients() throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for slot in slots where slot.isTrainable { tensors[slot.key] = try restored(slot, from: gradientArena) }
        return tensors
    }

    private func restored(_ slot: ParameterSlot, from arena: FloatArena) throws -> Tensor {
        let shape = slot.specification.shape
        return try slot.specification.layout.restored(arena.read(at: slot.offset, count: shape.count), shape: shape)
    }

    /// What the plan picked for each node, for people who ask.
    public var nodeDescriptions: [(name: String, operation: String, algorithm: String, output: TensorShape)] {
        zip(graph.nodes, kernels).map { ($0.name, $0.operation.kind, $1.algorithm, $0.shape) }
    }

    private func buffer(_ arena: FloatArena, _ offset: Int, count: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: arena.base + offset, count: count)
    }

    // MARK: Construction

    private static func parameterSlots(
        _ graph: Graph, request: GradientRequest, runsBackward: [Bool]
    ) -> [ParameterSlot] {
        var trainable: [(String, ParameterSpecification)] = []
        var fixed: [(String, ParameterSpecification)] = []
        for (index, node) in graph.nodes.enumerated() {
            for specification in node.parameters {
                let key = node.key(specification.name)
                if runsBackward[index], request.wants(specification, of: node) {
                    trainable.append((key, specification))
                } else {
                    fixed.append((key, specification))
                }
            }
        }
        var offset = 0
        return (trainable + fixed).enumerated().map { position, entry in
            defer { offset += MemoryPlan.aligned(entry.1.shape.count) }
            return ParameterSlot(
                key: entry.0, specification: entry.1, offset: offset, isTrainable: position < trainable.count)
        }
    }

    private static func connect(
        graph: Graph, plan: ActivationPlan, slots: [ParameterSlot],
        stateSlots: [(key: String, offset: Int, shape: TensorShape)], arena: FloatArena, parameters: FloatArena,
        gradients: FloatArena, state: FloatArena
    ) -> [NodeMemory] {
        let slotByKey = Dictionary(slots.map { ($0.key, $0) }) { first, _ in first }
        let stateByKey = Dictionary(stateSlots.map { ($0.key, $0.offset) }) { first, _ in first }
        let memory = graph.nodes.indices.map { index in
            let node = graph.nodes[index]
            let memory = NodeMemory(placeholder: arena.base)
            memory.inputs = node.inputs.map { arena.base + plan.valueOffsets[$0.index] }
            memory.output = arena.base + plan.valueOffsets[index + 1]
            memory.saved = arena.base + plan.savedOffsets[index]
            memory.packed = arena.base + plan.packedOffsets[index]
            memory.scratch = arena.base + plan.scratchOffset
            memory.outputGradient = arena.base + plan.gradientOffsets[index + 1]
            memory.parameters = node.parameters.compactMap { slotByKey[node.key($0.name)] }.map {
                parameters.base + $0.offset
            }
            memory.parameterGradients = node.parameters.compactMap { slotByKey[node.key($0.name)] }.map {
                $0.isTrainable ? gradients.base + $0.offset : nil
            }
            memory.state = node.state.compactMap { stateByKey[node.key($0.name)] }.map { state.base + $0 }
            return memory
        }
        // Backward passes run from the last node to the first; the first to write a gradient overwrites.
        var isWritten = [Bool](repeating: false, count: graph.nodes.count + 1)
        for index in graph.nodes.indices.reversed() {
            memory[index].inputGradients = graph.nodes[index].inputs.map { input in
                guard plan.runsBackward[index], plan.needsGradient[input.index] else { return nil }
                defer { isWritten[input.index] = true }
                return GradientTarget(
                    pointer: arena.base + plan.gradientOffsets[input.index],
                    accumulates: isWritten[input.index])
            }
        }
        return memory
    }
}

/// Zeroed, cache-line aligned floats.
final class FloatArena {
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Float>.stride,
            alignment: MemoryPlan.alignment * MemoryLayout<Float>.stride)
        base = raw.initializeMemory(as: Float.self, repeating: 0, count: max(1, count))
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }

    func write(_ values: [Float], at offset: Int) {
        values.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            (base + offset).update(from: start, count: source.count)
        }
    }

    func read(at offset: Int, count: Int) -> [Float] {
        [Float](UnsafeBufferPointer(start: base + offset, count: count))
    }
}
