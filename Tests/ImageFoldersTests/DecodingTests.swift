import ImageFolders
import NeuralGraph
import TestSupport
import Testing

/// Every kind of every format, against Pillow.
@Suite("Decoding", .tags(.data))
struct DecodingTests {
    @Test("the fixtures are all there")
    func fixtures() {
        #expect(PictureFixtures.names.count == 68)
    }

    @Test("pixels are Pillow's", arguments: PictureFixtures.names)
    func pixels(name: String) throws {
        guard !name.hasPrefix("photo") else { return }
        let expected = try PictureFixtures.expected("\(name).decoded")
        let pixels = try PictureFixtures.pixels(name, shape: expected.shape, resizing: .stretched)
        // Lossless pictures have one right answer; of the others there are builds of the libraries that round in another way.
        let isLossy = name.hasSuffix(".jpg") || name.hasPrefix("lossy")
        let tolerance: Float = isLossy ? 2 : 0
        #expect(PictureFixtures.difference(pixels, expected) <= tolerance)
    }

    @Test("resized and cut pixels are torchvision's", arguments: PictureFixtures.names)
    func cropped(name: String) throws {
        let pixels = try PictureFixtures.pixels(name, shape: [8, 8, 3], resizing: .cropped(shorterSide: 10))
        let expected = try PictureFixtures.expected("\(name).cropped")
        #expect(PictureFixtures.difference(pixels, expected) <= 2)
    }

    @Test("a file's kind is told by its content")
    func disguise() throws {
        let folder = try TemporaryFolder()
        let path = try folder.add("color.jpg", PictureFixtures.bytes("color8.png"))
        let expected = try PictureFixtures.expected("color8.png.decoded")
        let reader = PictureReader(
            fitting: PictureFitting(shape: expected.shape, resizing: .stretched), limits: PictureLimits())
        #expect(PictureFixtures.difference(try PictureFixtures.read(path, by: reader), expected) == 0)
    }
}

/// Sizes, against torchvision's transforms.
@Suite("Fitting", .tags(.data))
struct FittingTests {
    @Test(
        "a photo in sizes smaller and larger than itself",
        arguments: [(8, 8), (37, 32), (97, 24), (150, 40)])
    func sizes(shorterSide: Int, side: Int) throws {
        let pixels = try PictureFixtures.pixels(
            "photo.jpg", shape: [side, side, 3], resizing: .cropped(shorterSide: shorterSide))
        let expected = try PictureFixtures.expected("photo.\(shorterSide).\(side)")
        #expect(PictureFixtures.difference(pixels, expected) <= 2)
    }

    @Test("a photo stretched to another shape")
    func stretched() throws {
        let pixels = try PictureFixtures.pixels("photo.jpg", shape: [9, 23, 3], resizing: .stretched)
        #expect(PictureFixtures.difference(pixels, try PictureFixtures.expected("photo.stretched")) <= 2)
    }

    @Test("a photo as gray")
    func gray() throws {
        let pixels = try PictureFixtures.pixels(
            "photo.jpg", shape: [12, 12, 1], resizing: .cropped(shorterSide: 16))
        let expected = try PictureFixtures.expected("photo.gray")
        #expect(PictureFixtures.difference(pixels, expected) <= 2)
    }

    @Test("the weights of every new pixel sum up to one", arguments: [(7, 3), (3, 7), (1, 5), (5, 1), (640, 224)])
    func weights(length: Int, newLength: Int) {
        let weights = ResamplingWeights(from: length, to: newLength, window: 0..<newLength)
        for position in 0..<newLength {
            let count = weights.ranges[position].count
            let sum = weights.weights[weights.offsets[position]..<weights.offsets[position] + count].reduce(0, +)
            #expect(abs(sum - 1 << 22) <= Int32(count))
        }
        #expect(weights.reach == 0..<length)
    }

    @Test("a window's weights are those of the whole line")
    func window() {
        let whole = ResamplingWeights(from: 100, to: 41, window: 0..<41)
        let part = ResamplingWeights(from: 100, to: 41, window: 10..<30)
        #expect(part.ranges == Array(whole.ranges[10..<30]))
        #expect(part.weights == Array(whole.weights[whole.offsets[10]..<whole.offsets[30]]))
    }
}
