/// An elementwise combination of an input and a parameter, such as a position embedding, layer scale or constant.
///
/// The shapes broadcast. The parameter `weight` has the given shape; if it has more axes than the input, leading ones of
/// length 1 stand for the batch.
package struct ParametricArithmetic: GraphOperation {
    /// The function.
    package var arithmetic: ArithmeticKind
    /// The parameter's shape.
    package var shape: TensorShape
    /// The distribution of the parameter's first values.
    package var initializer: Initializer
    /// Whether the parameter is the first operand.
    package var parameterFirst: Bool
    /// Whether training updates the parameter.
    package var learns: Bool

    /// Describes a combination with a parameter.
    package init(
        _ kind: ArithmeticKind, shape: TensorShape, initializer: Initializer, parameterFirst: Bool = false,
        learns: Bool = true
    ) {
        arithmetic = kind
        self.shape = shape
        self.initializer = initializer
        self.parameterFirst = parameterFirst
        self.learns = learns
    }

    package var kind: String { "Parametric \(arithmetic.rawValue)" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        guard let result = shape.droppingBatch(beyond: input.rank).broadcast(with: input) else {
            throw ShapeError(
                node,
                "a parameter of shape \(shape) does not fit \(input): axes must be equal or 1, counted from the last")
        }
        return try checked(result, node: node)
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        [ParameterSpecification(name: "weight", shape: shape, initializer: initializer, isTrained: learns)]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let parameter = shape.droppingBatch(beyond: request.inputs[0].rank)
        return ParametricKernel(
            BroadcastFunction(arithmetic), input: request.inputs[0], parameter: parameter,
            parameterFirst: parameterFirst, isLinear: arithmetic.isLinear, request: request)
    }
}

extension TensorShape {
    /// The shape without those axes of length 1 in front that are more than a rank.
    fileprivate func droppingBatch(beyond rank: Int) -> TensorShape {
        var dimensions = dimensions[...]
        while dimensions.count > rank, dimensions.first == 1 { dimensions.removeFirst() }
        return TensorShape(Array(dimensions))
    }
}

/// The kernel of combinations with a parameter. The parameter's gradient is summed over shares of the batch, whose number
/// does not depend on the workers, and which are added in order.
struct ParametricKernel: Kernel {
    private let loop: BroadcastLoop
    private let parameterFirst: Bool
    private let isLinear: Bool
    private let keepsShape: Bool
    private let request: KernelRequest

    /// The largest number of shares of a batch, and of floats that all of them may take.
    private static let maximumShares = 16
    private static let maximumNumbers = 4 * 1024 * 1024

    init(
        _ function: BroadcastFunction, input: TensorShape, parameter: TensorShape, parameterFirst: Bool, isLinear: Bool,
        request: KernelRequest
    ) {
        loop = BroadcastLoop(
            function, parameterFirst ? parameter : input, parameterFirst ? input : parameter, output: request.output)
        self.parameterFirst = parameterFirst
        self.isLinear = isLinear
        keepsShape = input == request.output
        self.request = request
    }

    private var input: BroadcastLoop.Operand { parameterFirst ? loop.second : loop.first }
    private var parameter: BroadcastLoop.Operand { parameterFirst ? loop.first : loop.second }
    private var shareCount: Int { max(1, min(Self.maximumShares, Self.maximumNumbers / parameter.count)) }
    private var rowsCount: Int { request.workers * BroadcastLoop.rowCount }

    var backwardReads: BackwardReads { isLinear ? [] : .inputs }
    var scratchCount: Int {
        rowsCount + (request.wantsParameterGradients ? shareCount * parameter.count : 0)
    }
    var worksInPlace: Bool { keepsShape }

    func forward(_ pass: ForwardPass) {
        let (x, w) = (pass.inputs[0], pass.parameters[0])
        pass.threads.forEachChunk(of: pass.batch, floatsEach: loop.count) { examples in
            for example in examples {
                let x = x + example * input.count
                loop.forward(
                    parameterFirst ? w : x, parameterFirst ? x : w, into: pass.output + example * loop.count)
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        // The parameter's first: the input's gradient may be written over the output's.
        if let dw = pass.parameterGradients[0] { passParameter(pass, into: dw) }
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEach(pass.batch) { example, worker in
            gradient(
                pass, example: example, bySecond: parameterFirst,
                into: dx.pointer + example * input.count, accumulates: dx.accumulates, worker: worker)
        }
    }

    private func passParameter(_ pass: BackwardPass, into dw: UnsafeMutablePointer<Float>) {
        let sums = BlockedSums(
            rows: pass.batch, channels: parameter.count, blockRows: (pass.batch + shareCount - 1) / shareCount)
        let scratch = pass.scratch + rowsCount
        sums.forEachBlock(scratch, pass.threads) { examples, partial, worker in
            for example in examples {
                gradient(
                    pass, example: example, bySecond: !parameterFirst, into: partial,
                    accumulates: example > examples.lowerBound, worker: worker)
            }
        }
        pass.threads.forEachChunk(of: parameter.count, floatsEach: sums.blockCount) { part in
            for index in part { dw[index] = Float(sums.total(scratch, channel: index)) }
        }
    }

    private func gradient(
        _ pass: BackwardPass, example: Int, bySecond: Bool, into target: UnsafeMutablePointer<Float>,
        accumulates: Bool, worker: Int
    ) {
        let x = pass.forward.inputs[0] + example * input.count
        let w = pass.forward.parameters[0]
        loop.gradient(
            bySecond: bySecond, parameterFirst ? w : x, parameterFirst ? x : w,
            pass.outputGradient + example * loop.count, into: target, accumulates: accumulates,
            row: pass.scratch + worker * BroadcastLoop.rowCount)
    }
}

extension GraphBuilder {
    /// Adds an elementwise combination with a parameter `weight`, such as a position embedding; the shapes broadcast.
    /// - Parameters:
    ///   - kind: which function.
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - shape: the parameter's shape; leading axes of length 1 beyond the input's rank stand for the batch.
    ///   - initializer: the distribution of its first values.
    ///   - parameterFirst: whether the parameter is the first operand, as in `weight - x`.
    ///   - learns: whether training updates the parameter.
    package mutating func parametricArithmetic(
        _ kind: ArithmeticKind, _ input: Graph.Value, named name: String, shape: TensorShape, initializer: Initializer,
        parameterFirst: Bool = false, learns: Bool = true
    ) throws(ShapeError) -> Graph.Value {
        try add(
            ParametricArithmetic(
                kind, shape: shape, initializer: initializer, parameterFirst: parameterFirst, learns: learns),
            named: name, input)
    }
}
