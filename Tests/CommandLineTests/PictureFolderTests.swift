import Foundation
import ModelInterchange
import Plotting
import TestSupport
import Testing
import Unlearning

/// A folder of pictures and a network trained on it, made once for all tests. Each class has a color of its own; sizes
/// differ from picture to picture.
final class PictureMaterials: Sendable {
    static let shared = Result { try PictureMaterials() }

    static let classes = ["blue", "green", "red"]

    let folder: TemporaryFolder
    /// What training printed.
    let trained: Program.Ending

    var pictures: String { folder.path("pictures") }
    var model: String { folder.path("model.safetensors") }

    private init() throws {
        folder = try TemporaryFolder()
        for (split, count) in [("train", 24), ("test", 8)] {
            for (label, name) in Self.classes.enumerated() {
                for index in 0..<count {
                    try Self.picture(label: label, index: index, stream: split)
                        .writeFile(folder.path("pictures/\(split)/\(name)/\(index).png"))
                }
            }
        }
        trained = try Program.run(
            ["train", "--dataset", "folder:\(folder.path("pictures"))", "--output", folder.path("model.safetensors")]
                + [
                    "--architecture", Materials.architecture, "--image-size", "8", "--epochs", "8", "--batch-size",
                    "12",
                ]
                + ["--resize", "10", "--seed", "1", "--json"])
    }

    private static func picture(label: Int, index: Int, stream: String) throws -> Data {
        var random = SeededRandom(seed: UInt64(100 * label + index), stream: stream)
        let (width, height) = (9 + index % 5, 9 + index % 3)
        let channel = [2, 1, 0][label]
        let bytes = (0..<width * height * 3).map { place in
            UInt8(min(255, max(0, (place % 3 == channel ? 200 : 60) + 25 * random.normal())))
        }
        return Data(try #require(PixelImage(width: width, height: height, bytes: bytes)).png)
    }

    /// A folder for one test that has the same pictures.
    func copy() throws -> TemporaryFolder {
        let copy = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: pictures, toPath: copy.path("pictures"))
        return copy
    }
}

extension Data {
    fileprivate func writeFile(_ path: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try write(to: url)
    }
}

@Suite("Picture folders", .tags(.commandLine))
struct PictureFolderTests {
    let materials: PictureMaterials
    let outputs: TemporaryFolder

    init() throws {
        materials = try PictureMaterials.shared.get()
        outputs = try TemporaryFolder()
    }

    private var output: String { outputs.path("out.safetensors") }

    private func dataset(_ folder: TemporaryFolder) -> String { "folder:\(folder.path("pictures"))" }

    private func share(_ ending: Program.Ending, _ key: String) throws -> Double {
        let accuracy = try #require(try ending.json()["accuracy"] as? [String: Any])
        return try #require(accuracy[key] as? Double)
    }

    @Test("the model's file knows classes, normalization and resizing")
    func metadata() throws {
        #expect(materials.trained.status == 0, "\(materials.trained.errors)")
        #expect(try share(materials.trained, "all") >= 0.9)
        let metadata = try Model(contentsOf: URL(fileURLWithPath: materials.model)).metadata
        #expect(metadata.classNames == PictureMaterials.classes)
        #expect(metadata.normalization?.mean == [0.485, 0.456, 0.406])
        #expect(metadata.resizing == .cropped(shorterSide: 10))
    }

    @Test("a class is forgotten by its name, without its pictures")
    func forgetting() throws {
        let copy = try materials.copy()
        try FileManager.default.removeItem(atPath: copy.path("pictures/train/green"))
        let forgotten = try Program.run(
            ["forget", materials.model, "--classes", "green", "--retain", dataset(copy), "--output", output]
                + ["--samples-per-class", "24", "--seed", "1"])
        #expect(forgotten.status == 0, "\(forgotten.errors)")
        #expect(forgotten.output.hasPrefix("Forgot green"))
        let before = try evaluate(materials.model, dataset(materials.folder))
        let after = try evaluate(output, dataset(materials.folder))
        #expect(try share(before, "forgotten") >= 0.75)
        #expect(try share(after, "forgotten") < share(before, "forgotten"))
        let text = try Program.run(["evaluate", output, "--dataset", dataset(materials.folder), "--forgotten", "green"])
        #expect(text.output.contains("green (forgotten)"))
    }

    private func evaluate(_ model: String, _ dataset: String, _ extra: [String] = []) throws -> Program.Ending {
        let ending = try Program.run(
            ["evaluate", model, "--dataset", dataset, "--forgotten", "green", "--json"] + extra)
        #expect(ending.status == 0, "\(ending.errors)")
        return ending
    }

