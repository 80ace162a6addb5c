/// The computation of a node: a value that knows shapes and parameters.
///
/// The ``Kernel`` that it makes does the work, once batch size and shapes are known. Conform your own type to add an
/// operation.
public protocol GraphOperation: Sendable {
    /// The operation's name in messages, such as `Convolution`.
    var kind: String { get }

    /// Returns the shape of one example's output for one example's inputs (channels last, no batch axis).
    /// - Throws: ``ShapeError`` naming `node` if the inputs do not fit.
    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape

    /// Returns the parameters, in the order in which the kernel gets them.
    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification]

    /// Returns the tensors that training updates without a gradient, in the order in which the kernel gets them.
    func state(for inputs: [TensorShape]) -> [StateSpecification]

    /// Makes the kernel for one plan.
    func kernel(for request: KernelRequest) -> any Kernel
}

extension GraphOperation {
    /// No parameters.
    public func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] { [] }
    /// No state.
    public func state(for inputs: [TensorShape]) -> [StateSpecification] { [] }
}

/// The shapes and settings of one plan, for which an operation makes a kernel.
public struct KernelRequest: Sendable {
    /// The shapes of one example's inputs.
    public let inputs: [TensorShape]
    /// The shape of one example's output.
    public let output: TensorShape
    /// The largest batch that will be run.
    public let batchCapacity: Int
    /// The number of workers that may run a kernel's parallel loop; scratch memory may be divided among them.
    public let workers: Int
    /// Which algorithms may be used.
    public let algorithms: Algorithms
    /// What products' factors are rounded to.
    public let precision: Precision
    /// Whether a backward pass may follow; without one, its working memory is not needed.
    public let runsBackward: Bool
    /// Whether gradients with respect to this node's parameters may be computed.
    ///
    /// If not, the parameters stay the same from pass to pass, and ``Kernel/packWeights(_:)`` can prepare them once.
    public let wantsParameterGradients: Bool
}

/// The algorithms that a plan may pick.
public enum Algorithms: String, Sendable, CaseIterable {
    /// The fastest for each node and pass.
    case fast
    /// The universal ones (im2col and matrix products for convolution), for checking the others.
    case strict
}

/// The precision of the factors of products, and of activations while they wait for the backward pass.
///
/// Products are those of convolutions, linear layers, attention and matrix products; they sum in 32-bit floats in either case.
/// Everything else is computed in 32-bit floats too: parameters, their updates, gradients, statistics, normalization,
/// softmax, losses, and convolutions of one kernel for each channel.
public enum Precision: String, Sendable, Codable, CaseIterable {
    /// 32-bit floats, as they are.
    case float32
    /// bfloat16: 8 of a float's 24 significant bits, and its range. Numbers are rounded to the nearest.
    ///
    /// A backward pass then finds its inputs and its output rounded, or computed from rounded numbers.
    case bfloat16
}

/// The behavior of operations that differ between training and inference.
public enum Mode: Sendable {
    /// Batch statistics in batch norm, dropout active, running statistics updated.
    case training
    /// Running statistics in batch norm, no dropout.
    case inference
}

/// The tensors that a kernel's backward pass reads again, which the plan keeps.
public struct BackwardReads: OptionSet, Sendable {
    /// The bit set.
    public let rawValue: Int
    /// Creates a set from its bits.
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// The inputs.
    public static let inputs = BackwardReads(rawValue: 1)
    /// The output.
    public static let output = BackwardReads(rawValue: 2)
    /// The first input alone.
    package static let firstInput = BackwardReads(rawValue: 4)
}

/// The forward and backward pass of one node, over memory that the plan owns.
///
/// Passes allocate nothing, and cut their parallel loops by problem size, never by worker count, so that results do not
/// depend on it.
public protocol Kernel: Sendable {
    /// The tensors that ``backward(_:)`` reads.
    var backwardReads: BackwardReads { get }
    /// Floats kept from the forward to the backward pass, for a full batch.
    var savedCount: Int { get }
    /// Floats that ``packWeights(_:)`` writes and that stay until its next call.
    var packedCount: Int { get }
    /// Floats of working memory during one pass, for a full batch and all workers together.
    var scratchCount: Int { get }
    /// Whether the output may share the first input's memory, and its gradient likewise.
    ///
    /// Both passes must then read each element before they write it: ``forward(_:)`` the input before the output,
    /// ``backward(_:)`` the output's gradient before the input's. Where the two have different sizes, they never share memory.
    var worksInPlace: Bool { get }
    /// The name of the algorithm for reports, such as `im2col`.
    var algorithm: String { get }

    /// Prepares data that depends only on parameters and state.
    ///
    /// Called before the first pass and after parameters or state have changed, if ``packedCount`` is above 0.
    func packWeights(_ pass: PackingPass)

    /// Computes `pass.output` from `pass.inputs`.
    func forward(_ pass: ForwardPass)

    /// Computes the requested gradients from `pass.outputGradient`.
    func backward(_ pass: BackwardPass)
}

extension Kernel {
    /// No tensors.
    public var backwardReads: BackwardReads { [] }
    /// Nothing is kept.
    public var savedCount: Int { 0 }
    /// No weights are packed.
    public var packedCount: Int { 0 }
    /// No weights are packed.
    public func packWeights(_ pass: PackingPass) {}
    /// No working memory.
    public var scratchCount: Int { 0 }
    /// Input and output have separate memory.
    public var worksInPlace: Bool { false }
    /// The default, `direct`.
    public var algorithm: String { "direct" }
}
