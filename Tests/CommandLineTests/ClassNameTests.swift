import Foundation
import ModelInterchange
import Plotting
import TestSupport
import Testing
import Unlearning

/// Names that look like lists or numbers.
@Suite("Class names", .tags(.commandLine))
struct ClassNameTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Trains a network on a folder with one picture or two of each class, and returns the model's path and the data set.
    private func trained(on classes: [String]) throws -> (model: String, dataset: String) {
        let pixels = (0..<192).map { UInt8($0) }
        let picture = try #require(PixelImage(width: 8, height: 8, bytes: pixels))
        for name in classes {
            for split in ["train", "test"] {
                let path = folder.url.appendingPathComponent("p/\(split)/\(name)")
                try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
                try Data(picture.png).write(to: path.appendingPathComponent("1.png"))
            }
        }
        let dataset = "folder:\(folder.path("p"))"
        let ending = try Program.run(
            ["train", "--dataset", dataset, "--architecture", "allcnn", "--image-size", "8", "--epochs", "1"]
                + ["--output", folder.path("model.safetensors")])
        #expect(ending.status == 0, "\(ending.errors)")
        return (folder.path("model.safetensors"), dataset)
    }

    private func forget(_ model: String, _ dataset: String, _ lists: [String]) throws -> Program.Ending {
        try Program.run(
            ["forget", model, "--retain", dataset, "--output", folder.path("out.safetensors"), "--preset", "fast"]
                + lists.flatMap { ["--classes", $0] })
    }

    @Test("names with commas: as they are, in quotes, with a backslash, in options of their own")
    func commas() throws {
        let (model, dataset) = try trained(on: ["goldfish", "shark", "tench, Tinca tinca"])
        for list in ["tench, Tinca tinca", "\"tench, Tinca tinca\"", "tench\\, Tinca tinca"] {
            let ending = try forget(model, dataset, [list])
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(ending.output.hasPrefix("Forgot tench, Tinca tinca "))
        }
        for lists in [["shark", "tench, Tinca tinca"], ["\"tench, Tinca tinca\", shark"], ["1", "index:2"]] {
            let ending = try forget(model, dataset, lists)
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(ending.output.hasPrefix("Forgot shark, tench, Tinca tinca "))
        }
        let part = try forget(model, dataset, ["shark,tench, Tinca tinca"])
        #expect(part.status == 1)
        #expect(
            part.errors.contains(
                "no class 'tench'; if 'tench, Tinca tinca' is meant, write \"tench, Tinca tinca\", quotes included"),
            "\(part.errors)")
        let twice = try forget(model, dataset, ["shark", "1"])
        #expect(twice.status == 1 && twice.errors.contains("class 1 is named twice"))
        let none = try forget(model, dataset, [])
        #expect(none.status == 64 && none.errors.contains("--classes"))
    }

    @Test("folders named by numbers: one rule for all of them, and a word on which was taken")
    func numbers() throws {
        let names = (0..<12).map(String.init)
        let (model, dataset) = try trained(on: names)
        let shown = try Program.run(["evaluate", model, "--dataset", dataset]).output.split(separator: "\n").dropFirst(
            2)
        #expect(
            shown.compactMap { $0.split(separator: " ").first }
                == ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"])
        let name = try forget(model, dataset, ["2"])
        #expect(name.output.hasPrefix("Forgot 2 "))
        #expect(
            name.errors
                == "unlearn: warning: 2 was taken as the class named '2' (index 4); write index:2 for the class at index 2\n"
        )
        let index = try forget(model, dataset, ["index:2"])
        #expect(index.output.hasPrefix("Forgot 10 ") && index.errors.isEmpty, "\(index.errors)")
        let same = try forget(model, dataset, ["0", "\"2\""])
        #expect(same.output.hasPrefix("Forgot 0, 2 ") && same.errors.isEmpty, "\(same.errors)")
    }

    @Test("IDX files get names in training, which the model keeps")
    func idx() throws {
        var random = SeededRandom(seed: 1)
        let labels: [UInt8] = [0, 1, 2, 0, 1, 2]
        try Data(IDX.images(labels: labels, random: &random)).write(to: folder.url.appendingPathComponent("images"))
        try Data(IDX.labels(labels)).write(to: folder.url.appendingPathComponent("labels"))
        let names = folder.path("names")
        try Data("cat\ndog, wet\nhorse\n".utf8).write(to: URL(fileURLWithPath: names))
        let dataset = "idx:\(folder.path("images")),\(folder.path("labels"))"
        let model = folder.path("model.safetensors")
        for list in [names, "cat,\"dog, wet\",horse"] {
            let ending = try Program.run(
                ["train", "--dataset", dataset, "--epochs", "1", "--class-names", list, "--output", model]
                    + Materials.network)
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(
                try Model(contentsOf: URL(fileURLWithPath: model)).metadata.classNames == ["cat", "dog, wet", "horse"])
        }
        for (list, message) in [
            ("cat,,horse", "names 2 classes; name all of them"), ("cat,dog,cat", "names 'cat' twice"),
            (folder.path("none"), "none: no such file; give a file with one name per line"),
            (folder.url.path, "it is a folder"),
        ] {
            let ending = try Program.run(
                ["train", "--dataset", dataset, "--epochs", "1", "--class-names", list, "--output", model]
                    + Materials.network)
            #expect(ending.status == 1 && ending.errors.contains(message), "\(ending.errors)")
        }
    }
}
