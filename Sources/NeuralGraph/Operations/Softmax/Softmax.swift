import CNeuralKernels

/// Softmax along one axis: `softmax(x)_k = exp(x_k) / sum_j exp(x_j)`.
///
/// The largest number is subtracted first, so that no finite one overflows.
package struct Softmax: AxisOperation {
    /// The axis; a negative one counts from the end.
    package var axis: Int

    /// Describes a softmax, by default over the last axis.
    package init(axis: Int = -1) {
        self.axis = axis
    }

    package var kind: String { "Softmax" }

    package func kernel(for request: KernelRequest) -> any Kernel {
        SoftmaxKernel(rows: rows(in: request.output))
    }
}

private struct SoftmaxKernel: Kernel {
    let rows: AxisRows

    var backwardReads: BackwardReads { .output }
    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        let (length, inner) = (rows.length, rows.inner)
        let count = length * inner
        pass.threads.forEachChunk(of: pass.batch * rows.outer, floatsEach: count) { rows in
            let (x, y) = (pass.inputs[0], pass.output)
            if inner == 1 {
                cnk_softmax(x + rows.lowerBound * length, y + rows.lowerBound * length, rows.count, length, 1)
            } else {
                for row in rows { cnk_softmax_across(x + row * count, y + row * count, length, inner) }
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let (length, inner) = (rows.length, rows.inner)
        let count = length * inner
        let accumulates: Int32 = dx.accumulates ? 1 : 0
        pass.threads.forEachChunk(of: pass.batch * rows.outer, floatsEach: count) { rows in
            let offset = rows.lowerBound * count
            let (y, dy, dx) = (pass.forward.output + offset, pass.outputGradient + offset, dx.pointer + offset)
            if inner == 1 {
                cnk_softmax_backward(y, dy, dx, rows.count, length, 1, accumulates)
            } else {
                for row in 0..<rows.count {
                    cnk_softmax_across_backward(
                        y + row * count, dy + row * count, dx + row * count, length, inner, accumulates)
                }
            }
        }
    }
}

extension GraphBuilder {
    /// Adds a softmax along an axis, by default the last; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axis: a negative one counts from the end.
    public mutating func softmax(
        _ input: Graph.Value, named name: String, axis: Int = -1
    ) throws(ShapeError) -> Graph.Value {
        try add(Softmax(axis: axis), named: name, input)
    }
}

/// An operation along one axis of its only input, whose shape stays.
protocol AxisOperation: GraphOperation {
    /// The axis; a negative one counts from the end.
    var axis: Int { get }
}

extension AxisOperation {
    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let input = try onlyInput(inputs, node: node, minimumRank: 1)
        _ = try input.axis(axis, node: node)
        return input
    }

    /// How one example's numbers lie about the axis.
    func rows(in shape: TensorShape) -> AxisRows {
        let axis = axis < 0 ? axis + shape.rank : axis
        return AxisRows(
            outer: shape.dimensions[..<axis].reduce(1, *), length: shape[axis],
            inner: shape.dimensions[(axis + 1)...].reduce(1, *))
    }
}

/// Rows of `length` numbers that lie `inner` apart, in `outer` blocks for each example.
struct AxisRows {
    let outer: Int
    let length: Int
    let inner: Int
}
