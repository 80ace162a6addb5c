import Foundation
import ImageFolders
import NeuralGraph
import TestSupport
import Testing

/// Files that are no pictures, or pictures that would cost too much: each one an error that says so.
@Suite("Malformed pictures", .tags(.data))
struct MalformedPictureTests {
    private func failure(
        _ bytes: [UInt8], limits: PictureLimits = PictureLimits()
    ) -> PictureError? {
        do throws(PictureError) {
            _ = try DecodedPicture(bytes, path: "x", limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test("an empty file and files of another kind")
    func otherKinds() {
        #expect(failure([]) == .empty(path: "x"))
        for text in ["II*\0 and more", "GIF88a and more", "BM is no BMP's beginning", "RIFF....WAVE and more"] {
            #expect(failure(Array(text.utf8)) == .notAPicture(path: "x"))
        }
        #expect(failure(Array("GIF89a".utf8)) == .truncated(path: "x"))
        #expect(failure(Array("RIFF....WEBP".utf8)) == .truncated(path: "x"))
        #expect(failure([0x89, 0x50]) == .notAPicture(path: "x"))
        #expect(failure([0xff, 0xd8]) == .notAPicture(path: "x"))
        #expect(failure([0xff, 0xd8, 0xff]) == .truncated(path: "x"))
    }

    @Test(
        "a file cut short anywhere is cut short or damaged",
        arguments: [
            "color8.png", "interlaced-palette.png", "subsampled.jpg", "progressive.jpg", "cmyk.jpg", "lossless.webp",
            "lossy.webp", "lossy-alpha.webp", "turned.webp", "palette.gif", "interlaced.gif", "canvas.gif",
            "color24.bmp",
            "bits4-own.bmp", "masks565.bmp", "core.bmp",
        ])
    func truncation(name: String) throws {
        let bytes = try PictureFixtures.bytes(name)
        // PNG's last chunk says nothing, and the check sum before it is no pixel; GIF ends in a byte that says so.
        let end = bytes.count - (name.hasSuffix(".png") ? 16 : name.hasSuffix(".gif") ? 1 : 0)
        var cutShort = 0
        for length in 3..<end {
            let error = try #require(
                failure(Array(bytes[..<length])), "\(length) of \(bytes.count) bytes were accepted")
            if error.reason == "is cut short" { cutShort += 1 }
        }
        // The first bytes may not tell that there is a picture.
        #expect(cutShort >= end - 20)
    }

    @Test("a damaged check sum")
    func damaged() throws {
        let reason = try #require(failure(try PictureFixtures.bytes("damaged.png"))).reason
        #expect(reason.hasPrefix("is damaged") && (reason.contains("CRC") || reason.contains("incorrect")))
    }

    @Test("what libwebp and the reader of BMP do not decode says so")
    func unsupported() throws {
        #expect(
            failure(try PictureFixtures.bytes("animated.webp"))
                == .damaged(path: "x", reason: "it is animated, and WebP is read without animation"))
        var bitmap = try PictureFixtures.bytes("bits8-own.bmp")
        for (place, value, reason) in [
            (30, 1, "its rows are run-length encoded, and such are not read"),
            (30, 4, "it is compressed in a way that is not read"),
            (30, 3, "it is compressed in a way that is not read"),
            (28, 7, "it has a number of bits for each pixel that BMP does not have"), (18, 0, "it has no pixels"),
        ] as [(Int, UInt8, String)] {
            let old = bitmap[place]
            bitmap[place] = value
            #expect(failure(bitmap) == .damaged(path: "x", reason: reason))
            bitmap[place] = old
        }
        var masks = try PictureFixtures.bytes("masks565.bmp")
        masks[54] = 5
        #expect(failure(masks) == .damaged(path: "x", reason: "its colors' masks have gaps"))
    }

    @Test(
        "a tiny file that claims a huge picture",
        arguments: [
            ("bomb.png", "100000 x 100000"), ("bomb.jpg", "65500 x 65500"), ("bomb.webp", "16384 x 16384"),
            ("bomb.gif", "65535 x 65535"), ("bomb.bmp", "100000 x 100000"),
        ])
    func bombs(name: String, size: String) throws {
        let error = try #require(failure(try PictureFixtures.bytes(name)))
        #expect(error.reason.contains("is too large: it claims \(size) pixels, more than the limit of 134217728"))
        #expect(throws: PictureError.self) {
            try DecodedPicture.check(PictureFixtures.path(name), limits: PictureLimits())
        }
    }

