import CNeuralKernels

/// Runs a model's forward and backward passes, in memory that is planned and allocated once.
///
/// A step allocates nothing. An executor copies the model's numbers; train it and read them back with ``model()``. It works on the calling
/// thread and its ``ThreadTeam``, and must be used by one thread at a time.
public final class Executor {
    /// The largest batch.
    public let batchCapacity: Int
    /// The gradients that it computes.
    package let request: GradientRequest
    /// The modes that passes may run in.
    package let modes: Set<Mode>
    /// Runs the parallel loops.
    public let threads: ThreadTeam
    /// The network as executed, with fused nodes.
    public let graph: Graph
    /// The floats that the parameters with gradients take, which come first in ``parameters``.
    public var trainableCount: Int { plan.trainableCount }

    /// The name of the kernels of matrix products on this machine.
    ///
    /// These are OpenBLAS's, such as `SkylakeX`, or the engine's own for bfloat16: `portable`, `avx2`, `avx512`, `avx512bf16`
    /// or `amx`.
    public let matrixKernels: String

    private let original: Model
    private let plan: ExecutionPlan
    private let kernels: [any Kernel]
    private let memory: PassMemory
    private let runsBackward: [Bool]
    private let arena: FloatArena
    private let parameterArena: FloatArena
    private let gradientArena: FloatArena
    private let stateArena: FloatArena
    /// The passes over batches that are cut into shards; nil for batches as a whole.
    private let sharded: ShardedPasses?
    private var isPrepared = false
    private var lastPass: (batch: Int, mode: Mode, updatesState: Bool, seed: UInt64)?

