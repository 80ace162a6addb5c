package import NeuralGraph

/// Images of one shape that lie one after the other in memory, with a byte for each label.
package struct PackedImages: Sendable {
    let shape: TensorShape
    /// `[count, height, width, channels]`.
    package let pixels: [UInt8]
    let labels: [UInt8]

    var count: Int { labels.count }

    func readPixels(at index: Int, into target: inout MutableSpan<UInt8>) {
        let size = shape.count
        precondition(index >= 0 && index < count, "there is no image \(index) among \(count)")
        precondition(
            target.count >= size, "an image has \(size) bytes, but there is room for \(target.count)")
        target.copy(pixels.span.extracting(index * size..<(index + 1) * size))
    }

    /// The mean and standard deviation of each channel, from exact histograms; 1 for the deviation of a constant
    /// channel.
    package func measuredNormalization() -> Normalization {
        let channels = shape.channels
        var histogram = [Int](repeating: 0, count: channels * 256)
        var channel = 0
        for pixel in pixels {
            histogram[channel * 256 + Int(pixel)] += 1
            channel = channel + 1 == channels ? 0 : channel + 1
        }
        var means: [Float] = []
        var deviations: [Float] = []
        for channel in 0..<channels {
            let bins = histogram[channel * 256..<(channel + 1) * 256]
            let total = Double(bins.reduce(0, +))
            let mean = zip(0..., bins).reduce(0.0) { $0 + Double($1.0) / 255 * Double($1.1) } / total
            let variance =
                zip(0..., bins).reduce(0.0) {
                    let distance = Double($1.0) / 255 - mean
                    return $0 + distance * distance * Double($1.1)
                } / total
            means.append(Float(mean))
            deviations.append(variance > 1e-12 ? Float(variance.squareRoot()) : 1)
        }
        return Normalization(mean: means, standardDeviation: deviations)
    }
}
