import Foundation

/// The logarithm of a softmax along one axis: `x_k - log sum_j exp(x_j)`, as PyTorch's `LogSoftmax`.
///
/// Unlike the logarithm of a softmax, it is finite for every finite input.
package struct LogSoftmax: AxisOperation {
    /// The axis; a negative one counts from the end.
    package var axis: Int

    /// Describes a logarithmic softmax, by default over the last axis.
    package init(axis: Int = -1) {
        self.axis = axis
    }

    package var kind: String { "LogSoftmax" }

    package func kernel(for request: KernelRequest) -> any Kernel {
        LogSoftmaxKernel(rows: rows(in: request.output))
    }
}

/// Sums are in Double.
private struct LogSoftmaxKernel: Kernel {
    let rows: AxisRows

    var backwardReads: BackwardReads { .output }
    var worksInPlace: Bool { true }

    func forward(_ pass: ForwardPass) {
        let (x, y) = (pass.inputs[0], pass.output)
        forEachRow(pass.threads, batch: pass.batch) { row in
            var largest = -Float.infinity
            for index in row where x[index] > largest { largest = x[index] }
            var sum = 0.0
            for index in row { sum += Double(exp(x[index] - largest)) }
            let logarithm = Float(log(sum))
            for index in row { y[index] = x[index] - largest - logarithm }
        }
    }

    /// `dx_k = dy_k - exp(y_k) sum_j dy_j`
    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let (y, dy) = (pass.forward.output, pass.outputGradient)
        forEachRow(pass.threads, batch: pass.batch) { row in
            var sum = 0.0
            for index in row { sum += Double(dy[index]) }
            for index in row {
                let gradient = dy[index] - exp(y[index]) * Float(sum)
                dx.pointer[index] = dx.accumulates ? dx.pointer[index] + gradient : gradient
            }
        }
    }

    private func forEachRow(_ threads: ThreadTeam, batch: Int, _ body: (StrideTo<Int>) -> Void) {
        let (length, inner) = (rows.length, rows.inner)
        threads.forEachChunk(of: batch * rows.outer * inner, floatsEach: length) { rows in
            for row in rows {
                let (block, offset) = row.quotientAndRemainder(dividingBy: inner)
                let start = block * length * inner + offset
                body(stride(from: start, to: start + length * inner, by: inner))
            }
        }
    }
}

extension GraphBuilder {
    /// Adds the logarithm of a softmax along an axis, by default the last: `x_k - log sum_j exp(x_j)`; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - axis: a negative one counts from the end.
    public mutating func logSoftmax(
        _ input: Graph.Value, named name: String, axis: Int = -1
    ) throws(ShapeError) -> Graph.Value {
        try add(LogSoftmax(axis: axis), named: name, input)
    }
}
