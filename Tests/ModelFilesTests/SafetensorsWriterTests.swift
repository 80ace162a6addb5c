import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

@Suite("Safetensors writer", .tags(.files)) struct SafetensorsWriterTests {
    private let folder: TemporaryFolder
    private let url: URL

    init() throws {
        folder = try TemporaryFolder()
        url = folder.file("out.safetensors")
    }

    @Test("round trip") func roundTrip() throws {
        let tensors = [
            "b": try Tensor([1.5, -.infinity, .leastNonzeroMagnitude, -0.0], shape: [2, 2]),
            "a": Tensor(repeating: 3, shape: []), "none": Tensor(repeating: 0, shape: [0, 4]),
            "quote\" back\\slash \u{1}\n é😀": Tensor(repeating: 1, shape: [3]),
        ]
        let metadata = ["format": "pt", "text": "line\nnext\t\"quoted\" \u{7f} é😀"]
        try SafetensorsWriter.write(tensors, metadata: metadata, to: url)
        let file = try SafetensorsFile(contentsOf: url)
        #expect(try file.tensors() == tensors)
        #expect(file.metadata == metadata)
        #expect(try folder.content == ["out.safetensors"])
    }

    @Test("undefined numbers keep their bits") func undefinedNumbersKeepTheirBits() throws {
        let bits: [UInt32] = [0x7fc0_0001, 0xffc1_2345, 0x7f80_0000]
        try SafetensorsWriter.write(["n": Tensor(bits.map(Float.init(bitPattern:)), shape: [3])], to: url)
        let elements = try SafetensorsFile(contentsOf: url).tensor("n").elements
        #expect(elements.map(\.bitPattern) == bits)
    }

    @Test("bytes are as described") func bytesAreAsDescribed() throws {
        let entries = try [
            SafetensorsWriter.Entry(name: "b", tensor: Tensor([1, 2], shape: [2])),
            .init(name: "a", tensor: Tensor([0.5], shape: [1])),
            .init(name: "n", tensor: Tensor([-2], shape: []), scalarType: .int64),
        ]
        try SafetensorsWriter.write(entries, metadata: ["y": "1", "x": "2"], to: url)
        let header =
            #"{"__metadata__":{"x":"2","y":"1"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#
            + #""a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"#
            + #""b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        var expected = Data([UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0]) + Data(padded.utf8)
        expected += [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
        expected += [0, 0, 0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]
        #expect(padded.utf8.count < 256)
        #expect(try Data(contentsOf: url) == expected)
    }

    @Test("order of entries does not matter") func orderOfEntriesDoesNotMatter() throws {
        let entries = (0..<50).map {
            SafetensorsWriter.Entry(name: "t\($0)", tensor: Tensor(repeating: Float($0), shape: [$0]))
        }
        try SafetensorsWriter.write(entries, to: url)
        let first = try Data(contentsOf: url)
        try SafetensorsWriter.write(entries.reversed(), to: url)
        #expect(try Data(contentsOf: url) == first)
    }

    @Test("empty file") func emptyFile() throws {
        try SafetensorsWriter.write([String: Tensor](), to: url)
        #expect(try SafetensorsFile(contentsOf: url).names.isEmpty)
    }

    @Test("entries that cannot be written are named") func entriesThatCannotBeWrittenAreNamed() throws {
        let tensor = Tensor(repeating: 0.5, shape: [1])
        typealias Entry = SafetensorsWriter.Entry
        let cases: [([Entry], String)] = [
            (
                [Entry(name: "a", tensor: tensor), Entry(name: "a", tensor: tensor)],
                "the name 'a' is taken twice or reserved; give every tensor its own"
            ),
            (
                [Entry(name: "__metadata__", tensor: tensor)],
                "the name '__metadata__' is taken twice or reserved; give every tensor its own"
            ),
            (
                [Entry(name: "a", tensor: tensor, scalarType: .int64)],
                "tensor 'a' has numbers that are not whole; write it as F32"
            ),
            (
                [Entry(name: "a", tensor: Tensor(repeating: .nan, shape: [1]), scalarType: .int64)],
                "tensor 'a' has numbers that are not whole; write it as F32"
            ),
            (
                [Entry(name: "a", tensor: tensor, scalarType: .float16)],
                "tensor 'a' cannot be written as F16; use F32 or I64"
            ),
        ]
        for (entries, message) in cases {
            let error = #expect(throws: FileError.self) {
                try SafetensorsWriter.write(entries, to: url)
            }
            #expect(error == FileError(url.path, message))
        }
        #expect(try folder.content.isEmpty)
    }

    @Test("places that cannot be written are named") func placesThatCannotBeWrittenAreNamed() throws {
        let missing = folder.file("missing/out.safetensors")
        let error = #expect(throws: FileError.self) {
            try SafetensorsWriter.write(["a": Tensor(repeating: 0, shape: [1])], to: missing)
        }
        #expect(error?.message == "the folder \(folder.url.path)/missing does not exist; create it first")
        #expect(error?.path == missing.path)
        #expect(try folder.content.isEmpty)
    }
}
