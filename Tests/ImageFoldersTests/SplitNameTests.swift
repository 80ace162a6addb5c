import Foundation
import ImageDatasets
import ImageFolders
import NeuralGraph
import TestSupport
import Testing

/// Folders of splits by the names that they have in the wild.
@Suite("Names of splits", .tags(.data))
struct SplitNameTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func add(_ splits: [String], classes: [String] = ["no", "yes"]) throws {
        for split in splits {
            for name in classes { try folder.add("\(split)/\(name)/\(split).png", copyOf: "gray1.png") }
        }
    }

    private func open(
        _ split: DatasetSplit, classNames: [String]? = nil
    ) throws(ImageFolderError) -> (classes: [String], files: Set<String>) {
        let dataset = try ImageFolder(
            folder.url, split: split, classNames: classNames,
            configuration: ImageFolder.Configuration(imageShape: [4, 4, 3]))
        return (dataset.classNames, Set((0..<dataset.count).map { dataset.file(at: $0).lastPathComponent }))
    }

    private func message(_ classNames: [String]? = nil) -> String {
        do throws(ImageFolderError) {
            return "no error: \(try open(.train, classNames: classNames).classes)"
        } catch {
            return error.description
        }
    }

    @Test(
        "pairs that are splits",
        arguments: [
            ("Train", "Test"), ("TRAIN", "TEST"), ("training", "testing"), ("training_set", "test_set"),
            ("training-set", "Test Set"), ("trainset", "testset"), ("train_set", "val_set"), ("train", "Validation"),
            ("train", "eval"), ("train", "dev"), ("train", "hold-out"), ("Training Data", "Evaluation"),
            ("train_images", "test_images"), ("Train", "valid"), ("train", "development"),
        ])
    func pairs(train: String, test: String) throws {
        try add([train, test])
        #expect(try open(.train).classes == ["no", "yes"])
        #expect(try open(.train).files == ["\(train).png"])
        #expect(try open(.test).files == ["\(test).png"])
        // A model of two classes has no others, whatever they are called.
        #expect(try open(.test, classNames: ["no", "yes"]).files == ["\(test).png"])
    }

    @Test("of a test and a validation the test is judged on")
    func testFirst() throws {
        try add(["Train", "dev", "VAL", "Testing"])
        #expect(try open(.test).files == ["Testing.png"])
    }

    @Test(
        "names that leave it open which is which",
        arguments: [
            ["train", "Train", "test"], ["train", "test", "testing"], ["train", "val", "eval"], ["test", "val"],
            ["train2017", "val2017"], ["my train", "my test"], ["train", "unlabeled"], ["Test", "other"],
        ])
    func unclear(names: [String]) throws {
        try add(names)
        let message = message()
        #expect(
            message.contains("like") && message.contains("but not which to learn from and which to judge on"),
            "\(message)")
        #expect(message.contains("name one folder train and one test, or give one of them alone"))
    }

    @Test("classes may be called so: as a model's names, or with pictures of their own")
    func classes() throws {
        try add(["Train", "Test"])
        #expect(try open(.train, classNames: ["Test", "Train"]).classes == ["Test", "Train"])
        let other = try SplitNameTests()
        for index in 0..<2 {
            for name in ["train", "plane", "test tube"] {
                try other.folder.add("\(name)/\(index).png", copyOf: "gray1.png")
            }
        }
        #expect(try other.open(.train).classes == ["plane", "test tube", "train"])
    }

    @Test("one table: what is a split's name, and what only resembles one")
    func table() {
        for name in ["train", "Training Set", "train-data", "TRAIN_IMAGES"] {
            #expect(SplitNames.role(of: name) == .training)
        }
        for name in ["test", "Testing", "test.set", "held out", "hold_out_set"] {
            #expect(SplitNames.role(of: name) == .test)
        }
        for name in ["val", "Valid", "dev", "evaluation"] {
            #expect(SplitNames.role(of: name) == .validation)
        }
        for name in ["trainer", "tests", "retrain", "contest", "set", "data", "", "valley", "dataset"] {
            #expect(SplitNames.role(of: name) == nil, "\(name)")
            #expect(!SplitNames.resemblesSplit(name), "\(name)")
        }
        for name in ["train2017", "my-test", "val (1)"] {
            #expect(SplitNames.role(of: name) == nil && SplitNames.resemblesSplit(name), "\(name)")
        }
    }
}
