import Foundation
import Testing
import Unlearning

@Suite("Bad model files")
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
        let flags = ["--architecture", "allcnn-bn", "--image-size", "4"]
        try expect("does not say which network it is for", materials.plainModel)
        try expect(
            "not a state dictionary of resnet18", materials.plainModel, ["--architecture", "resnet18"])
        try expect("no architecture 'vgg'", materials.plainModel, ["--architecture", "vgg"])
        try expect("leave the architecture out", materials.model, ["--architecture", "resnet18"])
        try expect("leave the size out", materials.model, ["--image-size", "32"])

        let tensors = try Model(contentsOf: URL(fileURLWithPath: materials.model)).stateDictionary
        func altered(_ change: (inout [String: Tensor]) throws -> Void) throws -> String {
            var copy = tensors
            try change(&copy)
            let path = folder.path("\(UUID()).safetensors")
            try SafetensorsWriter.write(copy, to: URL(fileURLWithPath: path))
            return path
        }
        let name = "features.4.0.weight"
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
        let name = "features.4.0.weight"
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
        #expect(ending.errors.hasPrefix("unlearn: error: the model's tensor '\(name)' has an infinite"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
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
