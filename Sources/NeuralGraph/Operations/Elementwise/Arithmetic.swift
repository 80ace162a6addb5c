/// A function of two numbers.
public enum ArithmeticKind: String, Sendable, Hashable, CaseIterable {
    /// `a + b`
    case addition
    /// `a - b`
    case subtraction
    /// `a b`
    case multiplication
    /// `a / b`
    case division
    /// The larger one; equal ones get half the gradient each
    case maximum
    /// The smaller one; equal ones get half the gradient each
    case minimum
    /// `a` to the power of `b`
    case power

    /// Whether the derivatives are constants.
    var isLinear: Bool { self == .addition || self == .subtraction }
}

/// An elementwise combination of two inputs, whose shapes broadcast.
package struct Arithmetic: GraphOperation {
    /// The function.
    package var arithmetic: ArithmeticKind

    /// Describes a combination of two inputs.
    package init(_ kind: ArithmeticKind) {
        arithmetic = kind
    }

    package var kind: String { "Elementwise \(arithmetic.rawValue)" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 2, let shape = inputs[0].broadcast(with: inputs[1]) else {
            throw ShapeError(
                node, "\(kind) takes two inputs whose axes must be equal or 1, counted from the last, not \(inputs)")
        }
        return try checked(shape, node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        ArithmeticKernel(
            loop: BroadcastLoop(
                BroadcastFunction(arithmetic), request.inputs[0], request.inputs[1], output: request.output),
            isLinear: arithmetic.isLinear, keepsShape: request.inputs[0] == request.output, workers: request.workers)
    }
}

private struct ArithmeticKernel: Kernel {
    let loop: BroadcastLoop
    let isLinear: Bool
    let keepsShape: Bool
    let workers: Int

    var backwardReads: BackwardReads { isLinear ? [] : .inputs }
    var scratchCount: Int { workers * BroadcastLoop.rowCount }
    /// Only where the first input's gradient is the output's: another one would be overwritten before the second input's
    /// is computed from it.
    var worksInPlace: Bool { isLinear && keepsShape }

    func forward(_ pass: ForwardPass) {
        let (a, b) = (pass.inputs[0], pass.inputs[1])
        pass.threads.forEachChunk(of: pass.batch, floatsEach: loop.count) { examples in
            for example in examples {
                loop.forward(
                    a + example * loop.first.count, b + example * loop.second.count,
                    into: pass.output + example * loop.count)
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        let (a, b) = (pass.forward.inputs[0], pass.forward.inputs[1])
        for (side, target) in pass.inputGradients.enumerated() {
            guard let target else { continue }
            let count = side == 1 ? loop.second.count : loop.first.count
            pass.threads.forEach(pass.batch) { example, worker in
                loop.gradient(
                    bySecond: side == 1, a + example * loop.first.count, b + example * loop.second.count,
                    pass.outputGradient + example * loop.count, into: target.pointer + example * count,
                    accumulates: target.accumulates, row: pass.scratch + worker * BroadcastLoop.rowCount)
            }
        }
    }
}

extension GraphBuilder {
    /// Adds an elementwise combination of two values.
    ///
    /// The shapes broadcast: they are aligned at their last axes, where lengths must be equal or 1.
    public mutating func arithmetic(
        _ kind: ArithmeticKind, _ first: Graph.Value, _ second: Graph.Value, named name: String
    ) throws(ShapeError) -> Graph.Value {
        try add(Arithmetic(kind), named: name, first, second)
    }
}
