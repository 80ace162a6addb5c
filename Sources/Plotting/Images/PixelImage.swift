/// A picture of bytes, gray or in color.
package struct PixelImage: Sendable, Hashable {
    /// Pixels from left to right.
    package let width: Int
    /// Pixels from top to bottom.
    package let height: Int
    /// Whether a pixel is red, green and blue, or one gray.
    package let isColored: Bool
    /// One or three bytes a pixel, row after row.
    package let bytes: [UInt8]

    /// Creates a picture; nil if the number of bytes is not `width * height` times one or three.
    package init?(width: Int, height: Int, bytes: [UInt8]) {
        let (count, overflow) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !overflow, bytes.count == count || bytes.count == count * 3 else {
            return nil
        }
        self.width = width
        self.height = height
        self.bytes = bytes
        isColored = bytes.count != count
    }

    /// Creates a picture from numbers, the smallest black and the largest white. Undefined numbers are black.
    /// - Parameters:
    ///   - values: one or three numbers a pixel, row after row, channels last.
    ///   - range: the numbers that become black and white; nil takes the smallest and the largest.
    package init?(width: Int, height: Int, values: [Float], range: ClosedRange<Float>? = nil) {
        let finite = values.filter(\.isFinite)
        let lowest = range?.lowerBound ?? finite.min() ?? 0
        let span = (range?.upperBound ?? finite.max() ?? 1) - lowest
        let bytes = values.map { value in
            guard value.isFinite, span > 0 else { return UInt8(0) }
            return UInt8((255 * min(max((value - lowest) / span, 0), 1)).rounded())
        }
        self.init(width: width, height: height, bytes: bytes)
    }

    /// The picture in gray with a heat map laid over it: nothing where the map is 0, color where it is 1.
    /// - Parameter heat: a number from 0 to 1 for each pixel, row after row.
    /// - Returns: nil if the map has another size.
    package func overlaid(with heat: [Float]) -> PixelImage? {
        guard heat.count == width * height else { return nil }
        var mixed: [UInt8] = []
        mixed.reserveCapacity(3 * heat.count)
        for (pixel, heat) in heat.enumerated() {
            let strength = heat.isFinite ? min(max(heat, 0), 1) : 0
            let color = ColorScale.viridis.color(at: strength)
            let share = 0.75 * strength
            for channel in [color.red, color.green, color.blue] {
                mixed.append(UInt8((share * channel * 255 + (1 - share) * gray(pixel)).rounded()))
            }
        }
        return PixelImage(width: width, height: height, bytes: mixed)
    }

    /// A pixel's brightness, 0 to 255 (ITU-R BT.601).
    private func gray(_ pixel: Int) -> Float {
        guard isColored else { return Float(bytes[pixel]) }
        let start = 3 * pixel
        return 0.299 * Float(bytes[start]) + 0.587 * Float(bytes[start + 1]) + 0.114 * Float(bytes[start + 2])
    }
}

/// Colors from dark to bright that keep their order in gray and for color-blind people.
struct ColorScale: Sendable {
    private let stops: [(red: Float, green: Float, blue: Float)]

    /// The upper three quarters of matplotlib's viridis (Smith and van der Walt, 2015).
    static let viridis = ColorScale(stops: [
        (0.23, 0.32, 0.55), (0.17, 0.44, 0.56), (0.13, 0.57, 0.55), (0.21, 0.72, 0.47), (0.56, 0.84, 0.27),
        (0.99, 0.91, 0.14),
    ])

    /// The color at a place from 0 to 1.
    func color(at place: Float) -> (red: Float, green: Float, blue: Float) {
        let scaled = min(max(place, 0), 1) * Float(stops.count - 1)
        let below = min(Int(scaled), stops.count - 2)
        let share = scaled - Float(below)
        let (low, high) = (stops[below], stops[below + 1])
        return (
            low.red + share * (high.red - low.red), low.green + share * (high.green - low.green),
            low.blue + share * (high.blue - low.blue)
        )
    }
}
