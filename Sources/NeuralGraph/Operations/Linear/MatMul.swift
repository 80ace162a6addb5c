/// Products of two inputs' matrices: `[..., m, k]` and `[..., k, n]`, or `[..., n, k]` if transposed, to `[..., m, n]`.
///
/// The axes before the last two broadcast.
package struct MatMul: GraphOperation {
    /// Whether the second input's matrices are read transposed.
    package var transposesSecond: Bool

    /// Describes a product.
    package init(transposesSecond: Bool = false) {
        self.transposesSecond = transposesSecond
    }

    package var kind: String { "MatMul" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 2, inputs.allSatisfy({ $0.rank >= 2 && $0.checkedCount != nil }) else {
            throw ShapeError(node, "\(kind) takes two inputs of at least two axes that are not empty, not \(inputs)")
        }
        let (a, b) = (inputs[0].dimensions, inputs[1].dimensions)
        let (inner, columns) = transposesSecond ? (b[b.count - 1], b[b.count - 2]) : (b[b.count - 2], b[b.count - 1])
        guard a[a.count - 1] == inner,
            let leading = TensorShape(a.dropLast(2)).broadcast(with: TensorShape(b.dropLast(2)))
        else {
            throw ShapeError(
                node,
                "matrices of \(inputs[0]) and \(inputs[1])\(transposesSecond ? " transposed" : "") cannot be "
                    + "multiplied: inner lengths must be equal, and the axes before the last two equal or 1")
        }
        return try checked(TensorShape(leading.dimensions + [a[a.count - 2], columns]), node: node)
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        MatMulKernel(
            request.inputs[0], request.inputs[1], output: request.output, transposesSecond: transposesSecond,
            kernel: MatrixKernel(request.algorithms, request.precision))
    }
}

private struct MatMulKernel: Kernel {
    /// Where each product's factors start.
    private let starts: [(first: Int32, second: Int32)]
    private let rows: Int
    private let columns: Int
    private let inner: Int
    private let transposesSecond: Bool
    private let firstCount: Int
    private let secondCount: Int
    private let kernel: MatrixKernel

    init(_ first: TensorShape, _ second: TensorShape, output: TensorShape, transposesSecond: Bool, kernel: MatrixKernel)
    {
        self.kernel = kernel
        let leading = Array(output.dimensions.dropLast(2))
        func starts(_ shape: TensorShape) -> [Int] {
            let lengths = TensorShape(shape.dimensions.dropLast(2)).padded(to: leading.count)
            var stride = shape.dimensions.suffix(2).reduce(1, *)
            var steps = [Int](repeating: 0, count: leading.count)
            for axis in leading.indices.reversed() where lengths[axis] > 1 {
                steps[axis] = stride
                stride *= lengths[axis]
            }
            return zip(leading, steps).reduce([0]) { starts, axis in
                starts.flatMap { start in (0..<axis.0).map { start + $0 * axis.1 } }
            }
        }
        self.starts = zip(starts(first), starts(second)).map { (Int32($0), Int32($1)) }
        rows = output[output.rank - 2]
        columns = output[output.rank - 1]
        inner = first[first.rank - 1]
        self.transposesSecond = transposesSecond
        firstCount = first.count
        secondCount = second.count
    }

    var backwardReads: BackwardReads { .inputs }
    var algorithm: String { "products" }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch * starts.count) { task, _ in
            let (example, index) = task.quotientAndRemainder(dividingBy: starts.count)
            let a = pass.inputs[0] + example * firstCount + Int(starts[index].first)
            let b = pass.inputs[1] + example * secondCount + Int(starts[index].second)
            // y [rows x columns] = a [rows x inner] · b [inner x columns]
            multiply(
                rows: rows, columns: columns, inner: inner, Matrix(a, rowStride: inner),
                Matrix(b, rowStride: transposesSecond ? inner : columns, transposed: transposesSecond),
                into: pass.output + task * rows * columns, rowStride: columns, accumulates: false, by: kernel)
        }
    }

    func backward(_ pass: BackwardPass) {
        if let target = pass.inputGradients[0] {
            forEachProduct(pass, target, count: firstCount, isRepeated: firstCount < starts.count * rows * inner) {
                example, index, accumulates in
                passFirst(
                    pass, example: example, index: index,
                    into: target.pointer + example * firstCount + Int(starts[index].first), accumulates: accumulates)
            }
        }
        if let target = pass.inputGradients[1] {
            forEachProduct(pass, target, count: secondCount, isRepeated: secondCount < starts.count * inner * columns) {
                example, index, accumulates in
                passSecond(
                    pass, example: example, index: index,
                    into: target.pointer + example * secondCount + Int(starts[index].second), accumulates: accumulates)
            }
        }
    }

    /// Calls `body` for each product: on any worker where each has a factor of its own, and in order on one worker an
    /// example where a factor is repeated, whose shares are added up.
    private func forEachProduct(
        _ pass: BackwardPass, _ target: GradientTarget, count: Int, isRepeated: Bool,
        _ body: (_ example: Int, _ index: Int, _ accumulates: Bool) -> Void
    ) {
        guard isRepeated else {
            pass.threads.forEach(pass.batch * starts.count) { task, _ in
                let (example, index) = task.quotientAndRemainder(dividingBy: starts.count)
                body(example, index, target.accumulates)
            }
            return
        }
        pass.threads.forEach(pass.batch) { example, _ in
            if !target.accumulates { (target.pointer + example * count).update(repeating: 0, count: count) }
            for index in starts.indices { body(example, index, true) }
        }
    }

    private func passFirst(
        _ pass: BackwardPass, example: Int, index: Int, into target: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        let dy = pass.outputGradient + (example * starts.count + index) * rows * columns
        let b = pass.forward.inputs[1] + example * secondCount + Int(starts[index].second)
        // da [rows x inner] = dy [rows x columns] · bᵀ [columns x inner]
        multiply(
            rows: rows, columns: inner, inner: columns, Matrix(dy, rowStride: columns),
            Matrix(b, rowStride: transposesSecond ? inner : columns, transposed: !transposesSecond),
            into: target, rowStride: inner, accumulates: accumulates, by: kernel)
    }

    private func passSecond(
        _ pass: BackwardPass, example: Int, index: Int, into target: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        let dy = pass.outputGradient + (example * starts.count + index) * rows * columns
        let a = pass.forward.inputs[0] + example * firstCount + Int(starts[index].first)
        if transposesSecond {
            // db [columns x inner] = dyᵀ [columns x rows] · a [rows x inner]
            multiply(
                rows: columns, columns: inner, inner: rows, Matrix(dy, rowStride: columns, transposed: true),
                Matrix(a, rowStride: inner), into: target, rowStride: inner, accumulates: accumulates, by: kernel)
        } else {
            // db [inner x columns] = aᵀ [inner x rows] · dy [rows x columns]
            multiply(
                rows: inner, columns: columns, inner: rows, Matrix(a, rowStride: inner, transposed: true),
                Matrix(dy, rowStride: columns), into: target, rowStride: columns, accumulates: accumulates, by: kernel)
        }
    }
}

extension GraphBuilder {
    /// Adds matrix products: `[..., m, k]` and `[..., k, n]` to `[..., m, n]`; the axes before the last two broadcast.
    /// - Parameters:
    ///   - first: the first input.
    ///   - second: the second input.
    ///   - name: the node's name.
    ///   - transposesSecond: whether the second input is `[..., n, k]`.
    public mutating func matMul(
        _ first: Graph.Value, _ second: Graph.Value, named name: String, transposesSecond: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        try add(MatMul(transposesSecond: transposesSecond), named: name, first, second)
    }
}
