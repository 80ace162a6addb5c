import CNeuralKernels

/// An elementwise function of one number.
public enum PointwiseFunction: Sendable, Hashable {
    /// `1 / (1 + exp(-x))`
    case sigmoid
    /// `max(0, min(1, alpha x + beta))`
    case hardSigmoid(alpha: Float, beta: Float)
    /// `x max(0, min(6, x + 3)) / 6` (Howard et al. 2019)
    case hardSwish
    /// `x / (1 + exp(-x))`, also called swish
    case silu
    /// `x P(X < x)` for a standard normal X (Hendrycks and Gimpel 2016)
    case gelu
    /// GELU's approximation by a hyperbolic tangent, as in GPT-2
    case geluTanh
    /// The hyperbolic tangent
    case tanh
    /// The error function
    case erf
    /// `x` above 0, `slope x` elsewhere
    case leakyReLU(slope: Float)
    /// `x` above 0, `alpha (exp(x) - 1)` elsewhere
    case elu(alpha: Float)
    /// `log(1 + exp(x))`
    case softplus
    /// `exp(x)`
    case exponential
    /// `log(x)`
    case logarithm
    /// The square root
    case squareRoot
    /// `1 / x`
    case reciprocal
    /// `-x`
    case negation
    /// `|x|`
    case absolute
    /// `x` to a power
    case power(Float)
    /// `scale x + shift`
    case affine(scale: Float, shift: Float)
    /// `x` limited to a range
    case clamp(minimum: Float, maximum: Float)
}

/// A ``PointwiseFunction`` of each element of an input of any shape; at kinks the derivative is PyTorch's.
package struct Pointwise: GraphOperation {
    /// The function.
    package var function: PointwiseFunction

    /// Describes an elementwise function.
    package init(_ function: PointwiseFunction) {
        self.function = function
    }

    package var kind: String { function.name }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        if case .clamp(let minimum, let maximum) = function {
            guard minimum <= maximum else {
                throw ShapeError(node, "the minimum \(minimum) must not be above the maximum \(maximum)")
            }
        } else if !function.numbers.allSatisfy(\.isFinite) {
            throw ShapeError(node, "\(kind) takes finite numbers, not \(function.numbers)")
        }
        return input
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        PointwiseKernel(function: function.kernelFunction, count: request.output.count)
    }
}

private struct PointwiseKernel: Kernel {
    let function: cnk_function
    let count: Int

    /// The derivatives of these are constants.
    private var isLinear: Bool { function.kind == Int32(CNK_AFFINE) || function.kind == Int32(CNK_NEGATION) }
    var backwardReads: BackwardReads { isLinear ? [] : .inputs }
    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_pointwise(
                pass.inputs[0] + part.lowerBound, pass.output + part.lowerBound, part.count, function)
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEachChunk(of: pass.batch * count, floatsEach: 1) { part in
            cnk_pointwise_backward(
                pass.forward.inputs[0] + part.lowerBound, pass.outputGradient + part.lowerBound,
                dx.pointer + part.lowerBound, part.count, function, dx.accumulates ? 1 : 0)
        }
    }
}

extension PointwiseFunction {
    /// The operation's name.
    fileprivate var name: String {
        switch self {
        case .sigmoid: "Sigmoid"
        case .hardSigmoid: "HardSigmoid"
        case .hardSwish: "HardSwish"
        case .silu: "SiLU"
        case .gelu: "GELU"
        case .geluTanh: "GELU (tanh)"
        case .tanh: "Tanh"
        case .erf: "Erf"
        case .leakyReLU: "LeakyReLU"
        case .elu: "ELU"
        case .softplus: "Softplus"
        case .exponential: "Exponential"
        case .logarithm: "Logarithm"
        case .squareRoot: "SquareRoot"
        case .reciprocal: "Reciprocal"
        case .negation: "Negation"
        case .absolute: "Absolute"
        case .power: "Power"
        case .affine: "Affine"
        case .clamp: "Clamp"
        }
    }

    /// The function's settings.
    fileprivate var numbers: [Float] {
        switch self {
        case .hardSigmoid(let alpha, let beta): [alpha, beta]
        case .leakyReLU(let slope): [slope]
        case .elu(let alpha): [alpha]
        case .power(let exponent): [exponent]
        case .affine(let scale, let shift): [scale, shift]
        case .clamp(let minimum, let maximum): [minimum, maximum]
        default: []
        }
    }

    private var number: Int {
        switch self {
        case .sigmoid: CNK_SIGMOID
        case .hardSigmoid: CNK_HARD_SIGMOID
        case .hardSwish: CNK_HARD_SWISH
        case .silu: CNK_SILU
        case .gelu: CNK_GELU
        case .geluTanh: CNK_GELU_TANH
        case .tanh: CNK_TANH
        case .erf: CNK_ERF
        case .leakyReLU: CNK_LEAKY_RELU
        case .elu: CNK_ELU
        case .softplus: CNK_SOFTPLUS
        case .exponential: CNK_EXP
        case .logarithm: CNK_LOG
        case .squareRoot: CNK_SQRT
        case .reciprocal: CNK_RECIPROCAL
        case .negation: CNK_NEGATION
        case .absolute: CNK_ABSOLUTE
        case .power: CNK_POWER
        case .affine: CNK_AFFINE
        case .clamp: CNK_CLAMP
        }
    }

    fileprivate var kernelFunction: cnk_function {
        let numbers = numbers
        return cnk_function(
            kind: Int32(number), a: numbers.first ?? 0, b: numbers.count > 1 ? numbers[1] : 0)
    }
}

extension GraphBuilder {
    /// Adds a ``PointwiseFunction`` of each element; the shape stays. At kinks the derivative is PyTorch's.
    public mutating func pointwise(
        _ input: Graph.Value, named name: String, _ function: PointwiseFunction
    ) throws(ShapeError) -> Graph.Value {
        try add(Pointwise(function), named: name, input)
    }
}
