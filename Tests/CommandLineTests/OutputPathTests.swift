import Foundation
import TestSupport
import Testing
import Unlearning

/// Nothing that a run reads is replaced or joined by what it writes, whatever path or link leads there.
@Suite("Outputs and inputs", .tags(.commandLine))
struct OutputPathTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// A copy of the materials' data set, whose files a faulty program may destroy.
    private func dataset() throws -> String {
        let path = folder.path("data")
        if !FileManager.default.fileExists(atPath: path) {
            try FileManager.default.copyItem(atPath: materials.folder.path("data"), toPath: path)
        }
        return path
    }

    private func forget(_ dataset: String, to output: String) -> [String] {
        ["forget", materials.model, "--classes", "0", "--retain", dataset, "--output", output]
    }

    private func train(_ dataset: String, to output: String) -> [String] {
        ["train", "--dataset", dataset, "--output", output, "--epochs", "1"] + Materials.network
    }

    /// Checks that a command refuses to write, and that every file under the test's folder is as it was.
    private func expectRefusal(
        _ message: String, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try contents()
        let ending = try Program.run(arguments)
        #expect(ending.status == 1, "\(ending.output)", sourceLocation: sourceLocation)
        #expect(ending.errorLines.count == 1, sourceLocation: sourceLocation)
        #expect(ending.errors.contains(message), "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(try contents() == before, sourceLocation: sourceLocation)
    }

    /// Every file under the test's folder with its bytes; links are followed.
    private func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.url.path) {
            contents[name] = FileManager.default.contents(atPath: folder.path(name)) ?? Data()
        }
        return contents
    }

    @Test(
        "a data set's own files",
        arguments: [
            "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
        ])
    func ownFiles(name: String) throws {
        let data = try dataset()
        let message = "\(name): is an input of this run and is not replaced; give another name"
        try expectRefusal(message, forget("fashion-mnist:\(data)", to: "\(data)/\(name)"))
        try expectRefusal(message, train("fashion-mnist:\(data)", to: "\(data)/../data/\(name)"))
    }

    @Test("links of both kinds, and paths over links")
    func links() throws {
        let data = try dataset()
        let images = "\(data)/train-images-idx3-ubyte"
        let message = "is an input of this run"
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("soft.safetensors"), withDestinationPath: "data/train-images-idx3-ubyte")
        try expectRefusal(message, forget("fashion-mnist:\(data)", to: folder.path("soft.safetensors")))
        try FileManager.default.linkItem(atPath: images, toPath: folder.path("hard.safetensors"))
        try expectRefusal(message, forget("fashion-mnist:\(data)", to: folder.path("hard.safetensors")))
        try FileManager.default.createDirectory(
            atPath: "\(data)/deep/er", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link"), withDestinationPath: "data/deep/er")
        // The system follows the link before it goes up; the text alone leads elsewhere.
        try expectRefusal(
            message, forget("fashion-mnist:\(data)", to: folder.path("link/../../train-images-idx3-ubyte")))
        try expectRefusal(
            message,
            train("idx:\(images),\(data)/train-labels-idx1-ubyte", to: "\(data)/deep/../train-labels-idx1-ubyte"))
    }

    @Test("a new file beside a data set's own is written, and replaced again")
    func besides() throws {
        let data = try dataset()
        for _ in 0..<2 {
            let ending = try Program.run(train("fashion-mnist:\(data)", to: "\(data)/model.safetensors"))
            #expect(ending.status == 0, "\(ending.errors)")
        }
    }

    @Test("CIFAR's files")
    func cifar() throws {
        for (kind, names) in [
            ("cifar10", ["data_batch_3.bin", "test_batch.bin", "batches.meta.txt"]),
            ("cifar100", ["train.bin", "test.bin", "fine_label_names.txt"]),
        ] {
            let data = folder.path(kind)
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            for name in names {
                try Data([1]).write(to: URL(fileURLWithPath: "\(data)/\(name)"))
                try expectRefusal("is an input of this run", train("\(kind):\(data)", to: "\(data)/\(name)"))
            }
        }
    }

    @Test("a folder of pictures: not in its classes, and no new class", .tags(.slow), .slow)
    func pictures() throws {
        let copy = try PictureMaterials.shared.get().copy()
        let pictures = copy.path("pictures")
        let dataset = "folder:\(pictures)"
        let before = try FileManager.default.subpathsOfDirectory(atPath: pictures).sorted()
        func expect(_ message: String, _ arguments: [String]) throws {
            try expectRefusal(message, arguments)
            #expect(try FileManager.default.subpathsOfDirectory(atPath: pictures).sorted() == before)
        }
        let model = try PictureMaterials.shared.get().model
        func forget(to output: String) -> [String] {
            ["forget", model, "--classes", "red", "--retain", dataset, "--output", output]
        }
        let among = "lies among the pictures of a data set that this run reads; give a place outside"
        try expect(among, forget(to: "\(pictures)/train/blue/0.png"))
        try expect(among, forget(to: "\(pictures)/train/blue/new.safetensors"))
        try expect(among, forget(to: "\(pictures)/test/red/new.safetensors"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("blue"), withDestinationPath: "\(pictures)/train/blue")
        try expect(among, forget(to: folder.path("blue/new.safetensors")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("picture.safetensors"), withDestinationPath: "\(pictures)/train/blue/1.png")
        try expect(among, forget(to: folder.path("picture.safetensors")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("later.safetensors"),
            withDestinationPath: "../\(copy.url.lastPathComponent)/pictures/new")
        try FileManager.default.createSymbolicLink(
            atPath: "\(pictures)/new", withDestinationPath: "train/../test/red/new.safetensors")
        try expectRefusal(among, forget(to: folder.path("later.safetensors")))
        try FileManager.default.removeItem(atPath: "\(pictures)/new")
        try FileManager.default.linkItem(
            atPath: "\(pictures)/train/blue/2.png", toPath: folder.path("hard.safetensors"))
        try expect("is an input of this run", forget(to: folder.path("hard.safetensors")))
        try expect(
            among,
            ["compare", "--dataset", dataset, "--classes", "red", "--methods", "fine-tune", "--epochs", "1"]
                + ["--report", "\(pictures)/train"] + Materials.network)
        // What lies in the folder beside the splits, or in a split beside the classes, is not read.
        for output in ["\(pictures)/new.safetensors", "\(pictures)/train/new.safetensors"] {
            for _ in 0..<2 {
                let beside = try Program.run(forget(to: output))
                #expect(beside.status == 0, "\(beside.errors)")
            }
        }
    }

    @Test("files that hold an ONNX model's tensors, and that writing one would replace")
    func external() throws {
        let model = folder.path("model.onnx")
        try Data(onnxModel(tensorsIn: "out.onnx.data")).write(to: URL(fileURLWithPath: model))
        try Data(repeating: 0, count: 4).write(to: URL(fileURLWithPath: folder.path("out.onnx.data")))
        let message = "out.onnx.data: is an input of this run"
        for output in ["out.onnx.data", "out.onnx"] {
            try expectRefusal(
                message,
                ["forget", model, "--classes", "0", "--retain", materials.dataset, "--output", folder.path(output)])
        }
        try expectRefusal(message, ["convert", model, folder.path("out.onnx")])
    }

    /// The least of an ONNX file that says where a tensor lies.
    private func onnxModel(tensorsIn location: String) -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let place = field(1, Array("location".utf8)) + field(2, Array(location.utf8))
        let tensor = [0x08, 1, 0x10, 1] + field(8, [0x77]) + field(13, place) + [14 << 3, 1]
        return [0x08, 8] + field(7, field(5, tensor)) + field(8, [0x10, 17])
    }

    @Test("other files that are named: inputs, pictures, class names, models to compare with")
    func named() throws {
        let names = folder.path("names.txt")
        try Data("a\nb\n".utf8).write(to: URL(fileURLWithPath: names))
        let message = "is an input of this run"
        try expectRefusal(
            message,
            ["predict", materials.model, "--pictures", names, "--logits", names])
        try expectRefusal(message, ["predict", materials.model, "--input", names, "--logits", names])
        let model = folder.path("copy.safetensors")
        try FileManager.default.copyItem(atPath: materials.model, toPath: model)
        try expectRefusal(message, ["convert", model, model])
        try expectRefusal(
            message,
            ["audit", materials.model, materials.model, "--dataset", materials.dataset, "--forgotten", "0"]
                + ["--record", model, "--retrained", model])
        let copy = try PictureMaterials.shared.get().copy()
        try expectRefusal(
            message,
            ["evaluate", "predict"].suffix(1) + [model, "--dataset", "folder:\(copy.path("pictures"))"]
                + ["--class-names", names, "--logits", names])
    }

    @Test("two outputs of one run are two files")
    func twice() throws {
        let path = folder.path("report.html")
        try expectRefusal(
            "is already written by this run",
            [
                "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--validation",
                materials.dataset,
            ]
                + ["--output", path, "--report", folder.url.path])
    }
}
