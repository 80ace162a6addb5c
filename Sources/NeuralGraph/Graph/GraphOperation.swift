/// What a node computes. An operation is a value that knows shapes and parameters; the work itself is done by the
/// ``Kernel`` that it makes once batch size and shapes are known.
///
/// Conform a type of your own to add an operation from outside the package.
public protocol GraphOperation: Sendable {
    /// The operation's name in messages, such as `Convolution`.
    var kind: String { get }

    /// The shape of one example's output, given one example's inputs (channels last, no batch axis).
    /// - Throws: ``ShapeError`` naming `node` if the inputs do not fit.
    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape

    /// The parameters, in the order that the kernel finds them in.
    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification]

    /// The tensors that training updates without a gradient, in the order that the kernel finds them in.
    func state(for inputs: [TensorShape]) -> [StateSpecification]

    /// The work for one plan.
    func kernel(for request: KernelRequest) -> any Kernel
}

extension GraphOperation {
    /// No parameters.
    public func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] { [] }
    /// No state.
    public func state(for inputs: [TensorShape]) -> [StateSpecification] { [] }
}

/// What a plan asks a kernel for.
public struct KernelRequest: Sendable {
    /// The shapes of one example's inputs.
    public let inputs: [TensorShape]
    /// The shape of one example's output.
    public let output: TensorShape
    /// The largest batch that will be run.
    public let batchCapacity: Int
    /// How many workers may run a kernel's parallel loop; scratch memory may be cut among them.
    public let workers: Int
    /// Which algorithms may be used.
    public let algorithms: Algorithms
    /// Whether a backward pass may follow; without one, its working memory is not needed.
    public let runsBackward: Bool
    /// Whether it will compute gradients by this node's parameters. If not, they do not change from pass to pass, and
    /// ``Kernel/packWeights(_:)`` can do once what depends on them alone.
    public let wantsParameterGradients: Bool
}

/// Which algorithms a plan may pick.
public enum Algorithms: String, Sendable, CaseIterable {
    /// The fastest for each node and pass.
    case fast
    /// The universal ones alone (im2col and matrix products for convolution), for checking the others.
    case strict
}

/// Whether operations that differ between training and use behave as in the one or in the other.
public enum Mode: Sendable {
    /// Batch statistics in batch norm, dropout active, running statistics updated.
    case training
    /// Running statistics in batch norm, no dropout.
    case inference
}

/// Which of its forward pass's tensors a kernel reads again in its backward pass; the plan keeps those alive.
public struct BackwardReads: OptionSet, Sendable {
    /// The bit set.
    public let rawValue: Int
    /// Creates a set from its bits.
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// The inputs.
    public static let inputs = BackwardReads(rawValue: 1)
    /// The output.
    public static let output = BackwardReads(rawValue: 2)
}

/// The work of one node in one plan: two passes over memory that the plan owns. A kernel allocates nothing in its
/// passes, and cuts its parallel loops by problem size, never by worker count, so that results do not depend on it.
public protocol Kernel: Sendable {
    /// What ``backward(_:)`` reads again.
    var backwardReads: BackwardReads { get }
    /// Floats kept from the forward to the backward pass, for a full batch.
    var savedCount: Int { get }
    /// Floats that ``packWeights(_:)`` writes and that stay until it is called again.
    var packedCount: Int { get }
    /// Floats of working memory during one pass, for a full batch and all workers together.
    var scratchCount: Int { get }
    /// Whether the output may share the first input's memory, and its gradient likewise.
    var worksInPlace: Bool { get }
    /// How the work is done, for people who ask what a plan picked, such as `im2col`.
    var algorithm: String { get }

    /// Computes what depends on parameters and state alone. Called before the first pass and after the executor has got
    /// other numbers, if `packedCount` is above 0.
    func packWeights(_ pass: PackingPass)

    /// Computes `pass.output` from `pass.inputs`.
    func forward(_ pass: ForwardPass)

    /// Computes the gradients that are asked for from `pass.outputGradient`.
    func backward(_ pass: BackwardPass)
}

extension Kernel {
    /// Nothing is read again.
    public var backwardReads: BackwardReads { [] }
    /// Nothing is kept.
    public var savedCount: Int { 0 }
    /// No weights are packed.
    public var packedCount: Int { 0 }
    /// No weights are packed.
    public func packWeights(_ pass: PackingPass) {}
    /// No working memory.
    public var scratchCount: Int { 0 }
    /// Input and output are apart.
    public var worksInPlace: Bool { false }
    /// The plain way.
    public var algorithm: String { "direct" }
}
