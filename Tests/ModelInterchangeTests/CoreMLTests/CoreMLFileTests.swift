import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

@Suite("Core ML files", .tags(.files)) struct CoreMLFileTests {
    @Test("formats by content and by name") func formats() throws {
        #expect(try ModelFormat(reading: fixture("CoreML/plain-32.mlpackage")) == .coreMLPackage)
        #expect(try ModelFormat(reading: fixture("CoreML/plain.mlmodel")) == .coreMLFile)
        let folder = try TemporaryFolder()
        let renamed = folder.file("model.bin")
        try FileManager.default.copyItem(at: fixture("CoreML/plain.mlmodel"), to: renamed)
        #expect(try ModelFormat(reading: renamed) == .coreMLFile)
        #expect(ModelFormat(writing: folder.file("a.MLPackage")) == .coreMLPackage)
        for file in ["plain-old.onnx", "plain-new.onnx"] {
            #expect(try ModelFormat(reading: fixture("ONNX/\(file)")) == .onnx)
        }
    }

    @Test("compiled models and other folders are refused by name") func otherFolders() throws {
        let folder = try TemporaryFolder()
        let compiled = folder.file("Model.mlmodelc")
        try FileManager.default.createDirectory(at: compiled, withIntermediateDirectories: true)
        try Data().write(to: compiled.appendingPathComponent("coremldata.bin"))
        let refusal = #expect(throws: FileError.self) { try ModelFormat(reading: compiled) }
        #expect(refusal?.message.contains("compiled Core ML model") == true)
        let other = #expect(throws: FileError.self) { try ModelFormat(reading: folder.url) }
        #expect(other?.message.contains("is a folder") == true)
    }

    @Test("class labels and the preparation of pictures come from the model", arguments: ["-32.mlpackage", ".mlmodel"])
    func labelsAndPreparation(_ ending: String) throws {
        for (name, labels) in [
            ("mobile", ["ankle boot", "bag", "coat", "dress", "shirt"]), ("preactivation", ["1", "2", "3", "4", "5"]),
            ("plain", []),
        ] {
            let model = try Model(contentsOf: fixture("CoreML/\(name)\(ending)"))
            #expect(model.metadata.classNames == labels, "\(name)")
            guard !labels.isEmpty else {
                #expect(model.metadata.normalization == nil)
                continue
            }
            let normalization = try #require(model.metadata.normalization)
            for (found, expected) in zip(normalization.mean, [0.4, 0.45, 0.5] as [Float]) {
                #expect(abs(found - expected) <= 1e-6, "\(name)")
            }
            #expect(normalization.standardDeviation.allSatisfy { abs($0 - 0.25) <= 1e-6 })
        }
    }

    /// Blue comes first in the file, and red in our pictures.
    @Test("pictures of another order of channels", arguments: ["-32.mlpackage", ".mlmodel"])
    func exchangesChannels(_ ending: String) throws {
        let model = try Model(contentsOf: fixture("CoreML/shuffle\(ending)"))
        let normalization = try #require(model.metadata.normalization)
        for (found, expected) in zip(normalization.mean, [0.4, 0.45, 0.5] as [Float]) {
            #expect(abs(found - expected) <= 1e-6)
        }
    }

    @Test("a model remembers what it has forgotten", arguments: ["mobile-16.mlpackage", "plain.mlmodel"])
    func remembersForgottenClasses(_ file: String) throws {
        let folder = try TemporaryFolder()
        let source = fixture("CoreML/\(file)")
        var model = try Model(contentsOf: source)
        model.metadata.forgottenClasses = [1, 3]
        let url = folder.file(source.lastPathComponent)
        try model.write(to: url)
        var again = try Model(contentsOf: url)
        #expect(again.metadata.forgottenClasses == [1, 3])
        let bytes = try CoreMLNetworkTests.contents(url)
        try again.write(to: folder.file("same" + source.lastPathComponent))
        #expect(try CoreMLNetworkTests.contents(folder.file("same" + source.lastPathComponent)) == bytes)
        again.metadata.forgottenClasses = [2]
        try again.write(to: url)
        #expect(try Model(contentsOf: url).metadata.forgottenClasses == [2])
    }

    @Test("16-bit weights are rounded once, and the rounded model is what is written") func roundsOnce() throws {
        let folder = try TemporaryFolder()
        let model = try Model(contentsOf: fixture("CoreML/plain-16.mlpackage"))
        let trained = try ONNXNetworkTests.trained(model)
        let rounded = try trained.roundedToItsFile()
        #expect(rounded.parameters != trained.parameters)
        for (key, tensor) in rounded.parameters {
            let expected = try #require(trained.parameters[key]).elements.map { float(fromHalf: halfBits(of: $0)) }
            #expect(tensor.elements == expected, "\(key)")
        }
        #expect(try rounded.roundedToItsFile().parameters == rounded.parameters)
        let url = folder.file("m.mlpackage")
        try rounded.write(to: url)
        #expect(try Model(contentsOf: url).parameters == rounded.parameters)
        let key = try #require(model.parameters.keys.min())
        let large = try Tensor(repeating: 1e6, shape: #require(model.parameters[key]).shape)
        let refusal = #expect(throws: FileError.self) { try model.replacing([key: large]).roundedToItsFile() }
        #expect(refusal?.message.contains("does not reach") == true)
    }

    @Test("only what was one file becomes one") func oneFile() throws {
        let folder = try TemporaryFolder()
        let model = try Model(contentsOf: fixture("CoreML/plain-32.mlpackage"))
        let refusal = #expect(throws: FileError.self) { try model.write(to: folder.file("m.mlmodel")) }
        #expect(refusal?.message.contains("ends in .mlpackage") == true)
        #expect(try folder.content.isEmpty)
        let layers = try Model(contentsOf: fixture("CoreML/plain.mlmodel"))
        try layers.write(to: folder.file("m.mlpackage"))
        #expect(try (Model(contentsOf: folder.file("m.mlpackage")).origin as? CoreMLOrigin)?.isProgram == true)
    }

    @Test("packages replace packages and nothing else") func replacesPackages() throws {
        let folder = try TemporaryFolder()
        let model = try Model(contentsOf: fixture("CoreML/plain-32.mlpackage"))
        let url = folder.file("m.mlpackage")
        try Model(contentsOf: fixture("CoreML/mobile-32.mlpackage")).write(to: url)
        try model.write(to: url)
        #expect(
            try CoreMLNetworkTests.contents(url) == CoreMLNetworkTests.contents(fixture("CoreML/plain-32.mlpackage")))
        // Onto itself, since what is read stays open.
        let own = try Model(contentsOf: url)
        try own.write(to: url)
        #expect(try folder.content == ["m.mlpackage"])
        let other = folder.file("other.mlpackage")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: other.appendingPathComponent("notes.txt"))
        let refusal = #expect(throws: FileError.self) { try model.write(to: other) }
        #expect(refusal?.message.contains("no Core ML package") == true)
        let file = folder.file("file.mlpackage")
        try Data("x".utf8).write(to: file)
        #expect(throws: FileError.self) { try model.write(to: file) }
        #expect(throws: FileError.self) { try model.write(to: folder.file("no/m.mlpackage")) }
        #expect(try folder.content == ["file.mlpackage", "m.mlpackage", "other.mlpackage"])
    }

    @Test("an option of another format is refused") func refusesOptions() throws {
        let url = fixture("CoreML/plain-32.mlpackage")
        #expect(throws: FileError.self) {
            try Model(contentsOf: url, architecture: ArchitectureIdentifier(name: "resnet18"))
        }
        let refusal = #expect(throws: FileError.self) { try Model(contentsOf: url, outputName: "scores") }
        #expect(refusal?.message.contains("no output named 'scores'") == true)
    }

    @Test("the summary names format and maker") func summary() throws {
        let package = ModelSummary(try Model(contentsOf: fixture("CoreML/preactivation-32.mlpackage")))
        #expect(package.source == "Core ML program, specification 7")
        #expect(package.notes.contains { $0.contains("softmax at the end") })
        let layers = ModelSummary(try Model(contentsOf: fixture("CoreML/plain.mlmodel")))
        #expect(layers.source == "Core ML neural network, specification 4")
    }
}
