package import NeuralGraph

/// Makes a picture of any size one of a network's size: resized, cut out of the middle, as colors or as gray.
package struct PictureFitting: Sendable {
    /// `[height, width, channels]`, with 1 or 3 channels.
    package let shape: TensorShape
    let resizing: ImageResizing

    package init(shape: TensorShape, resizing: ImageResizing) {
        self.shape = shape
        self.resizing = resizing
    }

    /// Writes `shape.count` bytes.
    package func write(_ picture: PixelView, into target: UnsafeMutablePointer<UInt8>) {
        let (height, width) = (shape[0], shape[1])
        let (newHeight, newWidth) = unsafe newSize(of: picture)
        let (top, left) = (Self.margin(newHeight - height), Self.margin(newWidth - width))
        let columns = unsafe ResamplingWeights(from: picture.width, to: newWidth, window: left..<left + width)
        let rows = unsafe ResamplingWeights(from: picture.height, to: newHeight, window: top..<top + height)
        let band = rows.reach
        let row = unsafe width * PixelView.channels
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: band.count * row) { narrowed in
            guard let narrowed = narrowed.baseAddress, let start = unsafe picture.start else { return }
            // Columns first, then rows, each rounded to bytes, as Pillow does: the order shows in the last bit.
            for y in 0..<band.count {
                unsafe Self.resample(
                    start + (band.lowerBound + y) * picture.rowStep, step: picture.columnStep, lines: 1, lineStep: 0,
                    by: columns, into: narrowed + y * row, step: PixelView.channels, lineStep: 0)
            }
            let isGray = shape.channels == 1
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: isGray ? height * row : 0) { colors in
                let output = unsafe isGray ? colors.baseAddress ?? target : target
                unsafe Self.resample(
                    narrowed - band.lowerBound * row, step: row, lines: width, lineStep: PixelView.channels, by: rows,
                    into: output, step: row, lineStep: PixelView.channels)
                if isGray { unsafe Self.writeGray(of: output, count: height * width, into: target) }
            }
        }
    }

    private func newSize(of picture: PixelView) -> (height: Int, width: Int) {
        guard case .cropped(let shorterSide) = resizing else { return (shape[0], shape[1]) }
        let (shorter, longer) = unsafe (min(picture.height, picture.width), max(picture.height, picture.width))
        let newLonger = Int(Double(shorterSide * longer) / Double(shorter))
        return unsafe picture.width <= picture.height ? (newLonger, shorterSide) : (shorterSide, newLonger)
    }

    /// What is cut off at the top or the left; of an odd rest, the half goes to the even number.
    private static func margin(_ rest: Int) -> Int { Int((Double(rest) / 2).rounded(.toNearestOrEven)) }

    /// Resamples parallel lines of pixels, three channels each.
    ///
    ///     source   line 0: o o o o o o o      step: from pixel to pixel of a line
    ///              line 1: o o o o o o o      lineStep: from line to line
    ///     target   line 0: o o o
    private static func resample(
        _ source: UnsafePointer<UInt8>, step: Int, lines: Int, lineStep: Int, by weights: ResamplingWeights,
        into target: UnsafeMutablePointer<UInt8>, step targetStep: Int, lineStep targetLineStep: Int
    ) {
        let half: Int32 = 1 << (ResamplingWeights.fractionBits - 1)
        unsafe weights.weights.withUnsafeBufferPointer { values in
            for position in weights.ranges.indices {
                let range = weights.ranges[position]
                let offset = weights.offsets[position]
                for line in 0..<lines {
                    var pixel = unsafe source + range.lowerBound * step + line * lineStep
                    var (red, green, blue) = (half, half, half)
                    for index in 0..<range.count {
                        // 255 times weights that sum up to 2^22 and a few stay below 2^31.
                        let weight = unsafe values[offset + index]
                        unsafe red &+= weight &* Int32(pixel[0])
                        unsafe green &+= weight &* Int32(pixel[1])
                        unsafe blue &+= weight &* Int32(pixel[2])
                        unsafe pixel += step
                    }
                    let output = unsafe target + position * targetStep + line * targetLineStep
                    unsafe output[0] = byte(red)
                    unsafe output[1] = byte(green)
                    unsafe output[2] = byte(blue)
                }
            }
        }
    }

    private static func byte(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> ResamplingWeights.fractionBits, 0), 255))
    }

    /// Luma as ITU-R BT.601 weighs it, in 16 bits behind the point.
    private static func writeGray(
        of colors: UnsafePointer<UInt8>, count: Int, into target: UnsafeMutablePointer<UInt8>
    ) {
        for index in 0..<count {
            let pixel = unsafe colors + index * PixelView.channels
            let sum = unsafe Int32(pixel[0]) * 19595 + Int32(pixel[1]) * 38470 + Int32(pixel[2]) * 7471 + 0x8000
            unsafe target[index] = UInt8(truncatingIfNeeded: sum >> 16)
        }
    }
}