    /// Plans the passes and allocates their memory.
    /// - Parameters:
    ///   - model: the network and its numbers.
    ///   - batchCapacity: the largest batch; values below 1 count as 1.
    ///   - request: the gradients to compute.
    ///   - modes: the modes of the passes to come. For inference alone, batch norm becomes part of convolutions.
    ///   - threads: the threads to work with.
    ///   - algorithms: `.strict` uses the universal algorithms only.
    ///   - precision: what products' factors are rounded to.
    public convenience init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], threads: ThreadTeam = ThreadTeam(), algorithms: Algorithms = .fast,
        precision: Precision = .float32
    ) {
        self.init(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: algorithms, precision: precision, keptNodes: [])
    }

    /// Plans the passes such that the outputs of some nodes can be read by ``value(of:)`` after a forward pass.
    ///
    /// A kept node costs its memory and ends the fusion of the chain that it is in. The other parameters are those of
    /// ``init(model:batchCapacity:computing:modes:threads:algorithms:precision:)``.
    /// - Parameters:
    ///   - model: the model to run.
    ///   - batchCapacity: the largest batch.
    ///   - request: which gradients to compute.
    ///   - modes: the modes that passes will run in.
    ///   - threads: the threads to run on.
    ///   - algorithms: which algorithms may be used.
    ///   - precision: what products' factors are rounded to.
    ///   - nodes: names of nodes of the model, such as ``Graph/stages(limit:)``.
    /// - Throws: ``GraphError/unknownNode(name:known:)``.
    public convenience init(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], threads: ThreadTeam = ThreadTeam(), algorithms: Algorithms = .fast,
        precision: Precision = .float32,
        keeping nodes: Set<String>
    ) throws(GraphError) {
        self.init(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: algorithms, precision: precision, keptNodes: try model.graph.positions(of: nodes))
    }

    /// Plans the passes such that batches are cut into shards, which the processes of a group share.
    /// - Parameter sharding: the size of shards and the processes; nil computes batches as a whole.
    /// - Throws: ``GraphError/unknownNode(name:known:)``.
    package convenience init(
        model: Model, batchCapacity: Int, computing request: GradientRequest, modes: Set<Mode>, threads: ThreadTeam,
        algorithms: Algorithms, precision: Precision, keeping nodes: Set<String>, sharding: Sharding?
    ) throws(GraphError) {
        self.init(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: algorithms, precision: precision, keptNodes: try model.graph.positions(of: nodes),
            sharding: sharding)
    }

    private init(
        model: Model, batchCapacity: Int, computing request: GradientRequest, modes: Set<Mode>, threads: ThreadTeam,
        algorithms: Algorithms, precision: Precision, keptNodes: Set<Int>, sharding: Sharding? = nil
    ) {
        let blasKernels = OpenBLASRuntime.coreName
        matrixKernels = precision == .float32 ? blasKernels : String(cString: cnk_bfloat16_name())
        let capacity = max(1, batchCapacity)
        let plan = ExecutionPlan(
            model.graph, batchCapacity: min(capacity, sharding?.size ?? capacity), computing: request, modes: modes,
            workers: threads.workers, algorithms: algorithms, precision: precision, keptNodes: keptNodes)
        original = model
        self.batchCapacity = capacity
        self.request = request
        self.modes = modes
        self.threads = threads
        self.plan = plan
        graph = plan.graph
        kernels = plan.kernels
        runsBackward = plan.activations.runsBackward
        arena = FloatArena(count: plan.activations.count)
        parameterArena = FloatArena(count: plan.parameterCount)
        gradientArena = FloatArena(count: plan.trainableCount)
        stateArena = FloatArena(count: plan.stateCount)
        let memory = PassMemory(
            plan, arena: arena, parameters: parameterArena, gradients: gradientArena, state: stateArena)
        self.memory = memory
        if let sharding {
            let shards = ShardedPasses.shardsInMemory(sharding, capacity: capacity, request: request, modes: modes)
            let others = (1..<max(1, shards)).map { _ in FloatArena(count: plan.activations.count) }
            let (first, parameters, gradients, state) = (arena, parameterArena, gradientArena, stateArena)
            let connected = others.map { other in
                PassMemory(
                    plan, arena: other, packed: first, parameters: parameters, gradients: gradients, state: state)
            }
            sharded = ShardedPasses(
                plan, capacity: capacity, sharding: sharding, request: request, modes: modes,
                memory: [memory] + connected, gradients: gradients, threads: threads)
            byteCount =
                plan.byteCount
                + ShardedPasses.byteCount(
                    plan, capacity: capacity, sharding: sharding, request: request, modes: modes)
        } else {
            sharded = nil
            byteCount = plan.byteCount
        }
        load(model)
    }

    // MARK: Memory

    /// The input of the next forward pass, `[batchCapacity, ...input shape]`; write before ``forward(batch:mode:updatesState:seed:)``.
    public var input: UnsafeMutableBufferPointer<Float> {
        if let sharded { return buffer(sharded.input) }
        return buffer(of: .input, plan.activations.valueOffsets)
    }

    /// The result of the last forward pass, `[batchCapacity, ...output shape]`.
    public var output: UnsafeMutableBufferPointer<Float> {
        if let sharded { return buffer(sharded.output) }
        return buffer(of: .output(of: graph.nodes.count - 1), plan.activations.valueOffsets)
    }

    /// The loss's gradient with respect to the output; write it between the passes.
    ///
    /// Empty if the executor computes no gradients.
    public var outputGradient: UnsafeMutableBufferPointer<Float> {
        if let sharded { return buffer(sharded.outputGradient) }
        return gradientBuffer(of: .output(of: graph.nodes.count - 1))
    }

    /// The gradient with respect to the input after a backward pass; empty if the executor does not compute it.
    public var inputGradient: UnsafeMutableBufferPointer<Float> {
        if let sharded { return buffer(sharded.inputGradient) }
        return gradientBuffer(of: .input)
    }

    /// The output of a kept node, `[batchCapacity, ...node shape]`, after a forward pass.
    ///
    /// Read-only: later passes use this memory.
    /// - Throws: ``GraphError/notKept(node:)`` unless the executor was created to keep the node.
    public func value(of node: String) throws(GraphError) -> UnsafeBufferPointer<Float> {
        guard let value = plan.kept[node] else { throw .notKept(node: node) }
        if let sharded { return UnsafeBufferPointer(buffer(sharded.value(value))) }
        return UnsafeBufferPointer(buffer(of: value, plan.activations.valueOffsets))
    }

    /// All parameters in the engine's order, trainable ones first.
    ///
    /// Get this buffer again before each change: doing so makes the next forward pass recompute packed weights.
    public var parameters: UnsafeMutableBufferPointer<Float> {
        isPrepared = false
        return buffer(parameterArena, 0, count: parameterArena.count)
    }

    /// The trainable ones of ``parameters``, which come first and in the order of ``gradients``.
    package var trainableParameters: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: parameters[..<trainableCount])
    }

    /// The gradients with respect to the trainable parameters after a backward pass, in the order of ``parameters``.
    public var gradients: UnsafeMutableBufferPointer<Float> { buffer(gradientArena, 0, count: trainableCount) }

    /// Bytes that the plan holds: activations and gradients, parameters with gradients, and state.
    public let byteCount: Int

    // MARK: Passes

    /// Computes ``output`` from ``input``.
    /// - Parameters:
    ///   - batch: the number of examples, from 1 to the capacity.
    ///   - mode: training or inference, one of the modes that the executor was created for.
    ///   - updatesState: whether training mode updates running statistics.
    ///   - seed: the seed of random operations; pass another at each step.
    /// - Throws: ``GraphError`` if the batch or the mode is not one that the executor was created for.
    public func forward(
        batch: Int, mode: Mode, updatesState: Bool = true, seed: UInt64 = 0
    ) throws(GraphError) {
        guard (1...batchCapacity).contains(batch) else {
            throw .batchOutOfRange(batch, capacity: batchCapacity)
        }
        guard modes.contains(mode) else { throw .modeNotPlanned(mode) }
        packWeights()
        lastPass = (batch, mode, updatesState, seed)
        if let sharded { return sharded.forward(batch: batch, mode: mode, updatesState: updatesState, seed: seed) }
        for index in kernels.indices {
            kernels[index].forward(
                ForwardPass(
                    memory: memory.forward[index], batch: batch, mode: mode, updatesState: updatesState,
                    seed: Self.nodeSeed(seed, index), threads: threads))
            memory.round(after: index, batch: batch, threads: threads)
        }
    }

    /// Recomputes packed weights, if parameters or state may have changed.
    private func packWeights() {
        guard !isPrepared else { return }
        for index in kernels.indices where kernels[index].packedCount > 0 {
            kernels[index].packWeights(
                PackingPass(memory: memory.forward[index], runsBackward: runsBackward[index], threads: threads))
        }
        isPrepared = true
    }

    /// Computes the gradients from ``outputGradient``, for the last forward pass.
    /// - Throws: ``GraphError`` if no forward pass came before, or the executor computes no gradients.
    public func backward() throws(GraphError) {
        guard request.input || request.parameters else { throw .gradientsNotPlanned }
        guard let (batch, mode, updatesState, seed) = lastPass else { throw .backwardWithoutForward }
        if let sharded { return sharded.backward() }
        for index in kernels.indices.reversed() where runsBackward[index] {
            memory.restore(before: index, batch: batch, threads: threads)
            kernels[index].backward(
                BackwardPass(
                    forward: ForwardPass(
                        memory: memory.backward[index], batch: batch, mode: mode, updatesState: updatesState,
                        seed: Self.nodeSeed(seed, index), threads: threads)))
        }
    }

    static func nodeSeed(_ seed: UInt64, _ node: Int) -> UInt64 {
        (seed &* 0x9e37_79b9_7f4a_7c15) ^ (UInt64(node) &* 0xd1b5_4a32_d192_ed03)
    }

    // MARK: Numbers

    /// Copies a model's parameters and state in, such as those of another step of the same training.
    ///
    /// Tensors that the executor's own model lacks, or has in another shape, are ignored.
    public func load(_ model: Model) {
        isPrepared = false
        for slot in plan.parameters {
            guard let tensor = model.parameters[slot.key], tensor.shape == slot.specification.shape else { continue }
            parameterArena.write(slot.specification.layout.stored(tensor), at: slot.offset)
        }
        for slot in plan.state {
            guard let tensor = model.state[slot.key], tensor.shape == slot.shape else { continue }
            stateArena.write(tensor.elements, at: slot.offset)
        }
    }

    /// Returns the model with its current parameters and state.
    public func model() throws -> Model {
        var tensors: [String: Tensor] = [:]
        for slot in plan.parameters { tensors[slot.key] = try restored(slot, from: parameterArena) }
        for slot in plan.state {
            tensors[slot.key] = try Tensor(
                stateArena.read(at: slot.offset, count: slot.shape.count), shape: slot.shape)
        }
        return try original.replacing(tensors)
    }

    /// Returns the gradients after a backward pass by parameter name, in PyTorch's layouts.
    public func parameterGradients() throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for slot in plan.parameters where slot.hasGradient {
            tensors[slot.key] = try restored(slot, from: gradientArena)
        }
        return tensors
    }

    private func restored(_ slot: ExecutionPlan.ParameterSlot, from arena: FloatArena) throws -> Tensor {
        let shape = slot.specification.shape
        return try slot.specification.layout.restored(arena.read(at: slot.offset, count: shape.count), shape: shape)
    }

    /// The names of the algorithms that the plan picked, by node of ``graph``.
    ///
    /// A convolution with different ones for its three passes names them in a row: forward, input gradient, weight gradient.
    public var algorithms: [String] { kernels.map(\.algorithm) }

    /// The nodes as executed, with the algorithm that the plan picked for each.
    package var nodes: [ExecutionSummary.Node] { plan.nodes }

    private func buffer(of value: Graph.Value, _ offsets: [Int]) -> UnsafeMutableBufferPointer<Float> {
        buffer(arena, offsets[value.index], count: batchCapacity * graph.shape(of: value).count)
    }

    private func gradientBuffer(of value: Graph.Value) -> UnsafeMutableBufferPointer<Float> {
        plan.activations.needsGradient[value.index]
            ? buffer(of: value, plan.activations.gradientOffsets) : UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    private func buffer(_ arena: FloatArena?) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: arena?.base, count: arena?.count ?? 0)
    }

    private func buffer(_ arena: FloatArena, _ offset: Int, count: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: arena.base + offset, count: count)
    }
}