    @Test("limits of pixels, memory and files")
    func limits() throws {
        // 19 x 14 pixels.
        let png = try PictureFixtures.bytes("color8.png")
        #expect(failure(png, limits: PictureLimits(pixels: 266)) == nil)
        #expect("\(failure(png, limits: PictureLimits(pixels: 265)).map { "\($0)" } ?? "")".contains("limit of 265"))
        let bytes = failure(png, limits: PictureLimits(bytes: 700)).map { "\($0)" } ?? ""
        #expect(bytes.contains("more than the limit of 700 bytes"))
        // Room for the pixels, but not for what decoding takes besides.
        for (name, bytes) in [
            ("color8.png", 20_000), ("color8.png", 900), ("photo-progressive.jpg", 60_000), ("lossless.webp", 2_000),
        ] {
            let message = failure(try PictureFixtures.bytes(name), limits: PictureLimits(bytes: bytes)).map { "\($0)" }
            #expect(message?.contains("takes more than the limit of \(bytes) bytes") ?? false, "\(message ?? name)")
        }
        do {
            _ = try DecodedPicture.read(PictureFixtures.path("color8.png"), limits: PictureLimits(fileBytes: 10))
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains("are more than the limit of 10"))
        }
    }

    @Test("a progressive picture with endless passes")
    func scans() throws {
        let bytes = try PictureFixtures.bytes("progressive.jpg")
        let starts = bytes.indices.dropLast().filter { bytes[$0] == 0xff && bytes[$0 + 1] == 0xda }
        let last = try #require(starts.last)
        let scan = bytes[last..<bytes.count - 2]
        let many = Array(bytes[..<last]) + (0..<600).flatMap { _ in scan } + [0xff, 0xd9]
        #expect(failure(many) == .tooLarge(path: "x", reason: "it has more than 500 scans"))
    }

    @Test("what the system refuses")
    func files() throws {
        let folder = try TemporaryFolder()
        for (name, reason) in [("missing.png", "no such file"), ("", "it is a folder")] {
            do {
                _ = try DecodedPicture.read("\(folder.path)/\(name)", limits: PictureLimits())
                Issue.record("accepted")
            } catch {
                #expect("\(error)".contains(reason))
            }
        }
    }

    /// A short run of what the fuzzers do for long.
    @Test("changed bytes never bring the program down", arguments: PictureFixtures.names)
    func mutations(name: String) throws {
        let original = try PictureFixtures.bytes(name)
        let limits = PictureLimits(pixels: 1 << 16, bytes: 1 << 24)
        let fitting = PictureFitting(shape: [8, 8, 3], resizing: .cropped(shorterSide: 8))
        var random = SeededRandom(seed: 7, stream: name)
        var accepted = 0
        for _ in 0..<300 {
            var bytes = original
            for _ in 0..<1 + Int(random.uniform() * 4) {
                bytes[Int(random.uniform() * Double(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let picture = try? DecodedPicture(bytes, path: name, limits: limits) else { continue }
            accepted += 1
            var pixels = [UInt8](repeating: 0, count: 192)
            picture.withUprightPixels { view in
                pixels.withUnsafeMutableBufferPointer { buffer in
                    if let target = buffer.baseAddress { fitting.write(view, into: target) }
                }
            }
        }
        #expect(accepted < 300)
    }
}
