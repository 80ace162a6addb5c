import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

/// A class that is to be forgotten often has no pictures any more, nor a folder.
@Suite("Classes without folders", .tags(.commandLine))
struct AbsentClassTests {
    let materials: PictureMaterials
    let folder: TemporaryFolder
    let pictures: TemporaryFolder
    /// The materials' network without our metadata: a file that names no classes.
    let nameless: String

    init() throws {
        materials = try PictureMaterials.shared.get()
        folder = try TemporaryFolder()
        pictures = try materials.copy()
        nameless = folder.path("nameless.safetensors")
        let model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        try SafetensorsWriter.write(model.stateDictionary, to: URL(fileURLWithPath: nameless))
    }

    private var network: [String] { ["--architecture", Materials.architecture, "--image-size", "8"] }
    private var dataset: String { "folder:\(pictures.path("pictures"))" }
    private var output: String { folder.path("out.safetensors") }

    /// `green` is class 1 of `blue`, `green` and `red`.
    private func remove(_ splits: [String], keepingFolder: Bool = false) throws {
        for split in splits {
            let path = pictures.path("pictures/\(split)/green")
            try FileManager.default.removeItem(atPath: path)
            if keepingFolder {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
        }
    }

    private func forget(_ model: String, classes: String, _ extra: [String] = []) throws -> Program.Ending {
        try Program.run(
            ["forget", model, "--classes", classes, "--retain", dataset, "--output", output, "--quiet", "--seed", "1"]
                + network + extra)
    }

    private func parameters(of path: String) throws -> [String: Tensor] {
        try Model(contentsOf: URL(fileURLWithPath: path)).parameters
    }

    @Test("by number, by name and by all names the same class goes, as if its folder was there", .tags(.slow), .slow)
    func sameModel() throws {
        #expect(try forget(nameless, classes: "green", ["--resize", "10"]).status == 0)
        let expected = try parameters(of: output)
        try remove(["train", "test"])
        let byNumber = try forget(nameless, classes: "1", ["--resize", "10"])
        #expect(byNumber.status == 0, "\(byNumber.errors)")
        #expect(
            byNumber.errors
                == "unlearn: warning: \(pictures.path("pictures")): class 1 has no folder; folders blue, red are taken as "
                + "classes 0, 2\n")
        #expect(try parameters(of: output) == expected)
        #expect(try Model(contentsOf: URL(fileURLWithPath: output)).metadata.classNames == ["blue", "1", "red"])
        let byName = try forget(nameless, classes: "green", ["--resize", "10"])
        #expect(byName.status == 0 && byName.errors.isEmpty, "\(byName.errors)")
        #expect(try parameters(of: output) == expected)
        let listed = try forget(
            nameless, classes: "green", ["--resize", "10", "--class-names", "blue,green,red"])
        #expect(listed.status == 0 && listed.errors.isEmpty, "\(listed.errors)")
        #expect(try parameters(of: output) == expected)
    }

    @Test("an empty folder, and one that only the test still has, are as good as none", .tags(.slow), .slow)
    func emptyFolder() throws {
        try remove(["train"], keepingFolder: true)
        for classes in ["green", "1"] {
            let ending = try forget(nameless, classes: classes)
            #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
            #expect(ending.output.hasPrefix("Forgot green"))
        }
        try remove(["train"])
        let ending = try forget(nameless, classes: "1", ["--validation", dataset])
        #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
        #expect(ending.output.contains("green (forgotten)"))
    }

    @Test("a model written without the folder takes one that has it again")
    func folderComesBack() throws {
        try remove(["train", "test"])
        #expect(try forget(nameless, classes: "1").status == 0)
        let ending = try Program.run(
            ["evaluate", output, "--dataset", "folder:\(materials.pictures)", "--forgotten", "1", "--json"])
        #expect(ending.status == 0, "\(ending.errors)")
        let accuracy = try #require(try ending.json()["accuracy"] as? [String: Any])
        #expect(accuracy["forgotten"] is Double)
    }

    @Test("where it stays open which class is gone, the message has a way that works")
    func open() throws {
        try remove(["train", "test"])
        let evaluate = ["evaluate", nameless, "--dataset", dataset] + network
        let refused = try Program.run(evaluate)
        #expect(refused.status == 1)
        #expect(
            refused.errors.contains(
                "has folders for 2 of the model's 3 classes (blue, red), and the model has no class names; name those "
                    + "without a folder by --forgotten, or name all classes in their order by --class-names"),
            "\(refused.errors)")
        let names = folder.path("names.txt")
        try Data("blue\ngreen\r\n\n  red\n".utf8).write(to: URL(fileURLWithPath: names))
        for extra in [["--forgotten", "1"], ["--class-names", names], ["--class-names", "blue, green,red"]] {
            let ending = try Program.run(evaluate + extra)
            #expect(ending.status == 0, "\(ending.errors)")
        }
        let wrong = try Program.run(evaluate + ["--class-names", "blue,red"])
        #expect(wrong.errors.contains("--class-names: names 2 classes, but the model has 3"))
        let other = try Program.run(evaluate + ["--class-names", "blue,blau,rot"])
        #expect(other.errors.contains("there is no class 'red'; the classes are: 'blue', 'blau', 'rot'"))
        let own = try Program.run(
            ["evaluate", materials.model, "--dataset", dataset, "--class-names", "red,green,blue"])
        #expect(own.errors.contains("class 0 is 'red', but the model's is 'blue'"))
        let flat = try Program.run(["evaluate", nameless, "--dataset", "fashion-mnist", "--class-names", "a,b"])
        #expect(flat.status == 64 && flat.errors.contains("--class-names is for folders and IDX files"))
    }

    @Test("training without a class needs no pictures of it")
    func training() throws {
        try remove(["train"])
        let ending = try Program.run(
            ["train", "--dataset", dataset, "--epochs", "1", "--exclude-classes", "green", "--output", output] + network
        )
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(
            try Model(contentsOf: URL(fileURLWithPath: output)).metadata.classNames == PictureMaterials.classes)
        try FileManager.default.createDirectory(
            atPath: pictures.path("pictures/train/gray"), withIntermediateDirectories: true)
        let empty = try Program.run(
            ["train", "--dataset", dataset, "--epochs", "1", "--exclude-classes", "green", "--output", output] + network
        )
        #expect(empty.status == 1)
        #expect(empty.errors.contains("(gray) has no images"), "\(empty.errors)")
    }
}
