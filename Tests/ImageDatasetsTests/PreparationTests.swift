import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

/// Images whose pixels count up from the image's position.
private struct GradientImages: ImageDataset {
    var name = "gradient"
    var count = 4
    var imageShape: TensorShape
    var normalization = Normalization(mean: [0.25], standardDeviation: [0.5])

    var classNames: [String] { ["a"] }
    func label(at index: Int) -> Int { 0 }
    func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
        for position in pixels.indices { pixels[position] = UInt8(truncatingIfNeeded: index + position + 1) }
    }
}

/// The prepared image, written out pixel by pixel: the reference for the table and the loops.
private func reference(
    _ images: GradientImages, _ index: Int, target: TensorShape, normalization: Normalization,
    placement: Augmentation.Placement
) throws -> [Float] {
    let pixels = try images.pixels(at: index)
    let (height, width, channels) = (images.imageShape[0], images.imageShape[1], images.imageShape[2])
    var result: [Float] = []
    for y in 0..<target[0] {
        for x in 0..<target[1] {
            let column = placement.isFlipped ? target[1] - 1 - x : x
            let row = y - placement.down - (target[0] - height) / 2
            let place = column - placement.right - (target[1] - width) / 2
            let isInside = (0..<height).contains(row) && (0..<width).contains(place)
            for channel in 0..<target[2] {
                let source = channels == 1 ? 0 : channel
                let pixel = isInside ? pixels[(row * width + place) * channels + source] : 0
                let mean = normalization.mean.count == 1 ? normalization.mean[0] : normalization.mean[channel]
                let deviation =
                    normalization.standardDeviation.count == 1
                    ? normalization.standardDeviation[0] : normalization.standardDeviation[channel]
                result.append((Float(pixel) / 255 - mean) / deviation)
            }
        }
    }
    return result
}

@Suite("Preparation of images", .tags(.data))
struct PreparationTests {
    @Test("28x28 gray becomes 32x32x3: two pixels of black around, then normalized")
    func fashion() throws {
        let images = GradientImages(
            imageShape: [28, 28, 1], normalization: Normalization(mean: [0.2860], standardDeviation: [0.3530])
        )
        let preparation = try ImagePreparation(targetShape: [32, 32, 3], normalization: images.normalization)
        let inputs = try PreparedImages(images, preparation: preparation).tensor(at: [0, 3]).inputs
        #expect(inputs.shape == [2, 32, 32, 3])
        let border = (Float(0) - 0.2860) / 0.3530
        #expect(inputs[0] == border)
        #expect(inputs[32 * 32 * 3 - 1] == border)
        let first = (2 * 32 + 2) * 3
        #expect(inputs[first - 1] == border)
        for channel in 0..<3 { #expect(inputs[first + channel] == (Float(1) / 255 - 0.2860) / 0.3530) }
        #expect(inputs[first + 3] == (Float(2) / 255 - 0.2860) / 0.3530)
        #expect(inputs[32 * 32 * 3 + first] == (Float(4) / 255 - 0.2860) / 0.3530)
    }

    @Test("an odd row goes to the bottom and an odd column to the right")
    func odd() throws {
        let images = GradientImages(
            imageShape: [1, 2, 1], normalization: Normalization(mean: [0], standardDeviation: [1]))
        let preparation = try ImagePreparation(targetShape: [2, 5, 1], normalization: images.normalization)
        let inputs = try PreparedImages(images, preparation: preparation).tensor(at: [0]).inputs
        #expect(inputs.elements == [0, 1 / 255, 2 / 255, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("every shape, shift and mirror image equals the reference")
    func fuzz() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<300 {
            let channels = random.integer(below: 2) == 0 ? 1 : 3
            let images = GradientImages(
                imageShape: [1 + random.integer(below: 6), 1 + random.integer(below: 6), channels])
            let target: TensorShape = [
                images.imageShape[0] + random.integer(below: 4),
                images.imageShape[1] + random.integer(below: 4),
                channels == 1 ? 1 + random.integer(below: 4) : 3,
            ]
            let normalization = Normalization(
                mean: (0..<target.channels).map { Float($0) / 8 },
                standardDeviation: (0..<target.channels).map { 0.5 + Float($0) })
            let preparation = try ImagePreparation(targetShape: target, normalization: normalization)
            let placement = Augmentation.Placement(
                down: random.integer(below: 25) - 12, right: random.integer(below: 25) - 12,
                isFlipped: random.integer(below: 2) == 0)
            let pixels = try images.pixels(at: 1)
            var output = [Float](repeating: .nan, count: target.count)
            var room = output.mutableSpan
            preparation.write(pixels.span, shape: images.imageShape, placement: placement, into: &room)
            let expected = try reference(
                images, 1, target: target, normalization: normalization, placement: placement)
            #expect(output == expected, "\(images.imageShape) to \(target), \(placement)")
        }
    }

    @Test("without a preparation images keep their shape")
    func plain() throws {
        let images = GradientImages(imageShape: [2, 2, 3])
        let source = try PreparedImages(images)
        #expect(source.exampleShape == [2, 2, 3])
        #expect(try source.tensor(at: [0]).inputs[0] == (Float(1) / 255 - 0.25) / 0.5)
    }

    @Test("what does not fit is an error that names both shapes")
    func errors() throws {
        let color = GradientImages(imageShape: [32, 32, 3])
        let gray = try ImagePreparation(targetShape: [32, 32, 1], normalization: color.normalization)
        let channels = datasetError { _ = try PreparedImages(color, preparation: gray) }
        #expect(
            channels?.description.contains("32x32x3 does not fit 32x32x1; 3 channels cannot become 1") == true
        )
        let small = try ImagePreparation(targetShape: [28, 32, 3], normalization: color.normalization)
        let size = datasetError { _ = try PreparedImages(color, preparation: small) }
        #expect(size?.description.contains("at least 32 and a width of at least 32") == true)
        for shape in [[32, 32], [0, 32, 1], [32, 32, 0], [1 << 20, 1, 1]] as [TensorShape] {
            #expect(
                datasetError {
                    _ = try ImagePreparation(targetShape: shape, normalization: color.normalization)
                } != nil)
        }
        for normalization in [
            Normalization(mean: [0, 0], standardDeviation: [1, 1]),
            Normalization(mean: [0], standardDeviation: [0]), Normalization(mean: [], standardDeviation: []),
            Normalization(mean: [.nan], standardDeviation: [1]),
        ] {
            #expect(
                datasetError {
                    _ = try ImagePreparation(targetShape: [32, 32, 3], normalization: normalization)
                } != nil)
        }
    }
}

