import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("From training to comparison", .tags(.commandLine))
struct FullPathTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    @Test("train says what it did")
    func trains() throws {
        #expect(materials.trained.status == 0, "\(materials.trained.errors)")
        #expect(materials.trained.errors.isEmpty)
        let report = try materials.trained.json()
        let losses = try #require(report["losses"] as? [Double])
        #expect(losses.count == 8 * 15)
        #expect(report["steps"] as? Int == losses.count)
        #expect(report["seed"] as? Int == 1)
        #expect(report["excludedClasses"] as? [Int] == [])
        #expect(try #require(report["seconds"] as? Double) > 0)
        let accuracy = try #require(report["accuracy"] as? [String: Any])
        #expect(try 0.8...1 ~= #require(accuracy["all"] as? Double))

        let metadata = try Model(contentsOf: URL(fileURLWithPath: materials.model)).metadata
        #expect(metadata.architecture?.name == "resnet18")
        #expect(metadata.classNames == FashionMNIST.classNames)
        #expect(metadata.normalization == FashionMNIST.normalization)
        #expect(metadata.learningRate == 1e-3)
    }

    @Test("forget, evaluate and predict agree")
    func forgets() throws {
        let output = folder.path("forgotten.safetensors")
        let before = try Data(contentsOf: URL(fileURLWithPath: materials.model))
        let ending = try Program.run([
            "forget", materials.model, "--classes", "T-shirt/top, Ankle boot", "--retain", materials.dataset,
            "--validation", materials.dataset, "--output", output, "--json", "--seed", "3",
        ])
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(ending.errors.isEmpty)
        #expect(try Data(contentsOf: URL(fileURLWithPath: materials.model)) == before)
        let report = try ending.json()
        #expect(report["forgottenClasses"] as? [Int] == [0, 9])
        #expect(report["preset"] as? String == "default")
        #expect(report["seed"] as? Int == 3)
        #expect(report["output"] as? String == output)
        let seconds = try #require(report["phaseSeconds"] as? [String: Double])
        #expect(Set(seconds.keys) == ["noise", "teaching", "impair", "repair"])
        // Each is rounded to a microsecond.
        #expect(try #require(report["seconds"] as? Double) > seconds.values.reduce(0, +) - 1e-5)
        let steps = try #require(report["phaseSteps"] as? [String: Int])
        #expect(report["steps"] as? Int == steps.values.reduce(0, +))
        #expect(steps.keys.sorted() == ["impair", "noise", "repair"])
        #expect(report["accuracyAfterImpair"] is [String: Any])
        let accuracy = try #require(report["accuracy"] as? [String: Any])
        #expect(try 0...0.5 ~= #require(accuracy["forgotten"] as? Double))
        #expect((accuracy["perClass"] as? [Double])?.count == 10)
        let original = try #require(report["accuracyBefore"] as? [String: Any])
        let trained = try #require(try materials.trained.json()["accuracy"] as? [String: Any])
        #expect(original["all"] as? Double == trained["all"] as? Double)

        let evaluation = try Program.run([
            "evaluate", output, "--dataset", materials.dataset, "--forgotten", "0,9", "--json",
        ]).json()
        #expect(evaluation["imageCount"] as? Int == 80)
        let measured = try #require(evaluation["accuracy"] as? [String: Any])
        for key in ["all", "forgotten", "retained"] {
            #expect(measured[key] as? Double == accuracy[key] as? Double)
        }
        try checkPrediction(of: output, accuracy: try #require(measured["all"] as? Double))
    }

    @Test(
        "networks of every family are trained, forget and are evaluated by name",
        arguments: [
            ("resnet34:stem=small,width=0.1", 8), ("resnet50:stem=small,width=0.1", 8),
            ("mobilenet_v2:stem=small,width=0.1", 8), ("vgg16_bn:width=0.1", 32),
            ("efficientnet_lite0:width=0.1", 8), ("tf_efficientnet_lite0:width=0.1", 8),
        ])
    func architectures(name: String, side: Int) throws {
        let (trained, plain) = (folder.path("trained.safetensors"), folder.path("plain.safetensors"))
        let forgotten = folder.path("forgotten.safetensors")
        let network = ["--architecture", name, "--image-size", "\(side)"]
        let training = try Program.run(
            ["train", "--dataset", materials.dataset, "--channels", "1", "--epochs", "1", "--batch-size", "32"]
                + network + ["--output", trained])
        #expect(training.status == 0, "\(training.errors)")
        let model = try Model(contentsOf: URL(fileURLWithPath: trained))
        #expect(try model.metadata.architecture == Architectures.named(.init(parsing: name)).identifier)

        // As from PyTorch, without our metadata.
        try SafetensorsWriter.write(model.stateDictionary, to: URL(fileURLWithPath: plain))
        let forgetting = try Program.run(
            ["forget", plain] + network + ["--classes", "0", "--retain", materials.dataset, "--output", forgotten])
        #expect(forgetting.status == 0, "\(forgetting.errors)")
        let evaluation = try Program.run([
            "evaluate", forgotten, "--dataset", materials.dataset, "--forgotten", "0", "--json",
        ]).json()
        #expect(evaluation["imageCount"] as? Int == 80)
        #expect((evaluation["accuracy"] as? [String: Any])?["forgotten"] as? Double != nil)
    }

    /// The logits' largest column must give the accuracy, and be the same from a file of inputs.
    private func checkPrediction(of model: String, accuracy: Double) throws {
        let (fromDataset, fromFile) = (folder.path("a.safetensors"), folder.path("b.safetensors"))
        let report = try Program.run([
            "predict", model, "--dataset", materials.dataset, "--logits", fromDataset, "--json",
        ]).json()
        #expect(report["imageCount"] as? Int == 80)
        #expect(report["classCount"] as? Int == 10)
        #expect(report["output"] as? String == fromDataset)
        let logits = try SafetensorsFile(contentsOf: URL(fileURLWithPath: fromDataset)).tensor("logits")
        #expect(logits.shape == [80, 10])

        let network = try Model(contentsOf: URL(fileURLWithPath: model))
        let images = try DatasetSpecification(parsing: materials.dataset).load(split: .test)
        let examples = try network.prepare(images).tensor(at: Array(0..<80))
        let computed = try Accuracy(logits: logits, labels: examples.labels)
        #expect(try #require(computed.all) == accuracy)

        let inputs = folder.path("inputs.safetensors")
        try SafetensorsWriter.write(
            ["input": examples.inputs.channelsFirst()], to: URL(fileURLWithPath: inputs))
        let again = try Program.run(["predict", model, "--input", inputs, "--logits", fromFile])
        #expect(again.status == 0, "\(again.errors)")
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: fromFile))
                == Data(contentsOf: URL(fileURLWithPath: fromDataset)))
    }

    @Test("evaluate without forgotten classes")
    func evaluates() throws {
        let report = try Program.run([
            "evaluate", materials.model, "--dataset", materials.dataset, "--split", "train", "--json",
        ]).json()
        #expect(report["imageCount"] as? Int == 240)
        let accuracy = try #require(report["accuracy"] as? [String: Any])
        #expect(accuracy["forgotten"] is NSNull)
        #expect(accuracy["retained"] as? Double == accuracy["all"] as? Double)
    }

    @Test("a file without metadata takes names and normalization from the data set")
    func readsPlainFiles() throws {
        let flags = ["--architecture", Materials.architecture, "--image-size", "4"]
        let plain = try Program.run(
            ["evaluate", materials.plainModel, "--dataset", materials.dataset, "--forgotten", "Bag"] + flags)
        let own = try Program.run([
            "evaluate", materials.model, "--dataset", materials.dataset, "--forgotten", "8",
        ])
        #expect(plain.status == 0, "\(plain.errors)")
        #expect(plain.output == own.output)
        #expect(plain.output.contains("Bag (forgotten)"))
        #expect(plain.output.contains(" %"))
    }

    @Test("training without a class keeps its output")
    func excludesClasses() throws {
        let output = folder.path("without.safetensors")
        let report = try Program.run(
            [
                "train", "--dataset", materials.dataset, "--output", output, "--exclude-classes", "0,Bag",
                "--epochs", "1", "--augment", "--schedule", "cosine", "--json",
            ] + Materials.network
        ).json()
        #expect(report["excludedClasses"] as? [Int] == [0, 8])
        #expect(report["steps"] as? Int == 1)
        #expect(try Model(contentsOf: URL(fileURLWithPath: output)).classCount == 10)
    }

    @Test("compare has three rows, and one for each other method", .tags(.slow), .slow)
    func compares() throws {
        let arguments =
            [
                "compare", "--dataset", materials.dataset, "--classes", "3", "--preset", "paper", "--save",
                folder.url.path, "--also", "last-row,noiseless",
            ]
            + Materials.training
        let report = try Program.run(arguments + ["--json"]).json()
        let rows = try #require(report["rows"] as? [[String: Any]])
        #expect(rows.map { $0["stage"] as? String } == ["original", "unlearned", "other", "other", "retrained"])
        #expect(rows.map { $0["method"] as? String } == [nil, "unsir-paper", "last-row", "noiseless", nil])
        #expect(rows.map { $0["accuracyAfterImpair"] != nil } == [false, true, false, false, false])
        #expect(rows[0]["speedUp"] is NSNull)
        #expect(rows[4]["speedUp"] as? Double == 1)
        let seconds = rows.compactMap { $0["seconds"] as? Double }
        let speedUp = try #require(rows[1]["speedUp"] as? Double)
        #expect(abs(speedUp - seconds[4] / seconds[1]) < 1e-3 * speedUp)
        let retrained = try #require(rows[4]["accuracy"] as? [String: Any])
        #expect(retrained["forgotten"] as? Double == 0)
        #expect(rows[4]["steps"] as? Int == 8 * 14)
        // Training is the same as by itself, to the bit.
        let original = URL(fileURLWithPath: folder.path("original.safetensors"))
        #expect(try Data(contentsOf: original) == Data(contentsOf: URL(fileURLWithPath: materials.model)))
        for name in ["unlearned", "retrained"] {
            let file = URL(fileURLWithPath: folder.path("\(name).safetensors"))
            #expect(try Model(contentsOf: file).metadata.classNames == FashionMNIST.classNames)
        }
    }
}
