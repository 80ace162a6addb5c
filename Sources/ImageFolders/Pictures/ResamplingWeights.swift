/// The weights of old pixels in each new pixel of a line, by bilinear interpolation.
///
/// Where the line gets shorter, the triangle is as wide as a new pixel, so that every old pixel counts.
///
/// The same fixed-point numbers as Pillow's, and with it torchvision's `Resize`:
///
///     old pixels   |--o--|--o--|--o--|--o--|--o--|--o--|      center = (new + 1/2) * old length / new length
///     new pixel          /-------- ^ --------\                weight = 1 - |old + 1/2 - center| / scale
///
/// The weights of one new pixel sum up to 2^22.
package struct ResamplingWeights {
    /// The bits behind the point.
    static let fractionBits: Int32 = 22

    /// The old pixels that each new pixel is made of.
    package private(set) var ranges: [Range<Int>] = []
    /// Where the weights of each new pixel begin.
    package private(set) var offsets: [Int] = []
    package private(set) var weights: [Int32] = []

    /// - Parameters:
    ///   - length: the old length.
    ///   - newLength: the new length of the whole line.
    ///   - window: the new pixels that are wanted, within the new length.
    package init(from length: Int, to newLength: Int, window: Range<Int>) {
        let scale = Double(length) / Double(newLength)
        let reach = max(scale, 1)
        for position in window {
            let center = (Double(position) + 0.5) * scale
            let first = max(0, Int(center - reach + 0.5))
            let end = min(length, Int(center + reach + 0.5))
            var exact = (first..<end).map { old in
                max(0, 1 - abs((Double(old) - center + 0.5) * (1 / reach)))
            }
            let sum = exact.reduce(0, +)
            for index in exact.indices { exact[index] /= sum }
            offsets.append(weights.count)
            ranges.append(first..<end)
            weights += exact.map { Int32(0.5 + $0 * Double(1 << Self.fractionBits)) }
        }
    }

    /// The old pixels that all new pixels together are made of.
    package var reach: Range<Int> { (ranges.first?.lowerBound ?? 0)..<(ranges.last?.upperBound ?? 0) }
}
