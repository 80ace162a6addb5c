import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("Replaying a record", .tags(.commandLine))
struct ReplayTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("r"), withIntermediateDirectories: true)
    }

    private var record: String { folder.path("r/record.json") }
    private var forgotten: String { folder.path("f.safetensors") }

    /// Some methods leave ruins of so few images; their runs are replayed all the same.
    private func forget(_ options: [String] = [], seed: String = "7") throws {
        let ending = try Program.run(
            [
                "forget", materials.model, "--classes", "4", "--retain", materials.dataset, "--validation",
                materials.dataset, "--samples-per-class", "10", "--seed", seed, "--output", forgotten, "--report",
                folder.path("r"), "--keep-ruined",
            ] + options)
        #expect([0, 2, 3].contains(ending.status), "\(ending.errors)")
    }

    private func replay(_ options: [String] = [], dataset: String? = nil, under wrapper: [String] = []) throws
        -> Program.Ending
    {
        try Program.run(
            ["replay", record, "--original", materials.model, "--retain", dataset ?? materials.dataset] + options,
            under: wrapper)
    }

    private func edit(_ body: (inout [String: Any]) throws -> Void) throws {
        let file = URL(fileURLWithPath: record)
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        try body(&object)
        try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .prettyPrinted]).write(to: file)
    }

    @Test(
        "the same digest comes out on one and two threads",
        arguments: [
            ["--preset", "fast"], ["--preset", "paper-safe"], ["--method", "scrub", "--set", "temperature=2"],
            ["--preset", "fast", "--rename-forgotten", "gone", "--drop-outputs"],
            ["--preset", "fast", "--precision", "bfloat16"],
        ])
    func same(options: [String]) throws {
        try forget(options)
        for threads in ["1", "2"] {
            let ending = try replay(["--threads", threads, "--unlearned", forgotten, "--json"])
            #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
            let object = try ending.json()
            #expect(object["result"] as? String == "same")
            #expect(object["digest"] as? String == object["recordedDigest"] as? String)
            #expect((object["findings"] as? [String])?.isEmpty == true)
            #expect((object["steps"] as? Int ?? 0) > 0)
        }
    }

    @Test("forgetting samples and retraining are replayed too")
    func samplesAndRetraining() throws {
        let list = folder.path("samples.txt")
        try Data("3\n14\n27\n".utf8).write(to: URL(fileURLWithPath: list))
        let run = try Program.run([
            "forget", materials.model, "--samples", list, "--method", "fine-tune", "--retain", materials.dataset,
            "--validation", materials.dataset, "--output", forgotten, "--report", folder.path("r"),
        ])
        #expect([0, 2, 3].contains(run.status), "\(run.errors)")
        #expect(try replay(["--samples", list]).status == 0)
        let missing = try replay()
        #expect(missing.status == 1)
        #expect(missing.errors.contains("name them by --samples"))
        try Data("3\n14\n28\n".utf8).write(to: URL(fileURLWithPath: list))
        let other = try replay(["--samples", list])
        #expect(other.status == 2)
        #expect(other.output.contains("The retain images are others"), "\(other.output)")
        let retraining = try Program.run([
            "forget", materials.model, "--classes", "4", "--method", "retrain", "--epochs", "2", "--retain",
            materials.dataset, "--validation", materials.dataset, "--output", forgotten, "--report", folder.path("r"),
        ])
        #expect([0, 2, 3].contains(retraining.status), "\(retraining.errors)")
        #expect(try replay().status == 0)
    }

    @Test("a changed seed is caught")
    func seed() throws {
        try forget()
        try edit { record in
            var run = try #require(record["forgetting"] as? [String: Any])
            run["seed"] = 8
            record["forgetting"] = run
        }
        let one = try replay()
        #expect(one.status == 2)
        #expect(one.output.contains("The record has two seeds, 8 and 7."), "\(one.output)")
        try edit { record in
            var run = try #require(record["forgetting"] as? [String: Any])
            var resolved = try #require(run["resolved"] as? [String: Any])
            resolved["seed"] = 8
            run["resolved"] = resolved
            record["forgetting"] = run
        }
        let both = try replay()
        #expect(both.status == 2)
        #expect(both.output.contains("The retain images are others"), "\(both.output)")
    }

    @Test("another setting is caught by the losses, and any other change of the record by the model's memory of it")
    func edits() throws {
        try forget(["--method", "fine-tune"])
        let untouched = try Data(contentsOf: URL(fileURLWithPath: record))
        try edit { record in
            var run = try #require(record["forgetting"] as? [String: Any])
            var resolved = try #require(run["resolved"] as? [String: Any])
            var settings = try #require(resolved["settings"] as? [String: Any])
            var training = try #require(settings["training"] as? [String: Any])
            training["learningRate"] = 0.002
            settings["training"] = training
            resolved["settings"] = settings
            run["resolved"] = resolved
            record["forgetting"] = run
        }
        let setting = try replay()
        #expect(setting.status == 2)
        #expect(setting.output.contains("The losses differ from step 2 of repair on: "), "\(setting.output)")
        try untouched.write(to: URL(fileURLWithPath: record))
        try edit { $0["requestID"] = "another request" }
        let name = try replay()
        #expect(name.status == 2)
        #expect(name.output.contains("All losses are as recorded"), "\(name.output)")
    }

    @Test("a swapped image is caught", arguments: [true, false])
    func image(looksForDuplicates: Bool) throws {
        try forget(looksForDuplicates ? [] : ["--skip-duplicate-check"])
        let data = folder.url.appendingPathComponent("data")
        try FileManager.default.copyItem(atPath: materials.folder.path("data"), toPath: data.path)
        let images = data.appendingPathComponent("train-images-idx3-ubyte")
        var bytes = try Data(contentsOf: images)
        // Each image of class 1 takes the place of the one before: positions and labels stay as they are, and whichever
        // images are drawn, some change.
        let size = IDX.side * IDX.side
        for example in 1..<24 {
            let (one, other) = (16 + (10 * example - 9) * size, 16 + (10 * example + 1) * size)
            for offset in 0..<size { bytes.swapAt(one + offset, other + offset) }
        }
        try bytes.write(to: images)
        let ending = try replay(dataset: "fashion-mnist:\(data.path)")
        #expect(ending.status == 2)
        let words =
            looksForDuplicates
            ? "A picture of the retain data has changed" : "The model that was made again is another one"
        #expect(ending.output.contains(words), "\(ending.output)")
    }

    @Test("a hand-edited weight is caught, in the original and in the new model")
    func weight() throws {
        try forget()
        func edited(_ path: String, as name: String) throws -> (path: String, tensor: String) {
            var model = try Model(contentsOf: URL(fileURLWithPath: path))
            let tensor = try #require(model.parameters.keys.sorted().first { $0.hasSuffix("weight") })
            var numbers = try #require(model.parameters[tensor])
            numbers[3] = numbers[3].nextUp
            model = try model.replacing([tensor: numbers])
            let copy = folder.path(name)
            try model.write(to: URL(fileURLWithPath: copy))
            return (copy, tensor)
        }
        let original = try edited(materials.model, as: "o.safetensors")
        let before = try Program.run([
            "replay", record, "--original", original.path, "--retain", materials.dataset,
        ])
        #expect(before.status == 2)
        #expect(before.output.contains("\(original.path) is not the recorded original"), "\(before.output)")
        let new = try edited(forgotten, as: "n.safetensors")
        let after = try replay(["--unlearned", new.path])
        #expect(after.status == 2)
        #expect(after.output.contains("\(new.path): Tensor '\(new.tensor)' differs in 1 of "), "\(after.output)")
        #expect(after.output.contains("\(new.path) is not the recorded model"))
    }

    @Test("on other kernels it cannot be replayed here, which is no failure")
    func otherKernels() throws {
        try forget()
        let current = ComputingEnvironment.current
        let kernels = current.matrixKernels == "Prescott" ? "Nehalem" : "Prescott"
        for (variable, words) in [
            (
                "OPENBLAS_CORETYPE=\(kernels)",
                "OpenBLAS kernels: \(current.matrixKernels) is recorded, and this machine has \(kernels)"
            ),
            (
                "UNLEARNING_KERNELS=portable",
                "vector kernels: \(current.vectorKernels) is recorded, and this machine has portable"
            ),
        ] where !(variable.hasSuffix("portable") && current.vectorKernels == "portable") {
            let ending = try replay(under: ["/usr/bin/env", variable])
            #expect(ending.status == 3, "\(ending.output)\(ending.errors)")
            #expect(ending.output.contains("cannot be replayed here, which says nothing about the record"))
            #expect(ending.output.contains(words), "\(ending.output)")
            #expect(!ending.output.lowercased().contains("fail"))
            let object = try replay(["--json"], under: ["/usr/bin/env", variable]).json()
            #expect(object["result"] as? String == "notReplayable")
            #expect(object["digest"] is NSNull)
        }
    }

    @Test("records without a run, and files that are none, are errors")
    func refuses() throws {
        let audit = try Program.run([
            "audit", materials.model, materials.model, "--dataset", materials.dataset, "--forgotten", "4", "--quick",
            "--record", folder.path("a.json"),
        ])
        #expect([0, 2, 3].contains(audit.status), "\(audit.errors)")
        let arguments = ["--original", materials.model, "--retain", materials.dataset]
        let none = try Program.run(["replay", folder.path("a.json")] + arguments)
        #expect(none.status == 1)
        #expect(none.errors.contains("says too little of how the model was made to forget"))
        #expect(try Program.run(["replay", materials.model] + arguments).status == 1)
        #expect(try Program.run(["replay", folder.path("no.json")] + arguments).status == 1)
        #expect(try Program.run(["replay", folder.path("no.json")]).status == 64)
    }
}
