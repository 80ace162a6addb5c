/// The places of one node's tensors in the plan's arena, made once with the plan.
final class NodeMemory {
    var inputs: [UnsafeMutablePointer<Float>] = []
    var output: UnsafeMutablePointer<Float>
    /// Where a ``RoundedInputKernel`` rounds its first input to; nil if it need not.
    var roundedInput: UnsafeMutablePointer<Float>?
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

    /// The places for the backward pass, in which inputs, output and working memory lie elsewhere.
    func reading(
        inputs: [UnsafeMutablePointer<Float>], output: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>
    ) -> NodeMemory {
        let memory = NodeMemory(placeholder: output)
        memory.inputs = inputs
        memory.roundedInput = roundedInput
        memory.parameters = parameters
        memory.state = state
        memory.saved = saved
        memory.packed = packed
        memory.scratch = scratch
        memory.outputGradient = outputGradient
        memory.inputGradients = inputGradients
        memory.parameterGradients = parameterGradients
        return memory
    }
}

/// The destination of a gradient, and whether the gradient is added to its content.
public struct GradientTarget {
    /// The first element.
    public let pointer: UnsafeMutablePointer<Float>
    /// Whether another reader of the value has written its share already, so that this one must add to it.
    public let accumulates: Bool
}

/// The memory of ``Kernel/packWeights(_:)``; pointers are valid during the call only.
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
    /// Memory to write, `packedCount` floats.
    public var packed: UnsafeMutablePointer<Float> { memory.packed }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { memory.scratch }
}

/// The memory and settings of a forward pass; pointers are valid during the call only.
public struct ForwardPass {
    let memory: NodeMemory
    /// The number of examples in this run, at most the plan's capacity.
    public let batch: Int
    /// Training or inference.
    public let mode: Mode
    /// Whether training mode updates running statistics.
    public let updatesState: Bool
    /// The seed of this node in this step, for random operations; the backward pass has the same.
    public let seed: UInt64
    /// Runs parallel loops.
    public let threads: ThreadTeam
    /// The first example's position in the whole batch, of which this run may be a part.
    ///
    /// Random numbers have to depend on the seed and on the position in the whole batch.
    public var firstExample = 0
    /// Whether working memory is as this node's last pass of the same kind left it, over other examples of the same batch: what
    /// was prepared there from parameters alone can be used again.
    var reusesScratch = false

    /// The inputs, batch first: `[batch, ...input shape]`.
    public var inputs: [UnsafeMutablePointer<Float>] { memory.inputs }
    /// The output to write: `[batch, ...output shape]`.
    public var output: UnsafeMutablePointer<Float> { memory.output }
    /// The parameters in the engine's layout.
    public var parameters: [UnsafeMutablePointer<Float>] { memory.parameters }
    /// The state tensors.
    public var state: [UnsafeMutablePointer<Float>] { memory.state }
    /// Memory kept until the backward pass, `savedCount` floats.
    public var saved: UnsafeMutablePointer<Float> { memory.saved }
    /// The result of ``Kernel/packWeights(_:)``, `packedCount` floats.
    public var packed: UnsafeMutablePointer<Float> { memory.packed }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { memory.scratch }
}

/// The memory and settings of a backward pass; pointers are valid during the call only.
public struct BackwardPass {
    /// The forward pass; its inputs and output hold their values only if ``Kernel/backwardReads`` contains them.
    public let forward: ForwardPass

    /// The number of examples in this run.
    public var batch: Int { forward.batch }
    /// Runs parallel loops.
    public var threads: ThreadTeam { forward.threads }
    /// Working memory, `scratchCount` floats.
    public var scratch: UnsafeMutablePointer<Float> { forward.scratch }
    /// The loss's gradient with respect to the output.
    public var outputGradient: UnsafeMutablePointer<Float> { forward.memory.outputGradient }
    /// The destination of the gradient with respect to each input; nil where it is not needed.
    ///
    /// Write them in this order: if a value is an input twice, the second share is added to the first.
    public var inputGradients: [GradientTarget?] { forward.memory.inputGradients }
    /// The destination of the gradient with respect to each parameter, to be overwritten; nil where it is not needed.
    public var parameterGradients: [UnsafeMutablePointer<Float>?] { forward.memory.parameterGradients }
}