@Suite("Augmentation", .tags(.data))
struct AugmentationTests {
    @Test("one seed stands for one change, and changes cover their range")
    func placements() throws {
        let augmentation = Augmentation.standard
        var places: Set<Augmentation.Placement> = []
        var flips = 0
        for seed in 0..<4000 {
            let placement = augmentation.placement(seed: UInt64(seed))
            #expect(placement == augmentation.placement(seed: UInt64(seed)))
            #expect((-4...4).contains(placement.down) && (-4...4).contains(placement.right))
            places.insert(placement)
            flips += placement.isFlipped ? 1 : 0
        }
        #expect(places.count == 162)
        #expect((1850...2150).contains(flips))
    }

    @Test("settings outside their range are errors")
    func settings() {
        #expect(datasetError { _ = try Augmentation(padding: -1) } != nil)
        #expect(datasetError { _ = try Augmentation(padding: .max) } != nil)
        #expect(datasetError { _ = try Augmentation(horizontalFlipProbability: 1.5) } != nil)
        #expect(datasetError { _ = try Augmentation(horizontalFlipProbability: .nan) } != nil)
    }

    @Test("a seed changes the image, no seed leaves it")
    func seeds() throws {
        let images = GradientImages(imageShape: [4, 4, 1])
        let source = try PreparedImages(images, augmentation: Augmentation(horizontalFlipProbability: 1))
        var flipped = [Float](repeating: 0, count: 16)
        var unchanged = flipped
        var room = flipped.mutableSpan
        try source.write(0, augmentationSeed: 1, into: &room)
        room = unchanged.mutableSpan
        try source.write(0, augmentationSeed: nil, into: &room)
        for row in 0..<4 {
            for column in 0..<4 { #expect(flipped[row * 4 + column] == unchanged[row * 4 + 3 - column]) }
        }
    }
}