    @Test("any number of threads and kept pictures give the same file", .tags(.slow), .slow)
    func determinism() throws {
        for threads in ["1", "3"] {
            let run = try Program.run(
                ["train", "--dataset", dataset(materials.folder), "--architecture", Materials.architecture]
                    + [
                        "--image-size", "8", "--epochs", "8", "--batch-size", "12", "--resize", "10", "--seed", "1",
                        "--threads", threads,
                    ]
                    + ["--output", output])
            #expect(run.status == 0, "\(run.errors)")
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: output))
                    == Data(contentsOf: URL(fileURLWithPath: materials.model)))
        }
    }

    @Test("a picture that cannot be read is refused, or skipped with a warning")
    func unreadable() throws {
        let copy = try materials.copy()
        let bad = copy.path("pictures/test/red/bad.jpg")
        try Data().writeFile(bad)
        let arguments = ["evaluate", materials.model, "--dataset", dataset(copy), "--json"]
        let refused = try Program.run(arguments)
        #expect(refused.status == 1)
        #expect(
            refused.errors == "unlearn: error: \(bad): is empty; replace or remove it, or skip unreadable pictures\n")
        let skipped = try Program.run(arguments + ["--unreadable", "skip"])
        #expect(skipped.status == 0)
        #expect(skipped.errors == "unlearn: warning: \(bad): is empty; skipped\n")
        let without = try Program.run(["evaluate", materials.model, "--dataset", dataset(materials.folder), "--json"])
        #expect(skipped.output == without.output)
    }

    @Test("other classes than the model's, and missing ones")
    func classes() throws {
        let copy = try materials.copy()
        try FileManager.default.moveItem(
            atPath: copy.path("pictures/test/red"), toPath: copy.path("pictures/test/rot"))
        let other = try Program.run(["evaluate", materials.model, "--dataset", dataset(copy)])
        #expect(other.status == 1)
        #expect(other.errors.contains("test: there is no class 'rot'; the classes are: 'blue', 'green', 'red'"))
        try FileManager.default.removeItem(atPath: copy.path("pictures/test/rot"))
        let missing = try evaluate(materials.model, dataset(copy))
        #expect(missing.errors == "unlearn: warning: pictures (test): no pictures of class 'red'\n")
    }

    @Test("single pictures are classified")
    func single() throws {
        let files = ["red/1.png", "blue/2.png"].map { materials.folder.path("pictures/test/\($0)") }
        let ending = try Program.run(["predict", materials.model, "--json", "--pictures"] + files)
        #expect(ending.status == 0, "\(ending.errors)")
        let pictures = try #require(try ending.json()["pictures"] as? [[String: Any]])
        #expect(pictures.map { $0["file"] as? String } == files)
        for (picture, name) in zip(pictures, ["red", "blue"]) {
            let classes = try #require(picture["predictions"] as? [[String: Any]])
            #expect(classes.count == 3)
            #expect(classes.first?["name"] as? String == name)
            let probabilities = classes.compactMap { $0["probability"] as? Double }
            #expect(probabilities == probabilities.sorted(by: >))
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
        }
        let text = try Program.run(["predict", materials.model, "--pictures", files[0], "--logits", output])
        #expect(text.output.hasPrefix("\(files[0])  red "))
        #expect(text.output.hasSuffix("Wrote \(output): outputs of 1 images for 3 classes\n"))
        let none = try Program.run(["predict", materials.model, "--pictures", "/nowhere.png"])
        #expect(none.errors == "unlearn: error: /nowhere.png: cannot be read (no such file); give a readable file\n")
    }

    @Test(
        "what is not possible",
        arguments: [
            (["--dataset", "folder:"], 64, "the folder is missing"),
            (["--dataset", "folder:/nowhere/at/all"], 1, "/nowhere/at/all: no such folder"),
            (["--dataset", "photos"], 64, "there is no data set 'photos'; give fashion-mnist"),
            (["--dataset", "cifar10:x", "--resize", "9"], 64, "--resize is for folders of pictures"),
            (["--dataset", "cifar10:x", "--unreadable", "skip"], 64, "--unreadable is for folders of pictures"),
            (["--dataset", "folder:x", "--mean", "0.5"], 64, "--mean and --std belong together"),
            (["--dataset", "folder:x", "--mean", "a,b", "--std", "1"], 64, "give comma-separated numbers"),
            (["--dataset", "folder:x", "--resize", "small"], 64, "give the shorter side in pixels, or stretch"),
            (["--dataset", "folder:x", "--mean", "0.5", "--deviation", "0.5"], 1, "not the model's own"),
            (["--dataset", "folder:x", "--resize", "7"], 1, "8x8 pixels are cut out of it; give 8"),
        ])
    func impossibleToMeasure(arguments: [String], status: Int32, message: String) throws {
        let ending = try Program.run(["evaluate", materials.model] + arguments)
        #expect(ending.status == status)
        #expect(ending.errors.contains(message), "\(ending.errors)")
    }

    @Test(
        "sizes that no network takes",
        arguments: [
            (["--image-size", "-3"], 64, "The value '-3' is invalid for '--image-size <pixels>'"),
            (["--image-size", "0"], 64, "The value '0' is invalid for '--image-size <pixels>'"),
            (["--image-size", "100000"], 64, "The value '100000' is invalid for '--image-size <pixels>'"),
            (["--channels", "-1"], 64, "The value '-1' is invalid for '--channels <number>'"),
            (["--channels", "2"], 64, "--channels cannot be 2"),
        ] as [([String], Int32, String)])
    func impossibleToTrain(arguments: [String], status: Int32, message: String) throws {
        let ending = try Program.run(
            ["train", "--dataset", dataset(materials.folder), "--architecture", "allcnn", "--epochs", "1"]
                + ["--output", output] + arguments)
        #expect(ending.status == status)
        #expect(ending.errors.hasPrefix("unlearn: error: \(message)"), "\(ending.errors)")
        #expect(outputs.isEmpty)
    }
}
