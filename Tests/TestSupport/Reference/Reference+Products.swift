import Foundation
package import NeuralGraph

extension Reference {
    /// `exp(x_k) / sum_j exp(x_j)` along an axis.
    package static func softmax(_ x: ReferenceTensor, axis: Int) -> ReferenceTensor {
        let axis = axis < 0 ? axis + x.shape.rank : axis
        var y = x
        y.fill { example, index in
            var other = index
            let values = (0..<x.shape[axis]).map { place in
                other[axis] = place
                return x.element(example, other)
            }
            let highest = values.max() ?? 0
            return exp(values[index[axis]] - highest) / values.reduce(0) { $0 + exp($1 - highest) }
        }
        return y
    }

    /// `x_k - log sum_j exp(x_j)` along an axis.
    package static func logSoftmax(_ x: ReferenceTensor, axis: Int) -> ReferenceTensor {
        softmax(x, axis: axis).map(log)
    }

    /// `y[row, o] = bias[o] + sum over i of x[row, i] weight[o, i]`.
    package static func linear(
        _ x: ReferenceTensor, weight: [Double], bias: [Double]?, outputs: Int
    ) -> ReferenceTensor {
        let inputs = x.shape.channels
        var y = ReferenceTensor(batch: x.batch, shape: TensorShape(x.shape.dimensions.dropLast() + [outputs]))
        for row in 0..<x.elements.count / inputs {
            for o in 0..<outputs {
                var sum = bias?[o] ?? 0
                for i in 0..<inputs { sum += x.elements[row * inputs + i] * weight[o * inputs + i] }
                y.elements[row * outputs + o] = sum
            }
        }
        return y
    }

    /// `y[..., i, j] = sum over k of a[..., i, k] b[..., k, j]`, or of `b[..., j, k]`.
    package static func matMul(
        _ a: ReferenceTensor, _ b: ReferenceTensor, transposesSecond: Bool
    ) -> ReferenceTensor {
        let rank = max(a.shape.rank, b.shape.rank)
        func lengths(_ shape: TensorShape) -> [Int] {
            [Int](repeating: 1, count: rank - shape.rank) + shape.dimensions
        }
        let (first, second) = (lengths(a.shape), lengths(b.shape))
        let leading = (0..<rank - 2).map { max(first[$0], second[$0]) }
        let inner = first[rank - 1]
        var y = ReferenceTensor(
            batch: a.batch,
            shape: TensorShape(leading + [first[rank - 2], transposesSecond ? second[rank - 2] : second[rank - 1]]))
        y.fill { example, index in
            func place(_ lengths: [Int], _ row: Int, _ column: Int) -> Int {
                var place = example
                for axis in 0..<rank - 2 { place = place * lengths[axis] + (lengths[axis] == 1 ? 0 : index[axis]) }
                return (place * lengths[rank - 2] + row) * lengths[rank - 1] + column
            }
            return (0..<inner).reduce(0) { sum, k in
                let factor = transposesSecond ? place(second, index[rank - 1], k) : place(second, k, index[rank - 1])
                return sum + a.elements[place(first, index[rank - 2], k)] * b.elements[factor]
            }
        }
        return y
    }

    /// `softmax(scale q kᵀ) v` of each head's columns.
    package static func attention(
        _ inputs: [ReferenceTensor], _ operation: ScaledDotProductAttention
    ) -> ReferenceTensor {
        var parts = inputs
        if inputs.count == 1 {
            let width = inputs[0].shape[1] / 3
            parts = (0..<3).map { slice(inputs[0], Slice(axis: 1, start: $0 * width, count: width)) }
        }
        let width = parts[0].shape[1] / operation.heads
        let scale = operation.scale.map(Double.init) ?? 1 / Double(width).squareRoot()
        let heads = (0..<operation.heads).map { head in
            let (q, k, v) = (0..<3).map {
                slice(parts[$0], Slice(axis: 1, start: head * width, count: width))
            }.triple
            let scores = matMul(q, k, transposesSecond: true).map { $0 * scale }
            return matMul(softmax(scores, axis: -1), v, transposesSecond: false)
        }
        return concat(heads, axis: 1)
    }
}

extension Array {
    fileprivate var triple: (Element, Element, Element) { (self[0], self[1], self[2]) }
}
