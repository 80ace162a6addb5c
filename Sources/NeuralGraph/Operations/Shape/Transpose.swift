import CNeuralKernels

/// The axes in another order: axis `k` of the output is axis `axes[k]` of the input; the batch stays outermost.
package struct Transpose: GraphOperation {
    /// Each of the input's axes once; negative ones count from the end.
    package var axes: [Int]

    /// Describes an order of axes.
    package init(axes: [Int]) {
        self.axes = axes
    }

    package var kind: String { "Transpose" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node)
        let order = Self.counted(axes, rank: input.rank)
        guard order.sorted() == Array(0..<input.rank) else {
            throw ShapeError(node, "\(axes) does not name each of the \(input.rank) axes of \(input) once")
        }
        return TensorShape(order.map { input[$0] })
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        TransposeKernel(
            order: Self.counted(axes, rank: request.inputs[0].rank), input: request.inputs[0], output: request.output)
    }

    private static func counted(_ axes: [Int], rank: Int) -> [Int] { axes.map { $0 < 0 ? $0 + rank : $0 } }
}

/// Runs of numbers that stay side by side are copied from table entries; the gradient goes the same way back.
private struct TransposeKernel: Kernel {
    /// Where each run of the output starts in the input.
    let sources: [Int32]
    /// Numbers of a run, and how far apart they lie in the input.
    let run: Int
    let step: Int
    let count: Int

    init(order: [Int], input: TensorShape, output: TensorShape) {
        let strides = input.strides
        // Axes that are neighbors in both orders are one.
        var axes: [(length: Int, step: Int)] = []
        for axis in order where input[axis] > 1 {
            if let last = axes.last, last.step == input[axis] * strides[axis] {
                axes[axes.count - 1] = (last.length * input[axis], strides[axis])
            } else {
                axes.append((input[axis], strides[axis]))
            }
        }
        let inner = axes.popLast() ?? (1, 1)
        var sources = [0]
        for axis in axes { sources = sources.flatMap { start in (0..<axis.length).map { start + $0 * axis.step } } }
        self.sources = sources.map(Int32.init)
        run = inner.length
        step = inner.step
        count = output.count
    }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEachChunk(of: pass.batch, floatsEach: count) { examples in
            for example in examples {
                var target = pass.output + example * count
                let source = pass.inputs[0] + example * count
                for start in sources {
                    let from = source + Int(start)
                    if step == 1 {
                        target.update(from: from, count: run)
                    } else {
                        for index in 0..<run { target[index] = from[index * step] }
                    }
                    target += run
                }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEachChunk(of: pass.batch, floatsEach: count) { examples in
            for example in examples {
                var source = pass.outputGradient + example * count
                for start in sources {
                    put(source, to: dx.pointer + example * count + Int(start), accumulates: dx.accumulates)
                    source += run
                }
            }
        }
    }

    @inline(__always)
    private func put(
        _ source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        switch (accumulates, step == 1) {
        case (true, true): cnk_add_scaled(source, target, run, 1)
        case (false, true): target.update(from: source, count: run)
        case (true, false): for index in 0..<run { target[index * step] += source[index] }
        case (false, false): for index in 0..<run { target[index * step] = source[index] }
        }
    }
}

extension GraphBuilder {
    /// Puts axes into another order: axis `k` of the result is axis `axes[k]` of the value; the batch stays outermost.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axes: each of the value's axes once; negative ones count from the end.
    public mutating func transpose(
        _ input: Graph.Value, named name: String, axes: [Int]
    ) throws(ShapeError) -> Graph.Value {
        try add(Transpose(axes: axes), named: name, input)
    }
}
