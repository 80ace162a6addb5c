import Foundation
import TestSupport
import Testing
import Unlearning

/// Every mistake ends in one clear line, an exit code that is not 0, and no file.
@Suite("Bad input", .tags(.commandLine))
struct BadInputTests {
    let materials: Materials
    let folder: TemporaryFolder
    let outputs: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
        outputs = try TemporaryFolder()
    }

    private var output: String { outputs.path("out.safetensors") }

    /// Runs and checks the ending. Wrong usage is explained in more lines than one.
    private func expect(
        _ message: String, status: Int32 = 1, _ arguments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ending = try Program.run(arguments + ["--json"])
        #expect(ending.status == status, sourceLocation: sourceLocation)
        let error = try ending.json()["error"] as? [String: Any]
        #expect(error?["exitCode"] as? Int == Int(status), sourceLocation: sourceLocation)
        let first = String(ending.errorLines.first ?? "")
        #expect(first.hasPrefix("unlearn: error: "), sourceLocation: sourceLocation)
        #expect(first.contains(message), "\(first)", sourceLocation: sourceLocation)
        if status == 1 { #expect(ending.errorLines.count == 1, sourceLocation: sourceLocation) }
        #expect(outputs.isEmpty, sourceLocation: sourceLocation)
    }

    private func forget(_ extra: [String], classes: String = "0", retain: String? = nil) -> [String] {
        ["forget", materials.model, "--classes", classes, "--retain", retain ?? materials.dataset]
            + ["--output", output] + extra
    }

    private func train(_ extra: [String]) -> [String] {
        ["train", "--dataset", materials.dataset, "--channels", "1", "--output", output] + extra
    }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: folder.url.appendingPathComponent(name))
        return folder.path(name)
    }

    @Test(
        "classes",
        arguments: [
            ("10", "has no class 10; its classes are 0 to 9"), ("-1", "has no class -1"),
            ("Cat", "no class 'Cat' (did you mean 'Coat'?); its classes are: T-shirt/top, Trouser"),
            ("", "no class to forget was named"), ("0,", "no class ''"),
            ("2,Pullover", "class 2 is named twice"),
            ("0,1,2,3,4,5,6,7,8,9", "all 10 classes were named"),
        ])
    func classes(list: String, message: String) throws {
        try expect(message, forget([], classes: list))
    }

    @Test(
        "architectures and options that do not exist",
        arguments: [
            (
                ["--architecture", "resnet99", "--epochs", "1"],
                "no architecture 'resnet99' (did you mean 'resnet18'?); choose one of: resnet18"
            ),
            (["--architecture", "allcnn", "--stem", "small", "--epochs", "1"], "no option 'stem'"),
            (["--architecture", "resnet18", "--stem", "x", "--epochs", "1"], "imagenet, small"),
            (["--architecture", "mobilenet_v2:width=9", "--epochs", "1"], "it takes: a number from 0.1 to 4.0"),
            (["--architecture", "resnet18:stem", "--epochs", "1"], "'resnet18:stem' does not name an architecture"),
        ])
    func architectures(extra: [String], message: String) throws {
        try expect(message, status: 64, train(extra))
    }

    @Test(
        "training that is not possible",
        arguments: [
            (["--architecture", "vgg16_bn", "--epochs", "1", "--image-size", "31"], "features.43"),
            (["--architecture", "allcnn", "--epochs", "1", "--image-size", "3"], "height of at least 4"),
            (["--architecture", "allcnn", "--epochs", "1", "--image-size", "60000"], "use smaller images"),
            (["--architecture", "allcnn", "--epochs", "1", "--image-size", "4000"], "smaller batch"),
            (["--architecture", "allcnn", "--epochs", "1", "--exclude-classes", "Cat"], "no class 'Cat'"),
            (
                [
                    "--architecture", "allcnn", "--epochs", "2", "--image-size", "4", "--learning-rate",
                    "1e20",
                ],
                "training diverged at step"
            ),
        ])
    func trainingSettings(extra: [String], message: String) throws {
        try expect(message, train(extra))
    }

    @Test("wrong usage ends with 64")
    func usage() throws {
        try expect("'foo' is invalid for '--preset <preset>'", status: 64, forget(["--preset", "foo"]))
        try expect("there is no data set 'foo'", status: 64, forget([], retain: "foo"))
        try expect("'-1' is invalid for '--seed <number>'", status: 64, forget(["--seed", "-1"]))
        try expect("--stem is an option of", status: 64, forget(["--stem", "small"]))
        let twice = ["--architecture", "resnet18:stem=small", "--stem", "small", "--epochs", "1"]
        try expect("'resnet18:stem=small' sets the stem already", status: 64, train(twice))
        try expect("--retain", status: 64, ["forget", materials.model, "--classes", "0", "--output", output])
        try expect("--dataset, --input and --pictures", status: 64, ["predict", materials.model, "--logits", output])
    }

    @Test("data sets that are damaged, mismatched or missing")
    func datasets() throws {
        var random = SeededRandom(seed: 1)
        let labels: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        let images = IDX.images(labels: labels, random: &random)
        let good = (try file("images", images), try file("labels", IDX.labels(labels)))
        func idx(_ images: String, _ labels: String) -> [String] {
            forget([], retain: "idx:\(images),\(labels)")
        }
        try expect("is cut short", idx(try file("short", images.dropLast(5)), good.1))
        try expect("goes on after", idx(try file("long", images + [0]), good.1))
        try expect("begins with 0x", idx(try file("magic", [9, 9, 9, 9] + images), good.1))
        try expect("this is a label file", idx(good.1, good.1))
        try expect("10 images, but", idx(good.0, try file("few", IDX.labels([0, 1]))))
        try expect("label 10 of image 9", idx(good.0, try file("ten", IDX.labels(labels.dropLast() + [10]))))
        try expect("no such file", idx(folder.path("nowhere"), good.1))
        try expect("no such folder", forget([], retain: "fashion-mnist:\(folder.path("nowhere"))"))
        try expect("no such file", forget([], retain: "fashion-mnist:\(folder.url.path)"))
        try expect(
            "class 9 (Ankle boot) has no images",
            idx(
                try file("nine", IDX.images(labels: labels.dropLast(), random: &random)),
                try file("l9", IDX.labels(labels.dropLast()))))
    }

    @Test("a data set with other classes than the model's")
    func otherDatasets() throws {
        var random = SeededRandom(seed: 1)
        let labels: [UInt8] = [0, 1, 2, 0, 1, 2]
        let dataset =
            try "idx:" + file("images", IDX.images(labels: labels, random: &random)) + ","
            + file("labels", IDX.labels(labels))
        let small = folder.path("small.safetensors")
        let trained = try Program.run(
            ["train", "--dataset", dataset, "--epochs", "1", "--output", small] + Materials.network)
        #expect(trained.status == 0, "\(trained.errors)")
        let message = "has 10 classes, but the model has 3"
        let arguments = ["forget", small, "--classes", "0", "--output", output]
        try expect(message, arguments + ["--retain", materials.dataset])
        try expect(message, arguments + ["--retain", dataset, "--validation", materials.dataset])
        try expect(message, ["evaluate", small, "--dataset", materials.dataset])
        try expect(message, ["predict", small, "--dataset", materials.dataset, "--logits", output])
    }

    @Test("outputs that cannot be written, or would replace an input")
    func destinations() throws {
        func to(_ path: String) -> [String] {
            ["forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", path]
        }
        try expect("does not exist; create it first", to(folder.path("nowhere/out.safetensors")))
        try expect("is a folder; give the name of a file in it", to(folder.url.path))
        try expect("is not a folder", to(try file("file", [1]) + "/out.safetensors"))
        try expect("is an input of this run", to(materials.model))
        let link = folder.path("link.safetensors")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: materials.model)
        try expect("is an input of this run", to(link))
        try expect(
            "is an input of this run",
            ["predict", materials.model, "--dataset", materials.dataset, "--logits", materials.model])
        try expect(
            "does not exist; create it first",
            ["train", "--dataset", materials.dataset, "--epochs", "1", "--output", folder.path("no/m")]
                + Materials.network)
    }

    @Test("a comparison whose models could not be kept")
    func comparisonFolder() throws {
        try expect(
            "does not exist; create it first",
            ["compare", "--dataset", materials.dataset, "--classes", "0", "--save", folder.path("no")]
                + Materials.network)
    }

    @Test("a folder without permission to write", .enabled(if: geteuid() != 0, "root may write everywhere"))
    func lockedFolder() throws {
        let locked = folder.url.appendingPathComponent("locked")
        try FileManager.default.createDirectory(
            at: locked, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
        try expect(
            "cannot be written",
            [
                "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output",
                locked.path + "/out.safetensors",
            ])
    }
}
