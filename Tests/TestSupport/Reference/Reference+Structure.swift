import NeuralGraph

extension Reference {
    /// An image as a vector in PyTorch's order, channels outermost.
    package static func flatten(_ x: ReferenceTensor) -> ReferenceTensor {
        let (positions, channels) = (x.shape.positions, x.shape.channels)
        var elements: [Double] = []
        for n in 0..<x.batch {
            for c in 0..<channels {
                for p in 0..<positions { elements.append(x.elements[(n * positions + p) * channels + c]) }
            }
        }
        return ReferenceTensor(elements, batch: x.batch, shape: [positions * channels])
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
}
