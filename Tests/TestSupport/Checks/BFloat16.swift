package import NeuralGraph

/// The nearest bfloat16 number, the even one of two, by the distances themselves.
package func roundedToBFloat16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
    // The next one away from zero.
    let above = Float(bitPattern: (value.bitPattern & 0xffff_0000) &+ 0x1_0000)
    let (down, up) = (abs(Double(value) - Double(below)), abs(Double(above) - Double(value)))
    guard down != up else { return below.bitPattern >> 16 & 1 == 0 ? below : above }
    return down < up ? below : above
}

extension [Float] {
    /// Each of them rounded.
    package var roundedToBFloat16: [Float] { map { TestSupport.roundedToBFloat16($0) } }
}

extension Model {
    /// The model with all parameters rounded.
    package var roundedToBFloat16: Model {
        get throws {
            try replacing(
                parameters.mapValues { try Tensor($0.elements.roundedToBFloat16, shape: $0.shape) })
        }
    }
}
