import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Damaged and malicious models end in an error that says what is wrong; none crashes or takes memory beyond its size.
@Suite("Hostile Core ML", .tags(.files)) struct HostileCoreMLTests {
    /// Reads bytes as a specification in one file; what is wrong, or nil.
    static func read(_ bytes: [UInt8], _ folder: TemporaryFolder) -> String? {
        let url = folder.file("hostile.mlmodel")
        do {
            try overwrite(url, with: bytes)
            let model = try Model(coreML: url)
            return model.graph.nodes.isEmpty ? "a network without nodes" : nil
        } catch {
            return "\(error)"
        }
    }

    static func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixture("CoreML/\(file)")))
    }

    /// A copy of a package whose files can be damaged.
    static func copy(_ name: String, _ folder: TemporaryFolder) throws -> URL {
        let url = folder.file(name)
        try? FileManager.default.removeItem(at: url)
        try FileManager.default.copyItem(at: fixture("CoreML/\(name)"), to: url)
        return url
    }

    static let specification = "Data/com.apple.CoreML/model.mlmodel"
    static let weights = "Data/com.apple.CoreML/weights/weight.bin"

    /// What is wrong with a package after one of its files was changed.
    static func problem(
        _ location: String, of name: String = "plain-32.mlpackage", _ change: (inout [UInt8]) throws -> Void
    ) throws -> String? {
        let folder = try TemporaryFolder()
        let url = try copy(name, folder)
        let file = url.appendingPathComponent(location)
        var bytes = [UInt8](try Data(contentsOf: file))
        try change(&bytes)
        try overwrite(file, with: bytes)
        do {
            _ = try Model(coreML: url)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("truncated at every length", arguments: ["shuffle.mlmodel"])
    func truncatedAtEveryLength(_ file: String) throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.bytes(file)
        for length in 0..<bytes.count {
            #expect(Self.read(Array(bytes[..<length]), folder) != nil, "cut at \(length)")
        }
    }

    @Test("a program truncated at every length") func truncatedProgram() throws {
        let folder = try TemporaryFolder()
        let url = try Self.copy("plain-32.mlpackage", folder)
        let file = url.appendingPathComponent(Self.specification)
        let bytes = [UInt8](try Data(contentsOf: file))
        for length in stride(from: 0, to: bytes.count, by: 7) {
            try overwrite(file, with: Array(bytes[..<length]))
            #expect(throws: FileError.self, "cut at \(length)") { try Model(coreML: url) }
        }
    }

    @Test(
        "flipped bits", .tags(.slow), .slow, arguments: ["plain.mlmodel", "five-axes.mlmodel", "transformer.mlmodel"])
    func flippedBits(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try Self.bytes(name)
        var random = SeededRandom(seed: 5, stream: name)
        for _ in 0..<500 {
            var bytes = original
            for _ in 0..<(1 + Int(random.next() % 3)) {
                bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            }
            _ = Self.read(bytes, folder)
        }
    }

    @Test("flipped bits of a program", .tags(.slow), .slow) func flippedBitsOfAProgram() throws {
        let folder = try TemporaryFolder()
        let url = try Self.copy("various-32.mlpackage", folder)
        let file = url.appendingPathComponent(Self.specification)
        let original = [UInt8](try Data(contentsOf: file))
        var random = SeededRandom(seed: 6, stream: "program")
        for _ in 0..<500 {
            var bytes = original
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            try overwrite(file, with: bytes)
            _ = try? Model(coreML: url)
        }
    }

    // MARK: The weight file

    @Test("blob records") func blobRecords() throws {
        // The first record lies behind the header of 64 bytes: mark, type, size and offset.
        let damages: [(String, (inout [UInt8]) -> Void)] = [
            ("mark is missing", { $0[64] ^= 1 }),
            ("another element type", { $0[68] = 1 }),
            ("takes .* bytes, but its blob has", { $0[72] ^= 4 }),
            ("lies at byte .* of the weight file", { $0[87] = 0x7f }),
            ("lies at byte 0 of the weight file", { $0[80..<88] = ArraySlice([UInt8](repeating: 0, count: 8)) }),
            ("version 9, and 2 is read", { $0[4] = 9 }),
            ("multiples of 64|cut off", { $0.removeLast($0.count - 100) }),
            ("has 0 bytes", { $0 = [] }),
        ]
        for (expected, damage) in damages {
            let problem = try #require(try Self.problem(Self.weights, damage), "\(expected)")
            #expect(problem.contains(try Regex(expected)), "\(problem)")
        }
    }

    @Test("blobs that overlap") func blobsThatOverlap() throws {
        // The second record is moved to point into the first blob.
        let problem = try Self.problem(Self.weights) { bytes in
            func number(_ place: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
            let second = (number(80) + number(72) + 63) / 64 * 64
            let (place, size) = (number(80) + 4, number(second + 8))
            #expect(size > 0)
            // Records come in front of their blobs, so the first blob is made to reach over the second.
            let reach = number(second + 16) - 4
            for byte in 0..<8 { bytes[80 + byte] = UInt8(truncatingIfNeeded: reach >> (8 * byte)) }
            _ = place
        }
        #expect(try #require(problem).contains("overlap"), "\(problem ?? "")")
    }

    @Test("a weight file that is missing, or a link out of the package") func weightFileElsewhere() throws {
        let folder = try TemporaryFolder()
        let url = try Self.copy("plain-32.mlpackage", folder)
        let weights = url.appendingPathComponent(Self.weights)
        let outside = folder.file("outside.bin")
        try FileManager.default.moveItem(at: weights, to: outside)
        let missing = #expect(throws: FileError.self) { try Model(coreML: url) }
        #expect(missing?.message.contains("not in the model's folder") == true)
        try FileManager.default.createSymbolicLink(at: weights, withDestinationURL: outside)
        let link = #expect(throws: FileError.self) { try Model(coreML: url) }
        #expect(link?.message.contains("not inside the model's folder") == true)
    }

    @Test("a blob's file outside the package", arguments: ["../weight.bin", "/etc/passwd", "weights/../../../x"])
    func blobOutside(_ location: String) throws {
        let problem = try Self.problem(Self.specification) { bytes in
            // The name is replaced in the whole specification, whose lengths stay.
            let old = Array("@model_path/weights/weight.bin".utf8)
            let new = Array(("@model_path/" + location).utf8.prefix(old.count))
            let padded = new + [UInt8](repeating: UInt8(ascii: "x"), count: old.count - new.count)
            var place = 0
            while place + old.count <= bytes.count {
                if bytes[place..<(place + old.count)].elementsEqual(old) {
                    bytes.replaceSubrange(place..<(place + old.count), with: padded)
                }
                place += 1
            }
        }
        let text = try #require(problem)
        #expect(text.contains("not inside the model's folder") || text.contains("not in the model's folder"), "\(text)")
    }

    // MARK: The manifest

    @Test(
        "manifests",
        arguments: [
            ("", "does not list the package's items"), ("[]", "does not list the package's items"),
            (#"{"itemInfoEntries": {}, "rootModelIdentifier": "A"}"#, "does not list its root model"),
            (
                #"{"itemInfoEntries": {"A": {"path": "../../../etc/passwd"}}, "rootModelIdentifier": "A"}"#,
                "not inside the model's folder"
            ),
            (
                #"{"itemInfoEntries": {"A": {"path": "no.mlmodel"}}, "rootModelIdentifier": "A"}"#,
                "not in the model's folder"
            ),
            (#"{"itemInfoEntries": {"A": {"path": "com.apple.CoreML"}}, "rootModelIdentifier": "A"}"#, "is a folder"),
        ])
    func manifests(_ text: String, _ expected: String) throws {
        let problem = try Self.problem("Manifest.json") { $0 = Array(text.utf8) }
        #expect(try #require(problem).contains(expected), "\(problem ?? "")")
    }

    // MARK: What is refused by name

    @Test(
        "operations that are not read",
        arguments: [
            ("constexpr_lut_to_dense", "palettized"), ("constexpr_affine_dequantize", "quantized"),
            ("constexpr_blockwise_shift_scale", "quantized"), ("constexpr_sparse_to_dense", "sparse"),
            ("cond", "control flow"), ("while_loop", "control flow"), ("read_state", "state"),
            ("custom_layer", "custom"), ("lstm", "not supported"), ("conv_transpose", "not supported"),
        ])
    func refusedOperations(_ type: String, _ expected: String) throws {
        var file = ProgramFile()
        try file.add(type, [("x", .value("x"))], [1, 4])
        let problem = try #require(try file.problem())
        #expect(problem.contains(expected) && problem.contains("operation 'y' (\(type))"), "\(problem)")
    }

    @Test("parameters that are not read") func refusedParameters() throws {
        var file = ProgramFile()
        try file.add("relu", [("x", .value("x")), ("slope", .number(1))], [1, 4])
        #expect(try #require(try file.problem()).contains("parameter 'slope'"))
    }

    @Test("cycles") func cycles() throws {
        var file = ProgramFile()
        file.writer.declare("later", as: "later", MILProgramWriter.ValueType(shape: [1, 4]))
        try file.add("add", [("x", .value("x")), ("y", .value("later"))], [1, 4])
        // Two identifiers that stand for each other.
        var bytes = file.bytes
        let name = Array("later".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
        bytes.replaceSubrange(place..<(place + name.count), with: Array("yyyyy".utf8))
        #expect(try #require(Self.read(bytes, TemporaryFolder())).contains("nothing gives"))
    }

    @Test("a value that is read before it is given, by itself") func readsItself() throws {
        var file = ProgramFile()
        file.writer.declare("y_2", as: "y_2", MILProgramWriter.ValueType(shape: [1, 4]))
        try file.add("add", [("x", .value("x")), ("y", .value("y_2"))], to: "a", [1, 4])
        try file.add("relu", [("x", .value("a"))], to: "y_2", [1, 4])
        file.outputs = ["y_2_2"]
        let problem = try #require(try file.problem())
        #expect(problem.contains("nothing gives") || problem.contains("cycles"), "\(problem)")
    }

    @Test(
        "other kinds of models",
        arguments: [(201, "pipeline"), (402, "trees"), (404, "nearest-neighbor"), (777, "777")])
    func otherKinds(_ type: Int, _ expected: String) throws {
        var file = ProgramFile()
        file.type = type
        try file.add("relu", [("x", .value("x"))], [1, 4])
        #expect(try #require(try file.problem()).contains(expected))
    }

    @Test("versions that are too new") func newVersions() throws {
        var file = ProgramFile()
        file.version = 99
        try file.add("relu", [("x", .value("x"))], [1, 4])
        #expect(try #require(try file.problem()).contains("version 99, and up to 10"))
    }

    @Test("quantized weights of a network of layers") func quantizedLayers() throws {
        let folder = try TemporaryFolder()
        var weights = WireWriter()
        weights.content(30, [1, 2, 3, 4])
        weights.message(40) { $0.integer(1, 8) }
        let bytes = Self.layers { network in
            network.message(1) { layer in
                layer.string(1, "fc")
                layer.string(2, "x")
                layer.string(3, "y")
                layer.message(140) { product in
                    product.integer(1, 4)
                    product.integer(2, 2)
                    product.content(20, weights.bytes)
                }
            }
        }
        let problem = try #require(Self.read(bytes, folder))
        #expect(problem.contains("layer 'fc' (innerProduct): has quantized weights"), "\(problem)")
    }

    @Test(
        "layers that are not read",
        arguments: [
            (500, "custom"), (605, "control flow"), (615, "control flow"), (410, "gru"), (9000, "of kind 9000"),
        ])
    func refusedLayers(_ kind: Int, _ name: String) throws {
        let bytes = Self.layers { network in
            network.message(1) { layer in
                layer.string(1, "own")
                layer.string(2, "x")
                layer.string(3, "y")
                layer.message(kind) { _ in }
            }
        }
        let problem = try #require(Self.read(bytes, TemporaryFolder()))
        #expect(problem.contains("layer 'own' (") && problem.contains(name), "\(problem)")
    }

    /// A network of layers over four numbers.
    static func layers(_ body: (inout WireWriter) -> Void) -> [UInt8] {
        var file = WireWriter()
        file.integer(1, 4)
        file.message(2) { description in
            description.message(1) { feature in
                feature.string(1, "x")
                feature.message(3) { $0.message(5) { $0.packed(1, [1, 4]) } }
            }
            description.message(10) { feature in
                feature.string(1, "y")
                feature.message(3) { type in type.message(5) { _ in } }
            }
        }
        file.message(500) { network in
            network.integer(5, 1)
            body(&network)
        }
        return file.bytes
    }
}
