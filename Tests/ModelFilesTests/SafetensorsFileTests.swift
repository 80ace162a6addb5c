import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

@Suite("Safetensors file", .tags(.files)) struct SafetensorsFileTests {
    @Test("reads a state dictionary") func readsAStateDictionary() throws {
        let file = try SafetensorsFile(contentsOf: fixture("Safetensors/pytorch.safetensors"))
        #expect(
            file.names == [
                "conv.bias", "conv.weight", "linear.bias", "linear.weight", "norm.bias",
                "norm.num_batches_tracked", "norm.running_mean", "norm.running_var", "norm.weight",
            ])
        #expect(file.metadata.isEmpty)
        #expect(file.shape(of: "conv.weight") == [4, 3, 3, 3])
        #expect(file.scalarType(of: "conv.weight") == .float32)
        #expect(file.shape(of: "norm.num_batches_tracked") == [])
        #expect(file.scalarType(of: "norm.num_batches_tracked") == .int64)
        #expect(file.scalarType(of: "conv") == nil && file.shape(of: "conv") == nil)
        let tensors = try file.tensors()
        #expect(tensors.mapValues(\.shape) == file.shapes)
        #expect(tensors["norm.num_batches_tracked"]?.elements == [0])
        // As Tests/Fixtures/generator.py makes them.
        #expect(tensors["conv.weight"]?.elements[..<3] == [-0.29333758, 0.15092477, 0.343295])
    }

    @Test("reads element types") func readsElementTypes() throws {
        let file = try SafetensorsFile(contentsOf: fixture("Safetensors/dtypes.safetensors"))
        let exact = try file.tensor("f32")
        #expect(exact.shape == [3, 5])
        #expect(try file.tensor("f64") == exact)
        for (name, precision) in [("f16", Float(0x1p-11)), ("bf16", 0x1p-8)] {
            let tensor = try file.tensor(name)
            #expect(tensor.shape == exact.shape)
            for (value, reference) in zip(tensor.elements, exact.elements) {
                #expect(abs(value - reference) <= precision * abs(reference))
            }
        }
        #expect(try file.tensor("i64").elements == [-1, 0, Float(1 << 40)])
    }

    @Test("reads int32 and empty tensors") func readsInt32AndEmptyTensors() throws {
        let folder = try TemporaryFolder()
        let header = #"""
             {"e":{"dtype":"F16","shape":[0,7],"data_offsets":[0,0]},
              "i":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},
              "z":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]},
              "__metadata__":{"k":"\u00e9\n\ud83d\ude00\/"}}
            """#.trimmingCharacters(in: .whitespaces)
        let data: [UInt8] = [0xff, 0xff, 0xff, 0xff, 7, 0, 0, 0]
        let file = try SafetensorsFile(contentsOf: folder.safetensors(Array(header.utf8), data: data))
        #expect(try file.tensor("i").elements == [-1, 7])
        #expect(try file.tensor("e") == Tensor([], shape: [0, 7]))
        #expect(try file.tensor("z").shape == [3, 0])
        #expect(file.metadata == ["k": "é\n😀/"])
    }

    @Test("other element types are named") func otherElementTypesAreNamed() throws {
        let folder = try TemporaryFolder()
        for type in SafetensorsFile.ScalarType.allCases
        where !SafetensorsFile.ScalarType.readable.contains(type) {
            let size = type.byteCount
            let header =
                #"{"mask":{"dtype":"\#(type.rawValue)","shape":[2],"data_offsets":[0,\#(2 * size)]}}"#
            let file = try SafetensorsFile(contentsOf: folder.safetensors(header, data: 2 * size))
            let error = #expect(throws: FileError.self) { try file.tensor("mask") }
            #expect(
                error?.message == "tensor 'mask' has the dtype \(type.rawValue), which is not read; "
                    + "convert it to one of F32, F16, BF16, F64, I64, I32")
        }
    }

    @Test("missing tensors are named") func missingTensorsAreNamed() throws {
        let file = try SafetensorsFile(contentsOf: fixture("Safetensors/dtypes.safetensors"))
        let error = #expect(throws: FileError.self) { try file.tensor("f8") }
        #expect(error?.message == "there is no tensor 'f8'; see the file's names")
    }

    @Test("places that are no files are named") func placesThatAreNoFilesAreNamed() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe.path, 0o600) == 0)
        let cases = [
            (folder.file("missing"), "does not exist; check the path"),
            (folder.url, "is a folder; give a file"),
            (URL(filePath: "/dev/zero"), "is not a regular file; give one"),
            (pipe, "is not a regular file; give one"),
        ]
        for (url, message) in cases {
            let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: url) }
            #expect(error == FileError(url.path, message))
        }
    }

    @Test("files that shrink give an error") func filesThatShrinkGiveAnError() throws {
        let folder = try TemporaryFolder()
        let url = try folder.safetensors(
            #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, data: 16)
        let file = try SafetensorsFile(contentsOf: url)
        let handle = try FileHandle(forWritingTo: url)
        try handle.truncate(atOffset: 70)
        let error = #expect(throws: FileError.self) { try file.tensor("a") }
        #expect(error?.message == "ended at byte 70 while it was read; make it again")
    }
}
