import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

/// Files that people give as models and that are none: each is called what it is, with what to do about it.
@Suite("Foreign format", .tags(.files)) struct ForeignFormatTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The beginning of a ZIP archive with one file, of which only the names matter.
    private static func zip(_ name: String) -> [UInt8] {
        let local: [UInt8] = [0x50, 0x4b, 3, 4] + [UInt8](repeating: 0, count: 22) + [UInt8(name.utf8.count), 0, 0, 0]
        let central: [UInt8] = [0x50, 0x4b, 1, 2] + [UInt8](repeating: 0, count: 42)
        return local + Array(name.utf8) + [UInt8](repeating: 7, count: 5000) + central + Array(name.utf8)
    }

    private static let tar = [UInt8](repeating: 0x61, count: 257) + Array("ustar\u{0}00".utf8)

    static let files: [(what: String, remedy: String, bytes: [UInt8])] = [
        ("a PyTorch pickle", "save_file(model.state_dict(), \"model.safetensors\")", zip("archive/data.pkl")),
        ("a PyTorch pickle", "save_file", [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8]),
        ("a PyTorch pickle", "save_file", [0x80, 4, 0x95]),
        ("a TorchScript archive", "torch.jit.load", zip("m/data.pkl") + zip("m/constants.pkl")),
        ("a Keras archive", "ONNX", zip("model.weights.h5")),
        ("a NumPy file", "save_file", zip("weights.npy")),
        ("a ZIP archive", "unpack it", zip("model.safetensors")),
        ("an HDF5 file", "ONNX", [0x89] + Array("HDF\r\n\u{1A}\n".utf8) + [0, 0, 0, 0]),
        ("a TensorFlow SavedModel", "ONNX", [8, 1, 0x12, 0x9a, 0x80, 4, 10, 5]),
        ("a TensorFlow Lite model", "ONNX", [28, 0, 0, 0] + Array("TFL3".utf8) + [20, 0]),
        ("a NumPy file", "save_file", [0x93] + Array("NUMPY".utf8) + [1, 0]),
        ("a GGUF file", "language model", Array("GGUF".utf8) + [3, 0, 0, 0]),
        ("compressed by gzip", "gunzip", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        ("compressed by xz", "unxz", [0xfd] + Array("7zXZ\u{0}".utf8) + [0, 4]),
        ("compressed by Zstandard", "unzstd", [0x28, 0xb5, 0x2f, 0xfd, 4]),
        ("compressed by bzip2", "bunzip2", Array("BZh91AY".utf8)),
        ("a tar archive", "unpack it", tar),
        (
            "a Git LFS pointer", "git lfs pull",
            Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 46827520\n".utf8)
        ),
        ("a web page", "download the file itself", Array("\n<!DOCTYPE html>\n<html lang=\"en\">".utf8)),
        ("a web page", "download the file itself", Array("<HTML><head>".utf8)),
        (
            "the index of a model in several files", "join them",
            Array(#"{"metadata": {"total_size": 5}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#.utf8)
        ),
        ("a JSON file", "the file with the weights", Array("{\n  \"architectures\": [\"ResNet\"]}".utf8)),
    ]

    /// Names say nothing: what is in the file decides.
    @Test("is named", arguments: files.indices, ["model.safetensors", "model.onnx", "model.pth", "model"])
    func isNamed(_ index: Int, _ name: String) throws {
        let (what, remedy, bytes) = Self.files[index]
        let url = folder.file(name)
        try Data(bytes).write(to: url)
        for read in [{ _ = try Model(safetensors: $0) }, { _ = try SafetensorsFile(contentsOf: $0) }]
            as [(URL) throws -> Void]
        {
            let error = #expect(throws: FileError.self) { try read(url) }
            #expect(error?.path == url.path)
            #expect(error?.message.contains(" \(what)") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains(remedy) == true, "\(error?.message ?? "")")
        }
    }

    /// What `import ModelInterchange` reads is called by its name, with what reads it.
    @Test(
        "other models are named",
        arguments: [
            ("ONNX/plain-new.onnx", "ONNX"), ("CoreML/plain-32.mlpackage", "Core ML"),
            ("CoreML/plain.mlmodel", "Core ML"),
        ])
    func otherModelsAreNamed(_ path: String, _ format: String) throws {
        let url = fixture(path)
        for read in [{ _ = try Model(safetensors: $0) }, { _ = try Model(safetensors: $0, as: AllCNN()) }]
            as [(URL) throws -> Void]
        {
            let error = #expect(throws: FileError.self) { try read(url) }
            #expect(error?.path == url.path)
            #expect(error?.message.contains("the format \(format),") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("import ModelInterchange") == true, "\(error?.message ?? "")")
        }
    }

    /// A header's length may have the bytes of any signature; the brace after it tells.
    @Test("headers of any length are read", arguments: [UInt64(0x0280), 0x8b1f, 0x121208])
    func headersOfAnyLengthAreRead(_ length: UInt64) throws {
        let header = "{}" + String(repeating: " ", count: Int(length) - 2)
        let url = try folder.safetensors(header)
        #expect(try SafetensorsFile(contentsOf: url).names.isEmpty)
        #expect(try ModelFormat(reading: url) == .safetensors)
    }
}
