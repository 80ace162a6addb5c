import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Damaged and malicious files end in an error that says what is wrong; none crashes or takes memory beyond its size.
@Suite("Hostile ONNX", .tags(.files)) struct HostileONNXTests {
    static let files = ["plain-old", "transformer-new", "various-old"]

    /// Reads bytes as a file. An error is what is expected; a model must at least have finite sizes.
    static func read(_ bytes: [UInt8], _ folder: TemporaryFolder) -> String? {
        let url = folder.file("hostile.onnx")
        do {
            try overwrite(url, with: bytes)
            let model = try Model(onnx: url)
            return model.graph.nodes.isEmpty ? "a network without nodes" : nil
        } catch {
            return "\(error)"
        }
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixture("ONNX/\(name).onnx")))
    }

    @Test("truncated at every length") func truncatedAtEveryLength() throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.bytes("shuffle-new")
        for length in 0..<bytes.count {
            let message = Self.read(Array(bytes[..<length]), folder)
            // Cut between two fields, a file can be whole: what is left out was not needed.
            #expect(message != nil || length > bytes.count - 64, "cut at \(length)")
        }
    }

    @Test("flipped bits", .tags(.slow), .slow, arguments: files)
    func flippedBits(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try Self.bytes(name)
        var random = SeededRandom(seed: 5, stream: name)
        for _ in 0..<1500 {
            var bytes = original
            for _ in 0..<(1 + Int(random.next() % 3)) {
                bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            }
            _ = Self.read(bytes, folder)
        }
    }

    /// Every byte replaced by those that lengths and numbers are made of.
    @Test("replaced bytes", .tags(.slow), .slow, arguments: ["mobile-new"])
    func replacedBytes(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try Self.bytes(name)
        for position in stride(from: 0, to: original.count, by: 3) {
            for value: UInt8 in [0x00, 0x7f, 0xff] {
                var bytes = original
                bytes[position] = value
                _ = Self.read(bytes, folder)
            }
        }
    }

    @Test(
        "broken wire format",
        arguments: [
            ([0x08], "does not end|goes on beyond"),
            ([0x08, 0x08], "no graph"),
            ([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "64 bits"),
            ([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "does not end|64 bits"),
            ([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "bytes long, but only"),
            ([0x0c], "wire type"),
            ([0x00, 0x00], "numbered 0"),
        ] as [([UInt8], String)])
    func brokenWireFormat(_ bytes: [UInt8], _ expected: String) throws {
        let message = try #require(Self.read(bytes, TemporaryFolder()))
        #expect(expected.split(separator: "|").contains { message.contains($0) }, "\(message)")
    }

    @Test("groups of fields are refused") func groupsOfFieldsAreRefused() throws {
        let message = try #require(Self.read([0x0b, 0x0c], TemporaryFolder()))
        #expect(message.contains("wire type 3"))
    }
}
