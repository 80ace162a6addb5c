import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Files are written back as they were, but for the weights that have changed.
@Suite("ONNX writing", .tags(.files)) struct ONNXWritingTests {
    private static let values: [Float] = [0.5, -1.25, 3, 0.0625, -0.75, 2, 1.5, -4]

    /// The ways to store the eight weights of a linear layer.
    static let storages: [(name: String, tensor: [UInt8])] = {
        func bytes(_ body: (inout WireWriter, Float) -> Void) -> [UInt8] {
            var writer = WireWriter()
            for value in values { body(&writer, value) }
            return writer.bytes
        }
        let half = bytes { $0.append(halfBits(of: $1)) }
        let brain = bytes { $0.append(brainBits(of: $1)) }
        let double = bytes { $0.append(Double($1).bitPattern) }
        let single = bytes { $0.append($1.bitPattern) }
        func tensor(_ type: Int, _ body: (inout WireWriter) -> Void) -> [UInt8] {
            GraphFile.tensor("w", [4, 2], type: type, body)
        }
        return [
            ("raw float32", tensor(1) { $0.content(9, single) }),
            ("packed float32", tensor(1) { $0.content(4, single) }),
            ("single float32", tensor(1) { writer in for value in values { writer.float(4, value) } }),
            ("raw float16", tensor(10) { $0.content(9, half) }),
            ("float16 in integers", tensor(10) { $0.packed(5, values.map { Int(halfBits(of: $0)) }) }),
            ("raw bfloat16", tensor(16) { $0.content(9, brain) }),
            (
                "bfloat16 in integers",
                tensor(16) { writer in
                    for value in values { writer.integer(5, Int(brainBits(of: value))) }
                }
            ),
            ("raw float64", tensor(11) { $0.content(9, double) }),
            ("packed float64", tensor(11) { $0.content(10, double) }),
        ]
    }()

    private func file(_ tensor: [UInt8]) -> GraphFile {
        var file = GraphFile.linear
        file.tensors = [tensor]
        return file
    }

    @Test("every storage is read and written as it was", arguments: storages.map(\.name))
    func everyStorageIsReadAndWrittenAsItWas(_ name: String) throws {
        let folder = try TemporaryFolder()
        let tensor = try #require(Self.storages.first { $0.name == name }?.tensor)
        let (source, target) = (folder.file("source.onnx"), folder.file("target.onnx"))
        try overwrite(source, with: file(tensor).bytes)
        let model = try Model(onnx: source)
        let weight = try #require(model.parameters["w"])
        #expect(try weight.transposed([1, 0]).elements == Self.values)
        try model.write(to: target)
        #expect(try Data(contentsOf: target) == Data(contentsOf: source))

        // Twice as large: exact in every type, with other lengths of some numbers.
        let doubled = try model.replacing(["w": Tensor(weight.elements.map { 2 * $0 }, shape: weight.shape)])
        try doubled.write(to: target)
        let again = try Model(onnx: target)
        #expect(again.parameters == doubled.parameters)
        let stored = try ONNXDocument([UInt8](Data(contentsOf: target))).graph
        #expect(
            stored.initializers[0].scalarType == (try ONNXDocument(file(tensor).bytes).graph.initializers[0].scalarType)
        )
        #expect(stored.nodes.map(\.name) == ["head"])
    }

    @Test("a file from elsewhere remembers what it forgot") func aFileFromElsewhereRemembersWhatItForgot() throws {
        let folder = try TemporaryFolder()
        let (source, target) = (folder.file("source.onnx"), folder.file("target.onnx"))
        let bytes = file(Self.storages[0].tensor).bytes
        try overwrite(source, with: bytes)
        var model = try Model(onnx: source)
        #expect(model.metadata.forgottenClasses.isEmpty)
        model.metadata.forgottenClasses = [1]
        try model.write(to: target)
        let written = [UInt8](try Data(contentsOf: target))
        // Everything that was there is there, and the property after it.
        #expect(written.starts(with: bytes) && written.count > bytes.count)
        #expect(try ONNXDocument(written).properties == ["unlearning.forgotten_classes": "[1]"])
        var again = try Model(onnx: target)
        #expect(again.metadata.forgottenClasses == [1])
        // A second time it is replaced.
        again.metadata.forgottenClasses = [0]
        try again.write(to: source)
        #expect(
            try ONNXDocument([UInt8](Data(contentsOf: source))).properties == ["unlearning.forgotten_classes": "[0]"])
        #expect(try Model(onnx: source).metadata.forgottenClasses == [0])
        again.metadata.requests = [ForgottenRequest(classes: [0], date: "2026-01-31T12:00:00Z")]
        try again.write(to: target)
        #expect(
            try ONNXDocument([UInt8](Data(contentsOf: target))).properties["unlearning.requests"]
                == #"[{"classes":[0],"date":"2026-01-31T12:00:00Z"}]"#)
        #expect(try Model(onnx: target).metadata == again.metadata)
    }

    @Test("an exported file remembers what it forgot") func anExportedFileRemembersWhatItForgot() throws {
        let folder = try TemporaryFolder()
        let (first, second) = (folder.file("first.onnx"), folder.file("second.onnx"))
        let network = AllCNN(normalizes: false, dropout: 0)
        var model = Model(graph: try network.graph(inputShape: [8, 8, 3], classes: 4), seed: 3)
        model.metadata.forgottenClasses = [2]
        try model.write(to: first)
        var read = try Model(onnx: first)
        #expect(read.metadata.forgottenClasses == [2])
        read.metadata.forgottenClasses = [0, 2]
        read.metadata.requests = [ForgottenRequest(classes: [0, 2]), ForgottenRequest(classes: [], samples: 3)]
        try read.write(to: second)
        #expect(try Model(onnx: second).metadata == read.metadata)
    }

    @Test("a memory that cannot be is refused", arguments: ["[7]", "[0,1]", "zero", "{}"])
    func aMemoryThatCannotBeIsRefused(_ text: String) throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var property = WireWriter()
        property.message(14) { entry in
            entry.string(1, "unlearning.forgotten_classes")
            entry.string(2, text)
        }
        try overwrite(source, with: file(Self.storages[0].tensor).bytes + property.bytes)
        #expect {
            try Model(onnx: source)
        } throws: { error in
            "\(error)".contains("property unlearning.forgotten_classes is")
                && "\(error)".contains("write the file again")
        }
    }

    @Test("values beyond a type are refused") func valuesBeyondATypeAreRefused() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        let tensor = try #require(Self.storages.first { $0.name == "raw float16" }?.tensor)
        try overwrite(source, with: file(tensor).bytes)
        let model = try Model(onnx: source)
        let large = try model.replacing(["w": Tensor(repeating: 1e6, shape: [2, 4])])
        #expect {
            try large.write(to: folder.file("target.onnx"))
        } throws: { error in
            "\(error)".contains("tensor 'w' is stored as float16, which does not reach")
        }
        #expect(try folder.content == ["source.onnx"])
    }

    @Test("halves are rounded to nearest even") func halvesAreRoundedToNearestEven() {
        #expect(halfBits(of: 0) == 0 && halfBits(of: -0.0) == 0x8000 && halfBits(of: 1) == 0x3c00)
        #expect(halfBits(of: 65504) == 0x7bff && halfBits(of: 65519.9) == 0x7bff && halfBits(of: 65520) == 0x7c00)
        #expect(halfBits(of: 0x1p-24) == 1 && halfBits(of: 0x1p-25) == 0 && halfBits(of: 0x1.8p-25) == 1)
        #expect(halfBits(of: .infinity) == 0x7c00 && halfBits(of: .nan) & 0x7c00 == 0x7c00)
        for bits in UInt16(0)...UInt16.max where bits & 0x7c00 != 0x7c00 {
            #expect(halfBits(of: float(fromHalf: bits)) == bits)
        }
        for exponent in -14...15 {
            let base = Float(sign: .plus, exponent: exponent, significand: 1)
            let bits = halfBits(of: base)
            // The middle between two neighbors goes to the even one.
            #expect(halfBits(of: base * (1 + 0x1p-11)) == bits)
            #expect(halfBits(of: base * (1 + 3 * 0x1p-11)) == bits + 2)
            #expect(halfBits(of: base * (1 + 0x1.1p-11)) == bits + 1)
        }
        #expect(
            brainBits(of: 1) == 0x3f80 && brainBits(of: 1 + 0x1p-8) == 0x3f80 && brainBits(of: 1 + 3 * 0x1p-8) == 0x3f82
        )
        #expect(brainBits(of: .infinity) == 0x7f80 && brainBits(of: .greatestFiniteMagnitude) == 0x7f80)
    }

    @Test("external weights stay external") func externalWeightsStayExternal() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var weights = WireWriter()
        for value in [Float(9), 8] + Self.values + [7] { weights.append(value.bitPattern) }
        try overwrite(folder.file("weights.bin"), with: weights.bytes)
        try overwrite(
            source,
            with: file(GraphFile.external("w", [4, 2], location: "weights.bin", offset: "8", length: "32")).bytes)
        let model = try Model(onnx: source)
        let weight = try #require(model.parameters["w"])
        let changed = try model.replacing(["w": Tensor(weight.elements.map { 2 * $0 }, shape: weight.shape)])
        // The original's files may be gone by then.
        try FileManager.default.removeItem(at: source)
        try changed.write(to: folder.file("target.onnx"))
        #expect(try folder.content == ["target.onnx", "target.onnx.data", "weights.bin"])
        var expected = WireWriter()
        for value in [Float(9), 8] + Self.values.map({ 2 * $0 }) + [7] { expected.append(value.bitPattern) }
        #expect(try [UInt8](Data(contentsOf: folder.file("target.onnx.data"))) == expected.bytes)
        #expect(try [UInt8](Data(contentsOf: folder.file("weights.bin"))) == weights.bytes)
        #expect(try Model(onnx: folder.file("target.onnx")).parameters == changed.parameters)
    }

    /// Exporters store equal tensors once and name the others by `Identity`; once they differ, each is stored.
    @Test("names of one tensor are parameters of their own") func namesOfOneTensorAreParametersOfTheirOwn() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var file = GraphFile()
        file.tensors = [
            GraphFile.tensor("w", [4, 4], (0..<16).map { Float($0) / 16 }),
            GraphFile.tensor("head", [4, 2], Self.values),
        ]
        file.nodes = [
            GraphFile.node("Identity", ["w"], ["w2"], name: "name"), GraphFile.node("MatMul", ["x", "w"], ["a"]),
            GraphFile.node("MatMul", ["a", "w2"], ["b"]), GraphFile.node("MatMul", ["b", "head"], ["y"]),
        ]
        try overwrite(source, with: file.bytes)
        let model = try Model(onnx: source)
        #expect(model.parameters["w"] == model.parameters["w2"])
        let target = folder.file("target.onnx")
        try model.write(to: target)
        #expect(try [UInt8](Data(contentsOf: target)) == file.bytes)
        let changed = try model.replacing(["w2": Tensor(repeating: 2, shape: [4, 4])])
        try changed.write(to: target)
        let again = try Model(onnx: target)
        #expect(again.parameters == changed.parameters)
        #expect(try ONNXDocument([UInt8](Data(contentsOf: target))).graph.nodes.count == 3)
    }

    /// Statistics that several nodes share since they are equal differ after training: each node gets its own.
    @Test("shared statistics come apart") func sharedStatisticsComeApart() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var file = GraphFile()
        file.tensors = [
            GraphFile.tensor("scale", [4], [1, 2, 3, 4]), GraphFile.tensor("shift", [4], [0, 0, 1, 1]),
            GraphFile.tensor("mean", [4], [0, 0, 0, 0]), GraphFile.tensor("variance", [4], [1, 1, 1, 1]),
            GraphFile.tensor("head", [4, 2], Self.values),
        ]
        file.nodes = [
            GraphFile.node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["a"], name: "first"),
            GraphFile.node("BatchNormalization", ["a", "variance", "mean", "mean", "variance"], ["b"], name: "second"),
            GraphFile.node("MatMul", ["b", "head"], ["y"]),
        ]
        try overwrite(source, with: file.bytes)
        let model = try Model(onnx: source)
        let target = folder.file("target.onnx")
        try model.write(to: target)
        #expect(try [UInt8](Data(contentsOf: target)) == file.bytes)
        let changed = try model.replacing([
            "first.running_mean": Tensor(repeating: 0.5, shape: [4]),
            "second.running_var": Tensor(repeating: 2, shape: [4]),
        ])
        try changed.write(to: target)
        let again = try Model(onnx: target)
        #expect(again.stateDictionary["first.running_mean"]?.elements == [0.5, 0.5, 0.5, 0.5])
        #expect(again.stateDictionary["second.running_var"]?.elements == [2, 2, 2, 2])
        let nodes = try ONNXDocument([UInt8](Data(contentsOf: target))).graph.nodes
        #expect(nodes[0].inputs == ["x", "scale", "shift", "first.running_mean", "variance"])
        #expect(nodes[1].inputs == ["a", "variance", "mean", "mean", "second.running_var"])
        // The second normalization's scale is one that it shares, which is not trained.
        #expect(
            model.graph.parameters.filter(\.specification.isTrained).map(\.key).sorted() == ["head", "scale", "shift"])
    }

    @Test("shared tensors are not trained") func sharedTensorsAreNotTrained() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var file = GraphFile()
        file.tensors = [
            GraphFile.tensor("w", [4, 4], (0..<16).map { Float($0) / 16 }),
            GraphFile.tensor("head", [4, 2], Self.values),
        ]
        file.nodes = [
            GraphFile.node("MatMul", ["x", "w"], ["a"], name: "first"),
            GraphFile.node("MatMul", ["a", "w"], ["b"], name: "second"),
            GraphFile.node("MatMul", ["b", "head"], ["y"]),
        ]
        try overwrite(source, with: file.bytes)
        let model = try Model(onnx: source)
        #expect(model.graph.parameters.filter(\.specification.isTrained).map(\.key) == ["head"])
        let summary = ModelSummary(model)
        #expect(summary.trainedCount == 8 && summary.fixed.map(\.count) == [16, 16])
        #expect(summary.fixed.allSatisfy { $0.reason == "several nodes share it" })
        let key = try #require(summary.fixed.first?.name)
        let changed = try model.replacing([key: Tensor(repeating: 0, shape: [4, 4])])
        #expect(throws: FileError.self) { try changed.write(to: folder.file("target.onnx")) }
    }

    @Test("unknown fields stay") func unknownFieldsStay() throws {
        let folder = try TemporaryFolder()
        let source = folder.file("source.onnx")
        var bytes = GraphFile.linear.bytes
        var extra = WireWriter()
        extra.string(900, "of a later version")
        extra.integer(901, -1)
        bytes += extra.bytes
        try overwrite(source, with: bytes)
        let model = try Model(onnx: source)
        let weight = try #require(model.parameters["w"])
        try model.replacing(["w": Tensor(repeating: 1, shape: weight.shape)]).write(to: folder.file("target.onnx"))
        let written = try [UInt8](Data(contentsOf: folder.file("target.onnx")))
        #expect(written.count == bytes.count && Array(written.suffix(extra.bytes.count)) == extra.bytes)
    }

    /// There and back, a model of ours is the same to the bit, with its names and metadata.
    @Test("our own models come back the same") func ourOwnModelsComeBackTheSame() throws {
        let folder = try TemporaryFolder()
        let graph = try AllCNN().graph(inputShape: [16, 16, 3], classes: 4)
        let metadata = ModelMetadata(
            architecture: AllCNN().identifier, classNames: ["a", "b", "c", "d"],
            normalization: Normalization(mean: [0.5], standardDeviation: [0.25]))
        let model = Model(graph: graph, metadata: metadata, seed: 3)
        try model.write(to: folder.file("model.onnx"))
        let again = try Model(contentsOf: folder.file("model.onnx"))
        #expect(again.parameters == model.parameters && again.state == model.state)
        #expect(again.metadata == model.metadata)
        #expect(again.graph.inputShape == graph.inputShape)
        try model.write(to: folder.file("direct.safetensors"))
        try again.write(to: folder.file("around.safetensors"))
        #expect(
            try Data(contentsOf: folder.file("direct.safetensors"))
                == Data(contentsOf: folder.file("around.safetensors")))
    }

    @Test("formats follow from content") func formatsFollowFromContent() throws {
        let folder = try TemporaryFolder()
        let url = folder.file("linear.safetensors")
        try overwrite(url, with: GraphFile.linear.bytes)
        #expect(try ModelFormat(reading: url) == .onnx)
        #expect(try Model(contentsOf: url).classCount == 2)
        #expect(throws: FileError.self) {
            try Model(contentsOf: url, architecture: ArchitectureIdentifier(name: "resnet18"))
        }
        let graph = try AllCNN().graph(inputShape: [16, 16, 3], classes: 4)
        let other = folder.file("model.bin")
        try Model(graph: graph, metadata: ModelMetadata(architecture: AllCNN().identifier), seed: 1)
            .writeSafetensors(to: other)
        #expect(try ModelFormat(reading: other) == .safetensors)
        #expect(try Model(contentsOf: other).classCount == 4)
    }
}
