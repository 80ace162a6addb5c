package import NeuralGraph

/// A number format that a model's weights are rounded to when it is deployed.
///
/// Rounding can bring answers back that a model had forgotten (arXiv 2601.15538), so an audit can measure models as they
/// will be deployed. Activations stay 32-bit floats.
public enum WeightFormat: String, Sendable, Codable, CaseIterable {
    /// IEEE half precision, of all parameters.
    case fp16
    /// bfloat16, of all parameters.
    case bf16
    /// 8-bit integers with a scale per output channel, of the weights of convolutions and linear layers.
    case int8
    /// 4-bit integers with a scale per output channel, of the same weights.
    case int4

    /// The largest integer; nil for floats.
    ///
    /// Integers are symmetric, so that -128 and -8 are not used, as in onnxruntime's symmetric quantization.
    private var largest: Double? {
        switch self {
        case .fp16, .bf16: nil
        case .int8: 127
        case .int4: 7
        }
    }

    /// Whether a parameter is rounded: all are to floats, weights to integers.
    fileprivate func rounds(_ name: String) -> Bool { largest == nil || name.hasSuffix("weight") }

    /// Rounds a tensor, whose first axis is the output channel.
    package func rounded(_ tensor: Tensor) throws(ShapeError) -> Tensor {
        guard let largest else {
            return try Tensor(tensor.elements.map(rounded), shape: tensor.shape)
        }
        // Biases and the parameters of normalizations are vectors, and stay floats.
        guard tensor.shape.rank >= 2, tensor.shape[0] > 0 else { return tensor }
        let size = tensor.elements.count / tensor.shape[0]
        var elements = tensor.elements
        for channel in 0..<tensor.shape[0] {
            let range = channel * size..<(channel + 1) * size
            let most = elements[range].reduce(Float(0)) { max($0, abs($1)) }
            let scale = Float(2 * Double(most) / (2 * largest))
            guard scale > 0, scale.isFinite else { continue }
            for index in range {
                let whole = (elements[index] / scale).rounded(.toNearestOrEven)
                elements[index] = min(max(whole, Float(-largest)), Float(largest)) * scale
            }
        }
        return try Tensor(elements, shape: tensor.shape)
    }

    private func rounded(_ value: Float) -> Float {
        if self == .fp16 { return Self.half(value) }
        guard value.isFinite else { return value }
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) & 0xFFFF_0000)
    }

    /// The nearest half-precision number, ties to even; beyond the largest one, that one.
    private static func half(_ value: Float) -> Float {
        guard value.isFinite, value != 0 else { return value }
        let exponent = max(value.exponent, -14)
        let step = Float(sign: .plus, exponent: exponent - 10, significand: 1)
        let nearest = (value / step).rounded(.toNearestOrEven) * step
        return min(max(nearest, -65504), 65504)
    }
}

extension Model {
    /// The model with its parameters rounded to a format; the graph computes in 32-bit floats.
    package func rounded(to format: WeightFormat) throws -> Model {
        var rounded: [String: Tensor] = [:]
        for (name, tensor) in parameters where format.rounds(name) { rounded[name] = try format.rounded(tensor) }
        return try replacing(rounded)
    }
}
