import NeuralGraph

/// The gradients of single operations, each from its definition.
extension Reference {
    /// The gradients of an operation with weights and a bias.
    struct WeightedGradients {
        var input: ReferenceTensor
        var weight: [Double]
        var bias: [Double]
    }

    /// Batch normalization by the batch's own statistics, through which the gradient goes too: with the normalized numbers
    /// `n` and means over a channel's `N` numbers, `dx = weight / sqrt(variance + epsilon) (dy - mean(dy) - n mean(dy n))`.
    /// - Parameter statistics: what was measured; that of `x` if nil.
    static func normalizationGradients(
        of dy: ReferenceTensor, _ x: ReferenceTensor, weight: [Double], epsilon: Double,
        statistics: BatchStatistics? = nil
    ) -> WeightedGradients {
        let statistics = statistics ?? batchStatistics(x)
        var result = normalizationGradients(
            of: dy, x, weight: weight, epsilon: epsilon, mean: statistics.mean, variance: statistics.biasedVariance)
        let channels = x.shape.channels
        let rows = Double(x.elements.count / channels)
        for index in x.elements.indices {
            let c = index % channels
            let scale = 1 / (statistics.biasedVariance[c] + epsilon).squareRoot()
            let normal = (x.elements[index] - statistics.mean[c]) * scale
            result.input.elements[index] -= weight[c] * scale * (result.bias[c] + normal * result.weight[c]) / rows
        }
        return result
    }

    /// Batch normalization by statistics that are constants.
    static func normalizationGradients(
        of dy: ReferenceTensor, _ x: ReferenceTensor, weight: [Double], epsilon: Double, mean: [Double],
        variance: [Double]
    ) -> WeightedGradients {
        let channels = x.shape.channels
        var result = WeightedGradients(
            input: dy, weight: [Double](repeating: 0, count: channels), bias: [Double](repeating: 0, count: channels))
        for index in x.elements.indices {
            let c = index % channels
            let scale = 1 / (variance[c] + epsilon).squareRoot()
            result.input.elements[index] *= weight[c] * scale
            result.weight[c] += dy.elements[index] * (x.elements[index] - mean[c]) * scale
            result.bias[c] += dy.elements[index]
        }
        return result
    }

    static func linearGradients(
        of dy: ReferenceTensor, _ x: ReferenceTensor, weight: [Double], outputs: Int
    ) -> WeightedGradients {
        let inputs = x.shape.channels
        var result = WeightedGradients(
            input: ReferenceTensor(batch: x.batch, shape: x.shape),
            weight: [Double](repeating: 0, count: weight.count), bias: [Double](repeating: 0, count: outputs))
        for row in 0..<x.elements.count / inputs {
            for o in 0..<outputs {
                let slope = dy.elements[row * outputs + o]
                result.bias[o] += slope
                for i in 0..<inputs {
                    result.input.elements[row * inputs + i] += slope * weight[o * inputs + i]
                    result.weight[o * inputs + i] += slope * x.elements[row * inputs + i]
                }
            }
        }
        return result
    }

    /// A ReLU whose units are on given sides of their kinks.
    static func relu(
        _ x: ReferenceTensor, _ operation: ReLU, sides: [ReferenceGates.Side]
    ) -> ReferenceTensor {
        var y = x
        for (index, side) in sides.enumerated() where side != .between {
            y.elements[index] = side == .below ? 0 : Double(operation.ceiling)
        }
        return y
    }

    /// The gradient where a unit passes its input on, and 0 elsewhere.
    static func gated(_ dy: ReferenceTensor, by sides: [ReferenceGates.Side]) -> ReferenceTensor {
        ReferenceTensor(
            zip(dy.elements, sides).map { $1 == .between ? $0 : 0 }, batch: dy.batch, shape: dy.shape)
    }

    static func globalAverageGradient(of dy: ReferenceTensor, _ shape: TensorShape) -> ReferenceTensor {
        var dx = ReferenceTensor(batch: dy.batch, shape: shape)
        let (positions, channels) = (shape.positions, shape.channels)
        for index in dx.elements.indices {
            let example = index / (positions * channels)
            dx.elements[index] = dy.elements[example * channels + index % channels] / Double(positions)
        }
        return dx
    }

    /// Numbers in PyTorch's order, channels outermost, back in an image.
    static func unflattened(_ dy: ReferenceTensor, to shape: TensorShape) -> ReferenceTensor {
        var dx = ReferenceTensor(batch: dy.batch, shape: shape)
        let (positions, channels) = (shape.positions, shape.channels)
        for index in dx.elements.indices {
            let (example, place) = (index / shape.count, index % shape.count)
            let (position, channel) = (place / channels, place % channels)
            dx.elements[index] = dy.elements[example * shape.count + channel * positions + position]
        }
        return dx
    }
}
