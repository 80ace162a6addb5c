public import NeuralGraph

/// The conversion of an image's bytes to a network's input.
///
/// A pixel is divided by 255, the image is padded with zeros to the target's height and width, a single channel is
/// repeated if the target has several, and the result is normalized. The border is therefore `(0 - mean) /
/// deviation`.
///
/// The padding is even on both sides; an odd row goes to the bottom and an odd column to the right.
package struct ImagePreparation: Sendable {
    /// The input's shape: `[height, width, channels]`.
    package let targetShape: TensorShape
    /// One mean and one deviation for each of the target's channels.
    package let normalization: Normalization

    // [channels, 256]: what each byte becomes.
    private let table: [Float]

    /// Creates a preparation.
    /// - Parameter normalization: one value for all of the target's channels, or one for each.
    /// - Throws: ``DatasetError`` if the target is no image's shape or the normalization does not fit it.
    package init(targetShape: TensorShape, normalization: Normalization) throws(DatasetError) {
        guard targetShape.rank == 3, targetShape.dimensions.allSatisfy({ (1...1 << 16).contains($0) }) else {
            throw .invalidSetting(
                name: "input shape", value: "\(targetShape)",
                remedy: "give height, width and channels, each at least 1")
        }
        let expanded: Normalization
        do {
            expanded = try normalization.expanded(toChannels: targetShape.channels)
        } catch {
            throw .invalidSetting(
                name: error.place, value: "this normalization of \(targetShape)", remedy: error.message)
        }
        self.targetShape = targetShape
        self.normalization = expanded
        table = zip(expanded.mean, expanded.standardDeviation).flatMap { mean, deviation in
            (0..<256).map { (Float($0) / 255 - mean) / deviation }
        }
    }

    /// Makes sure that images of a shape can be prepared.
    /// - Parameter name: what the message calls the images.
    /// - Throws: ``DatasetError`` if the target is smaller than the
    ///   image, or the image's channels are neither one nor the target's.
    package func check(imageShape: TensorShape, of name: String) throws(DatasetError) {
        guard imageShape.rank == 3 else {
            throw .incompatibleShape(
                name: name, found: imageShape, expected: targetShape,
                remedy: "images have height, width and channels")
        }
        guard imageShape.channels == 1 || imageShape.channels == targetShape.channels else {
            throw .incompatibleShape(
                name: name, found: imageShape, expected: targetShape,
                remedy:
                    "\(imageShape.channels) channels cannot become \(targetShape.channels); give a network "
                    + "with \(imageShape.channels) input channels")
        }
        guard targetShape[0] >= imageShape[0], targetShape[1] >= imageShape[1] else {
            throw .incompatibleShape(
                name: name, found: imageShape, expected: targetShape,
                remedy:
                    "images are padded but never shrunk; give a height of at least \(imageShape[0]) and a "
                    + "width of at least \(imageShape[1])")
        }
    }

    /// Writes one image's input, `targetShape.count` floats; the shape must have been checked.
    package func write(
        _ pixels: Span<UInt8>, shape: TensorShape, placement: Augmentation.Placement,
        into target: inout MutableSpan<Float>
    ) {
        precondition(
            pixels.count >= shape.count && target.count >= targetShape.count,
            "\(pixels.count) bytes and room for \(target.count) floats do not do for \(shape) and \(targetShape)")
        // One check instead of one a pixel, which would cost a third of the time.
        unsafe pixels.withUnsafeBufferPointer { pixels in
            unsafe target.withUnsafeMutableBufferPointer { target in
                guard let from = pixels.baseAddress, let to = target.baseAddress else { return }
                unsafe write(from, shape: shape, placement: placement, into: to)
            }
        }
    }

    private func write(
        _ pixels: UnsafePointer<UInt8>, shape: TensorShape, placement: Augmentation.Placement,
        into target: UnsafeMutablePointer<Float>
    ) {
        let (height, width) = (targetShape[0], targetShape[1])
        let top = (height - shape[0]) / 2
        let left = (width - shape[1]) / 2
        // The columns of the padded image that still lie in the picture after the shift.
        let firstColumn = min(max(left + placement.right, 0), width)
        let endColumn = max(min(left + placement.right + shape[1], width), firstColumn)
        let row = width * targetShape.channels
        unsafe table.withUnsafeBufferPointer { table in
            for y in 0..<height {
                let source = y - placement.down - top
                let output = unsafe target + y * row
                guard source >= 0, source < shape[0] else {
                    unsafe fillBorder(output, columns: 0..<width, table: table, isFlipped: placement.isFlipped)
                    continue
                }
                unsafe fillBorder(output, columns: 0..<firstColumn, table: table, isFlipped: placement.isFlipped)
                unsafe fillBorder(output, columns: endColumn..<width, table: table, isFlipped: placement.isFlipped)
                let start = (source * shape[1] + firstColumn - placement.right - left) * shape.channels
                unsafe writeRow(
                    pixels + start, step: shape.channels, columns: firstColumn..<endColumn, table: table,
                    isFlipped: placement.isFlipped, into: output)
            }
        }
    }

    private func writeRow(
        _ pixels: UnsafePointer<UInt8>, step: Int, columns: Range<Int>, table: UnsafeBufferPointer<Float>,
        isFlipped: Bool, into output: UnsafeMutablePointer<Float>
    ) {
        let channels = targetShape.channels
        let channelStep = step == 1 ? 0 : 1
        for column in columns {
            let place = isFlipped ? targetShape[1] - 1 - column : column
            let pixel = unsafe pixels + (column - columns.lowerBound) * step
            for channel in 0..<channels {
                unsafe output[place * channels + channel] = unsafe table[
                    channel << 8 | Int(pixel[channel * channelStep])]
            }
        }
    }

    private func fillBorder(
        _ output: UnsafeMutablePointer<Float>, columns: Range<Int>, table: UnsafeBufferPointer<Float>,
        isFlipped: Bool
    ) {
        let channels = targetShape.channels
        for column in columns {
            let place = isFlipped ? targetShape[1] - 1 - column : column
            for channel in 0..<channels { unsafe output[place * channels + channel] = unsafe table[channel << 8] }
        }
    }
}

extension Model {
    /// Prepares images for this network: pads them to its input's size and channels, and normalizes them.
    ///
    /// The normalization is the model's; a model that has none takes the data set's.
    /// - Parameters:
    ///   - images: the images, of the model's classes.
    ///   - augmentation: random changes in training; nil leaves the images unchanged.
    /// - Throws: ``DatasetError`` if the images do not fit the network's input.
    public func prepare(
        _ images: any ImageDataset, augmentation: Augmentation? = nil
    ) throws -> any ExampleSource {
        let preparation = try ImagePreparation(
            targetShape: graph.inputShape, normalization: metadata.normalization ?? images.normalization)
        return try PreparedImages(images, preparation: preparation, augmentation: augmentation)
    }
}
