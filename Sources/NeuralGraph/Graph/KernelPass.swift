/// The memory of one node: where its tensors live in the plan's arena. Made once, when a plan is made.
final class NodeMemory {
    var inputs: [UnsafeMutablePointer<Float>] = []
    var output: UnsafeMutablePointer<Float>
    var parameters: [UnsafeMutablePointer<Float>] = []
    var state: [UnsafeMutablePointer<Float>] = []
    var saved: UnsafeMutablePointer<Float>
    var packed: UnsafeMutablePointer<Float>
    var scratch: UnsafeMutablePointer<Float>
    var outputGradient: UnsafeMutablePointer<Float>
    var inputGradients: [GradientTarget?] = []
    var parameterGradients: [UnsafeMutablePointer<Float>?] = []

    init(placeholder: UnsafeMutablePointer<Float>) {
        output = placeholder
        saved = placeholder
        packed = placeholder
        scratch = placeholder
        outputGradient = placeholder
    }
}

/// Where a gradient goes, and whether it is added to what is there.
public struct GradientTarget {
    /// The first element.
    public let pointer: UnsafeMutablePointer<Float>
    /// Whether another consumer has written its share already, so that this one adds to it.
    public let accumulates: Bool
}

/// What a kernel packs its weights with. Pointers are valid during the call alone.
public struct PackingPass {
    let memory: NodeMemory
    /// Whether backward passes may follow.
    public let runsBackward: Bool
    /// Runs parallel loops.
    public let threads: ThreadTeam

    /// The parameters in the engine's layout.
    public var parameters: [UnsafeMutablePointer<Float>] { memory.parameters }
    /// The state tensors.
    public var state: [UnsafeMutablePointer<Float>] { memory.state }
    /// Memory to be written, `packedCount` floats.
    public var packed: UnsafeMutablePointer<Float> { memory.packed }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { memory.scratch }
}

/// What a kernel's forward pass works on. Pointers are valid during the call alone.
public struct ForwardPass {
    let memory: NodeMemory
    /// The number of examples in this run, at most the plan's capacity.
    public let batch: Int
    /// Training or inference.
    public let mode: Mode
    /// Whether training mode updates running statistics.
    public let updatesState: Bool
    /// A seed of this node in this step, for random operations; the backward pass sees the same.
    public let seed: UInt64
    /// Runs parallel loops.
    public let threads: ThreadTeam

    /// The inputs, batch first: `[batch, ...input shape]`.
    public var inputs: [UnsafeMutablePointer<Float>] { memory.inputs }
    /// The output to be written: `[batch, ...output shape]`.
    public var output: UnsafeMutablePointer<Float> { memory.output }
    /// The parameters in the engine's layout.
    public var parameters: [UnsafeMutablePointer<Float>] { memory.parameters }
    /// The state tensors.
    public var state: [UnsafeMutablePointer<Float>] { memory.state }
    /// Memory kept until the backward pass, `savedCount` floats.
    public var saved: UnsafeMutablePointer<Float> { memory.saved }
    /// What ``Kernel/packWeights(_:)`` has written, `packedCount` floats.
    public var packed: UnsafeMutablePointer<Float> { memory.packed }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { memory.scratch }
}

/// What a kernel's backward pass works on. Pointers are valid during the call alone.
public struct BackwardPass {
    /// What the forward pass saw. Inputs and output hold their values only if ``Kernel/backwardReads`` asks for them.
    public let forward: ForwardPass

    /// The number of examples in this run.
    public var batch: Int { forward.batch }
    /// Runs parallel loops.
    public var threads: ThreadTeam { forward.threads }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { forward.scratch }
    /// The loss's gradient by the output.
    public var outputGradient: UnsafeMutablePointer<Float> { forward.memory.outputGradient }
    /// Where the gradient by each input goes; nil where none is wanted. To be written in this order: of a value that is
    /// an input twice, the second share is added to the first.
    public var inputGradients: [GradientTarget?] { forward.memory.inputGradients }
    /// Where the gradient by each parameter goes, overwriting what is there; nil where none is wanted.
    public var parameterGradients: [UnsafeMutablePointer<Float>?] { forward.memory.parameterGradients }
}
