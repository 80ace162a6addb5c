import NeuralGraph

extension Reference {
    /// What batch normalization in training mode measures, per channel.
    package struct BatchStatistics: Sendable {
        /// The mean.
        package var mean: [Double]
        /// The mean squared distance from it.
        package var biasedVariance: [Double]
        /// The same with one less in the denominator, which is what running statistics take up.
        package var unbiasedVariance: [Double]
    }

    /// Mean and variance over all axes but the last.
    package static func batchStatistics(_ x: ReferenceTensor) -> BatchStatistics {
        let channels = x.shape.channels
        let rows = x.elements.count / channels
        var mean = [Double](repeating: 0, count: channels)
        for (index, value) in x.elements.enumerated() { mean[index % channels] += value / Double(rows) }
        var squares = [Double](repeating: 0, count: channels)
        for (index, value) in x.elements.enumerated() {
            let distance = value - mean[index % channels]
            squares[index % channels] += distance * distance
        }
        return BatchStatistics(
            mean: mean, biasedVariance: squares.map { $0 / Double(rows) },
            unbiasedVariance: squares.map { $0 / Double(max(1, rows - 1)) })
    }

    /// `(x - mean) / sqrt(variance + epsilon) * weight + bias`, per channel.
    package static func normalize(
        _ x: ReferenceTensor, mean: [Double], variance: [Double], epsilon: Double, weight: [Double],
        bias: [Double]
    ) -> ReferenceTensor {
        let channels = x.shape.channels
        var y = x
        for index in y.elements.indices {
            let c = index % channels
            let normal = (x.elements[index] - mean[c]) / (variance[c] + epsilon).squareRoot()
            y.elements[index] = normal * weight[c] + bias[c]
        }
        return y
    }
}
