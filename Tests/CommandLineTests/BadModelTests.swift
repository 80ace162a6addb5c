import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("Bad model files", .tags(.commandLine))
struct BadModelTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func expect(
        _ message: String, _ model: String, _ extra: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outputs = try TemporaryFolder()
        let ending = try Program.run(
            [
                "forget", model, "--classes", "0", "--retain", materials.dataset, "--output",
                outputs.path("out.safetensors"),
            ] + extra)
        #expect(ending.status == 1, sourceLocation: sourceLocation)
        #expect(ending.errorLines.count == 1, sourceLocation: sourceLocation)
        #expect(
            ending.errors.hasPrefix("unlearn: error: \(model): "), "\(ending.errors)",
            sourceLocation: sourceLocation)
        #expect(ending.errors.contains(message), "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(ending.output.isEmpty && outputs.isEmpty, sourceLocation: sourceLocation)
    }

    private func file(_ header: String, data: Int, length: UInt64? = nil) throws -> String {
        var bytes = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) }
        bytes += Array(header.utf8) + [UInt8](repeating: 0, count: data)
        let name = "\(UUID()).safetensors"
        try Data(bytes).write(to: folder.url.appendingPathComponent(name))
        return folder.path(name)
    }

    @Test("damaged files")
    func damaged() throws {
        try expect("does not exist", folder.path("nowhere.safetensors"))
        try expect("is a folder", folder.url.path)
        try expect("8 for its header's length", try file("", data: 0, length: 0).droppingBytes(4))
        try expect("above the limit", try file("{}", data: 0, length: 1 << 60))
        try expect("but the file ends", try file("{}", data: 0, length: 1000))
        let overlapping = """
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}
            """
        try expect("overlap", try file(overlapping, data: 12))
    }

    @Test("files that are not the network's")
    func otherNetworks() throws {
        let flags = ["--architecture", Materials.architecture, "--image-size", "4"]
        try expect("does not say which network it is for", materials.plainModel)
        try expect(
            "not a state dictionary of vgg16_bn", materials.plainModel, ["--architecture", "vgg16_bn"])
        try expect("leave the architecture out", materials.model, ["--architecture", "vgg16_bn"])
        try expect("leave the size out", materials.model, ["--image-size", "32"])

        let tensors = try Model(contentsOf: URL(fileURLWithPath: materials.model)).stateDictionary
        func altered(_ change: (inout [String: Tensor]) throws -> Void) throws -> String {
            var copy = tensors
            try change(&copy)
            let path = folder.path("\(UUID()).safetensors")
            try SafetensorsWriter.write(copy, to: URL(fileURLWithPath: path))
            return path
        }
        let name = "layer1.0.conv1.weight"
        try expect("tensor '\(name)' is missing", try altered { $0[name] = nil }, flags)
        try expect(
            "tensor 'extra' is not in this network",
            try altered { $0["extra"] = Tensor(repeating: 0, shape: [1]) }, flags)
        try expect(
            "tensor '\(name)' is 1x2 where the network has",
            try altered { $0[name] = Tensor(repeating: 0, shape: [1, 2]) }, flags)
    }

    @Test("a network with a number that is not finite")
    func notFinite() throws {
        let name = "layer1.0.conv1.weight"
        var model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let shape = try #require(model.parameters[name]?.shape)
        model = try model.replacing([name: Tensor(repeating: .nan, shape: shape)])
        try model.write(to: folder.url.appendingPathComponent("nan.safetensors"))
        let ending = try Program.run([
            "forget", folder.path("nan.safetensors"), "--classes", "0", "--retain", materials.dataset,
            "--output",
            folder.path("out.safetensors"),
        ])
        #expect(ending.status == 1)
        #expect(
            ending.errors.hasPrefix(
                "unlearn: error: \(folder.path("nan.safetensors")): tensor '\(name)' has the number"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
    }

    @Test("every command that uses a model refuses one with such a number, and with a variance below 0")
    func unsound() throws {
        let model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let variance = try #require(model.state.keys.filter { $0.hasSuffix(".running_var") }.min())
        let weight = try #require(model.parameters.keys.filter { $0.hasSuffix(".weight") }.min())
        for (tensor, value, text) in [
            (weight, Float.nan, "has the number NaN"), (weight, -.infinity, "has the number -infinity"),
            (variance, .nan, "has the number NaN"), (variance, -0.5, "has the variance -0.5, which is below 0"),
        ] {
            var numbers = try #require(model.stateDictionary[tensor])
            numbers[1] = value
            let broken = folder.path("broken.safetensors")
            try model.replacing([tensor: numbers]).write(to: URL(fileURLWithPath: broken))
            let (data, output) = (materials.dataset, folder.path("out.safetensors"))
            for arguments in [
                ["evaluate", broken, "--dataset", data, "--forgotten", "0"],
                ["predict", broken, "--dataset", data, "--logits", output], ["convert", broken, output],
                ["convert", broken, folder.path("out.onnx"), "--json"],
                ["forget", broken, "--classes", "0", "--retain", data, "--output", output],
                ["audit", materials.model, broken, "--dataset", data, "--forgotten", "0"],
                ["audit", broken, materials.model, "--dataset", data, "--forgotten", "0"],
                [
                    "audit", materials.model, materials.model, "--dataset", data, "--forgotten", "0", "--retrained",
                    broken,
                ],
            ] {
                let ending = try Program.run(arguments)
                #expect(ending.status == 1)
                #expect(
                    ending.errors.contains(
                        "error: \(broken): tensor '\(tensor)' \(text); use a model whose training ended"),
                    "\(arguments[0]): \(ending.errors)")
                #expect(!FileManager.default.fileExists(atPath: output))
            }
            let inspected = try Program.run(["inspect", broken, "--json"])
            #expect(inspected.status == 0 && inspected.errors.contains("tensor '\(tensor)' \(text)"))
            #expect((try inspected.json()["fault"] as? String)?.contains(text) == true)
        }
        #expect(try Program.run(["inspect", materials.model, "--json"]).json()["fault"] == nil)
    }

    @Test("an input that is none, and an answer that is none, are named")
    func numbers() throws {
        var images = Tensor(repeating: 0.5, shape: [4, 1, 4, 4])
        images[2 * 16 + 5] = .nan
        let input = folder.path("input.safetensors")
        try SafetensorsWriter.write(["input": images], to: URL(fileURLWithPath: input))
        let logits = folder.path("logits.safetensors")
        let inputs = try Program.run(["predict", materials.model, "--input", input, "--logits", logits])
        #expect(inputs.status == 1)
        #expect(
            inputs.errors
                == "unlearn: error: the input data's example 2 has an infinite or undefined number; leave it out\n")
        let model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let huge = folder.path("huge.safetensors")
        try model.replacing(
            model.parameters.filter { $0.key.hasSuffix(".weight") }.mapValues {
                Tensor(repeating: 3e38, shape: $0.shape)
            }
        ).write(to: URL(fileURLWithPath: huge))
        for arguments in [
            ["predict", huge, "--dataset", materials.dataset, "--logits", logits],
            ["evaluate", huge, "--dataset", materials.dataset, "--forgotten", "0"],
        ] {
            let ending = try Program.run(arguments)
            #expect(ending.status == 1 && ending.output.isEmpty)
            #expect(
                ending.errors.hasPrefix("unlearn: error: the model gives ")
                    && ending.errors.contains(" for example 0 of"))
        }
        #expect(!FileManager.default.fileExists(atPath: logits))
    }
}

extension String {
    /// The path of a file after its last bytes were cut off.
    fileprivate func droppingBytes(_ count: Int) throws -> String {
        let url = URL(fileURLWithPath: self)
        try Data(contentsOf: url).dropLast(count).write(to: url)
        return self
    }
}
