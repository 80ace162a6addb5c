/// An algorithm that updates parameters along their gradients; its state is allocated once, when it is created.
public protocol Optimizer: AnyObject {
    /// The number of parameters that it was created for.
    var parameterCount: Int { get }

    /// Takes one step. Nothing is allocated, and the result does not depend on the number of workers.
    /// - Parameters:
    ///   - parameters: ``parameterCount`` numbers, changed in place.
    ///   - gradients: the loss's gradient by each parameter.
    ///   - learningRate: the step size.
    ///   - threads: runs the loop.
    /// - Throws: ``OptimizationError`` if there are more or fewer parameters or gradients than ``parameterCount``.
    func step(
        parameters: inout MutableSpan<Float>, gradients: Span<Float>, learningRate: Float, threads: ThreadTeam
    ) throws(OptimizationError)
}

/// What an optimizer keeps from step to step, as a checkpoint stores it.
package struct OptimizerSnapshot: Sendable, Equatable {
    /// The number of steps taken.
    package var steps: Int
    /// The vectors in the optimizer's own order: Adam's two moments, or the velocity of gradient descent.
    package var vectors: [[Float]]

    /// Creates a snapshot.
    package init(steps: Int, vectors: [[Float]]) {
        self.steps = steps
        self.vectors = vectors
    }
}

/// An optimizer that goes on from a snapshot as if it had not been interrupted; all of the package's own do.
package protocol ResumableOptimizer: Optimizer {
    /// What the next step depends on besides parameters and gradients.
    var snapshot: OptimizerSnapshot { get }

    /// Goes on from a snapshot.
    /// - Returns: false, with nothing changed, if the snapshot is of another kind or number of parameters.
    func restore(_ snapshot: OptimizerSnapshot) -> Bool
}

/// An optimizer and its settings, with PyTorch's formulas and defaults.
public enum OptimizerConfiguration: Sendable, Codable, Hashable {
    /// Gradient descent, as `torch.optim.SGD` with dampening 0; weight decay is added to the gradient.
    ///
    /// `nesterov` looks ahead (Sutskever et al. 2013) and needs momentum.
    case sgd(momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0)
    /// Adam (Kingma and Ba 2015, algorithm 1), as `torch.optim.Adam`; weight decay is added to the gradient.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0)
    /// Adam with decoupled weight decay, as `torch.optim.AdamW` (Loshchilov and Hutter 2019, algorithm 2).
    case adamW(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01)

    /// Gradient descent without momentum.
    public static let sgd = OptimizerConfiguration.sgd()
    /// Adam with its paper's settings.
    public static let adam = OptimizerConfiguration.adam()
    /// AdamW with PyTorch's settings.
    public static let adamW = OptimizerConfiguration.adamW()

    /// Checks the settings.
    /// - Throws: ``OptimizationError`` naming the first that is out of range.
    package func validate() throws(OptimizationError) {
        switch self {
        case .sgd(let momentum, let nesterov, let weightDecay):
            try OptimizationError.check("momentum", momentum, isIn: 0..., "use 0 or more, usually 0.9")
            try Self.checkDecay(weightDecay)
            if nesterov, momentum == 0 {
                throw OptimizationError(
                    "nesterov", "needs momentum; set one above 0")
            }
        case .adam(let beta1, let beta2, let epsilon, let weightDecay),
            .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            try OptimizationError.check("beta1", beta1, isIn: 0..<1, "use 0 or more and less than 1")
            try OptimizationError.check("beta2", beta2, isIn: 0..<1, "use 0 or more and less than 1")
            try OptimizationError.check("epsilon", epsilon, isIn: 0..., "use 0 or more, usually 1e-8")
            try Self.checkDecay(weightDecay)
        }
    }

    /// Creates the optimizer for a number of parameters, at the start of a training.
    /// - Throws: ``OptimizationError`` if a setting is out of range, or the count is negative.
    public func makeOptimizer(parameterCount: Int) throws(OptimizationError) -> any Optimizer {
        try validate()
        guard parameterCount >= 0 else {
            throw OptimizationError(
                "parameter count", "\(parameterCount) is negative; use the vector's length")
        }
        switch self {
        case .sgd(let momentum, let nesterov, let weightDecay):
            return GradientDescent(
                parameterCount: parameterCount, momentum: momentum, nesterov: nesterov,
                weightDecay: weightDecay)
        case .adam(let beta1, let beta2, let epsilon, let weightDecay):
            return Adam(
                parameterCount: parameterCount, beta1: beta1, beta2: beta2, epsilon: epsilon,
                gradientDecay: weightDecay, parameterDecay: 0)
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            return Adam(
                parameterCount: parameterCount, beta1: beta1, beta2: beta2, epsilon: epsilon,
                gradientDecay: 0, parameterDecay: weightDecay)
        }
    }

    private static func checkDecay(_ value: Double) throws(OptimizationError) {
        try OptimizationError.check("weight decay", value, isIn: 0..., "use 0 or more")
    }
}

/// A vector that an optimizer keeps from step to step, zero at first.
struct OptimizerState: ~Copyable {
    private let arena: FloatArena
    private var count: Int { arena.count }

    init(count: Int) {
        arena = FloatArena(count: count)
    }

    var values: UnsafeMutablePointer<Float> { arena.base }

    /// A copy of the numbers.
    var copy: [Float] { [Float](UnsafeBufferPointer(start: values, count: count)) }

    /// Whether a list has as many numbers.
    func fits(_ list: [Float]) -> Bool { list.count == count }

    /// Takes the numbers of a list that fits.
    func take(_ list: [Float]) {
        for (index, value) in list.prefix(count).enumerated() { values[index] = value }
    }
}

/// An invalid setting or target of a loss, optimizer or schedule; the message names it, its value and the remedy.
public struct OptimizationError: DescribedError, Equatable {
    /// The setting's name, such as `momentum`.
    public let setting: String
    /// The problem and the remedy.
    public let message: String

    /// Creates an error about a setting.
    public init(_ setting: String, _ message: String) {
        self.setting = setting
        self.message = message
    }

    /// The setting and the message in one line.
    public var description: String { "\(setting): \(message)" }

    /// Throws unless a setting is finite and in a range.
    static func check(
        _ setting: String, _ value: Double, isIn range: some RangeExpression<Double>, _ remedy: String
    ) throws(OptimizationError) {
        guard value.isFinite, range.contains(value) else {
            throw OptimizationError(setting, "\(value) is out of range; \(remedy)")
        }
    }
}
