import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Same pictures", .tags(.reports))
struct DuplicateTests {
    /// Pictures in memory, all of one class.
    private struct Pictures: ImageDataset {
        let name = "pictures"
        let imageShape: TensorShape
        let classNames = ["one"]
        let normalization = Normalization(mean: [0.5], standardDeviation: [0.5])
        var pictures: [[UInt8]]

        var count: Int { pictures.count }
        func label(at index: Int) -> Int { 0 }
        func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {
            for place in pixels.indices { pixels[place] = pictures[index][place] }
        }
    }

    private static func random(_ count: Int, of size: Int, seed: UInt64) -> [[UInt8]] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in (0..<size).map { _ in UInt8(random.integer(below: 256)) } }
    }

    /// The gray means by definition: pixels are repeated until every mean is over whole ones.
    private static func means(_ pixels: [UInt8], height: Int, width: Int, channels: Int) -> [Double] {
        func gray(_ y: Int, _ x: Int) -> Double {
            let place = (y * width + x) * channels
            guard channels == 3 else { return Double(pixels[place]) }
            return 0.299 * Double(pixels[place]) + 0.587 * Double(pixels[place + 1]) + 0.114 * Double(pixels[place + 2])
        }
        return (0..<72).map { cell in
            let (row, column) = (cell / 9, cell % 9)
            var sum = 0.0
            for y in 0..<height {
                for x in 0..<width { sum += gray((row * height + y) / 8, (column * width + x) / 9) }
            }
            return sum / Double(height * width)
        }
    }

    @Test(
        "hash and means are those of their definition",
        arguments: [(28, 28, 1), (4, 4, 1), (8, 9, 3), (33, 17, 3), (1, 1, 1)])
    func definition(height: Int, width: Int, channels: Int) throws {
        let pixels = Self.random(1, of: height * width * channels, seed: 3)[0]
        let print = PictureFingerprint(
            pixels: pixels, height: height, width: width, channels: channels,
            resampling: GrayResampling(height: height, width: width))
        let expected = Self.means(pixels, height: height, width: width, channels: channels)
        for (found, wanted) in zip(print.means, expected) { #expect(abs(Double(found) - wanted) <= 0.51) }
        var hash: UInt64 = 0
        for row in 0..<8 {
            for column in 0..<8 {
                hash = hash << 1 | (print.means[row * 9 + column] > print.means[row * 9 + column + 1] ? 1 : 0)
            }
        }
        #expect(print.hash == hash)
        #expect(print.digest == SHA256Digest(of: Data(pixels)))
    }

    @Test("equal and nearly equal pictures are found across parts, and not within one")
    func finds() throws {
        let shape: TensorShape = [20, 20, 1]
        var forget = Self.random(6, of: 400, seed: 1)
        forget[5] = forget[4]
        var retain = Self.random(40, of: 400, seed: 2)
        retain[17] = forget[2]
        var test = Self.random(30, of: 400, seed: 3)
        test[8] = forget[0].map { $0 == 255 ? 255 : $0 + 1 }
        test[9] = retain[39]
        let found = try DuplicatePictures(
            [
                (.forget, Pictures(imageShape: shape, pictures: forget)),
                (.retain, try ImageSubset(Pictures(imageShape: shape, pictures: retain), indices: [39, 17, 0])),
                (.test, Pictures(imageShape: shape, pictures: test)),
            ], threads: 2)
        #expect(found.counts == ["forget": 6, "retain": 3, "test": 30])
        #expect(found.exactPairs == 2 && found.nearPairs == 1)
        #expect(
            found.pairs.map { "\($0.first.part) \($0.first.index), \($0.second.part) \($0.second.index)" }
                == ["forget 2, retain 17", "retain 39, test 9", "forget 0, test 8"])
        #expect(found.findings[0].contains("2 pairs with equal pixels, 1 pair nearly the same"))
        let digests = forget.map { "\(SHA256Digest(of: Data($0)))\n" }.joined()
        #expect(found.pixels["forget"] == SHA256Digest(of: Data(digests.utf8)))
        let clean = try DuplicatePictures([(.forget, Pictures(imageShape: shape, pictures: forget))])
        #expect(clean.isEmpty && clean.findings.isEmpty)
    }

    @Test("pairs are listed up to a number, and all are counted")
    func many() throws {
        let picture = Self.random(1, of: 64, seed: 1)[0]
        let pictures = Pictures(imageShape: [8, 8, 1], pictures: Array(repeating: picture, count: 9))
        let found = try DuplicatePictures([(.forget, pictures), (.test, pictures)])
        #expect(found.exactPairs == 81 && found.pairs.count == DuplicatePictures.mostListed)
        let data = try JSONEncoder().encode(found)
        #expect(try JSONDecoder().decode(DuplicatePictures.self, from: data) == found)
    }

    @Test("a change of brightness keeps a picture nearly the same, and a shift does not")
    func changes() throws {
        let (height, width) = (24, 24)
        let pixels = (0..<height * width).map { UInt8(40 + 5 * ($0 % width) + ($0 / width * 7) % 80) }
        let resampling = GrayResampling(height: height, width: width)
        func print(_ pixels: [UInt8]) -> PictureFingerprint {
            PictureFingerprint(pixels: pixels, height: height, width: width, channels: 1, resampling: resampling)
        }
        #expect(print(pixels).distance(to: print(pixels.map { $0 + 1 })) == 0)
        let shifted = pixels.indices.map { pixels[($0 + 9) % pixels.count] }
        #expect(print(pixels).distance(to: print(shifted)) == nil)
    }
}
