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

    /// Each row of the last axis with mean 0 and variance 1, then `* weight + bias` where given.
    package static func layerNormalization(
        _ x: ReferenceTensor, epsilon: Double, weight: [Double]?, bias: [Double]?
    ) -> ReferenceTensor {
        let channels = x.shape.channels
        var y = x
        for row in 0..<x.elements.count / channels {
            let values = x.elements[row * channels..<(row + 1) * channels]
            let mean = values.reduce(0, +) / Double(channels)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
            for channel in 0..<channels {
                let normal = (x.elements[row * channels + channel] - mean) / (variance + epsilon).squareRoot()
                y.elements[row * channels + channel] = normal * (weight?[channel] ?? 1) + (bias?[channel] ?? 0)
            }
        }
        return y
    }

    /// Each example's groups of channels with mean 0 and variance 1 over all positions, then `* weight + bias`.
    package static func groupNormalization(
        _ x: ReferenceTensor, groups: Int, epsilon: Double, weight: [Double], bias: [Double]
    ) -> ReferenceTensor {
        let channels = x.shape.channels
        let each = channels / groups
        var y = x
        for example in 0..<x.batch {
            for group in 0..<groups {
                let places = (0..<x.shape.positions).flatMap { position in
                    (0..<each).map { (example * x.shape.positions + position) * channels + group * each + $0 }
                }
                let mean = places.reduce(0) { $0 + x.elements[$1] } / Double(places.count)
                let squares = places.reduce(0) { $0 + (x.elements[$1] - mean) * (x.elements[$1] - mean) }
                let deviation = (squares / Double(places.count) + epsilon).squareRoot()
                for place in places {
                    let channel = place % channels
                    y.elements[place] = (x.elements[place] - mean) / deviation * weight[channel] + bias[channel]
                }
            }
        }
        return y
    }
}
