import CZlib
import Foundation
import Plotting
import TestSupport
import Testing

@Suite("Pictures", .tags(.reports))
struct PixelImageTests {
    /// Reads a PNG's chunks, and checks lengths and sums with zlib.
    private func chunks(_ png: [UInt8]) throws -> [String: [UInt8]] {
        #expect(png.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        func number(_ at: Int) -> Int { png[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
        var chunks: [String: [UInt8]] = [:]
        var offset = 8
        while offset < png.count {
            let length = number(offset)
            let body = Array(png[offset + 4..<offset + 8 + length])
            #expect(number(offset + 8 + length) == Int(crc32(0, body, uInt(body.count))))
            chunks[String(decoding: body.prefix(4), as: UTF8.self)] = Array(body.dropFirst(4))
            offset += 12 + length
        }
        #expect(offset == png.count)
        return chunks
    }

    private func inflated(_ bytes: [UInt8], count: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var size = uLongf(count)
        #expect(uncompress(&result, &size, bytes, uLong(bytes.count)) == Z_OK)
        return Array(result.prefix(Int(size)))
    }

    @Test("a PNG holds the bytes", arguments: [1, 3])
    func roundTrip(channels: Int) throws {
        let bytes = (0..<5 * 4 * channels).map { UInt8($0 * 4) }
        let image = try #require(PixelImage(width: 5, height: 4, bytes: bytes))
        let chunks = try chunks(image.png)
        #expect(chunks["IHDR"] == [0, 0, 0, 5, 0, 0, 0, 4, 8, channels == 3 ? 2 : 0, 0, 0, 0])
        #expect(chunks["IEND"] == [])
        let rows = inflated(try #require(chunks["IDAT"]), count: 4 * (1 + 5 * channels))
        var expected: [UInt8] = []
        for row in 0..<4 { expected += [0] + bytes[row * 5 * channels..<(row + 1) * 5 * channels] }
        #expect(rows == expected)
    }

    @Test("numbers become gray between the smallest and the largest")
    func values() throws {
        #expect(PixelImage(width: 2, height: 2, values: [-1, 0, 1, .nan])?.bytes == [0, 128, 255, 0])
        #expect(PixelImage(width: 2, height: 1, values: [3, 3])?.bytes == [0, 0])
        #expect(PixelImage(width: 2, height: 1, values: [3, -3], range: 0...1)?.bytes == [255, 0])
        #expect(PixelImage(width: 2, height: 2, values: [1]) == nil)
        #expect(PixelImage(width: 0, height: 0, bytes: []) == nil)
        #expect(PixelImage(width: .max, height: 2, bytes: [1]) == nil)
    }

    @Test("heat is color where it is, and gray where it is not")
    func overlay() throws {
        let image = try #require(PixelImage(width: 2, height: 1, bytes: [100, 100]))
        let mixed = try #require(image.overlaid(with: [0, 1]))
        #expect(mixed.isColored)
        #expect(mixed.bytes.prefix(3) == [100, 100, 100])
        #expect(Set(mixed.bytes.suffix(3)).count == 3)
        #expect(image.overlaid(with: [1]) == nil)
        #expect(image.overlaid(with: [.nan, -2])?.bytes == [UInt8](repeating: 100, count: 6))
    }
}
