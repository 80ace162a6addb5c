import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Settings from files and options", .tags(.commandLine))
struct ConfigurationTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func forget(_ extra: [String], output: String = "out.safetensors") throws -> Program.Ending {
        try Program.run(
            [
                "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output",
                folder.path(output),
            ] + extra)
    }

    private func write(_ text: String, _ name: String = "settings.yaml") throws -> String {
        try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
        return folder.path(name)
    }

    private func object(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: folder.url.appendingPathComponent(name))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test("a file's settings are used, options win, and the run folder repeats the run")
    func runFolder() throws {
        let file = try write(
            """
            # What this run changes.
            method: scrub
            seed: 5
            samplesPerClass: 9
            settings:
              temperature: 2
              training: {epochs: 2, optimizer: {sgd: {momentum: 0.5}}}
            """)
        let ending = try forget(["--config", file, "--set", "learningRate=2e-3", "--set", "temperature=3", "--json"])
        #expect(ending.status == 0, "\(ending.errors)")
        let report = try ending.json()
        #expect(report["method"] as? String == "scrub" && report["seed"] as? Int == 5)
        #expect(report["runFolder"] as? String == folder.path("out.safetensors.run"))
        let resolved = try object("out.safetensors.run/configuration.json")
        #expect(resolved["command"] as? String == "forget" && resolved["samplesPerClass"] as? Int == 9)
        let settings = try #require(resolved["settings"] as? [String: Any])
        #expect(settings["temperature"] as? Double == 3)
        let training = try #require(settings["training"] as? [String: Any])
        #expect(training["epochs"] as? Int == 2 && training["learningRate"] as? Double == 2e-3)
        let optimizer = try #require(training["optimizer"] as? [String: [String: Double]])
        #expect(optimizer["sgd"]?["momentum"] == 0.5)
        let command = try String(contentsOfFile: folder.path("out.safetensors.run/command.txt"), encoding: .utf8)
        #expect(command.hasPrefix("unlearn forget \(materials.model) --classes 0 "))
        #expect(command.contains("temperature=3"))
        let log = try String(contentsOfFile: folder.path("out.safetensors.run/log.txt"), encoding: .utf8)
        #expect(log.contains("Forgot T-shirt/top (method scrub)"))

        let again = try forget(
            ["--config", folder.path("out.safetensors.run/configuration.json"), "--run-folder", folder.path("second")],
            output: "again.safetensors")
        #expect(again.status == 0, "\(again.errors)")
        let models = try ["out", "again"].map {
            try Data(contentsOf: folder.url.appendingPathComponent("\($0).safetensors"))
        }
        #expect(models[0] == models[1])
        let repeated = try object("second/configuration.json")
        #expect(NSDictionary(dictionary: repeated) == NSDictionary(dictionary: resolved))
    }

    @Test("without settings there is no run folder, and with a preset the options are its own")
    func noFolder() throws {
        #expect(try forget(["--preset", "fast"]).status == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["out.safetensors"])
    }

    @Test("a training takes settings too")
    func train() throws {
        let file = try write("{\"training\": {\"epochs\": 2, \"labelSmoothing\": 0.1}, \"seed\": 3}", "settings.json")
        let ending = try Program.run(
            ["train", "--dataset", materials.dataset, "--output", folder.path("t.safetensors"), "--config", file]
                + Materials.network + ["--batch-size", "16", "--set", "schedule=cosine", "--json"])
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try ending.json()["steps"] as? Int == 30 && (try ending.json()["seed"] as? Int) == 3)
        let training = try #require(try object("t.safetensors.run/configuration.json")["training"] as? [String: Any])
        #expect((training["schedule"] as? [String: Any])?["cosine"] != nil && training["batchSize"] as? Int == 16)
    }

    @Test("compared methods have settings of their own")
    func compareMethods() throws {
        let ending = try Program.run(
            [
                "compare-methods", "--dataset", materials.dataset, "--classes", "0", "--methods", "scrub,fine-tune",
                "--set", "scrub.maximizingEpochs=1", "--set", "fine-tune.epochs=1", "--epochs", "1", "--json",
            ] + Materials.network)
        #expect(ending.status == 0, "\(ending.errors)")
        let runs = try #require(try ending.json()["runs"] as? [[String: Any]])
        let scrub = try #require(runs.first { $0["method"] as? String == "scrub" }?["settings"] as? String)
        #expect(scrub.contains("\"maximizingEpochs\":1"))
    }

    @Test(
        "what is wrong on the command line is wrong usage",
        arguments: [
            (
                ["--set", "trainedShar=0.5"],
                "method 'default' has no setting 'trainedShar' (did you mean 'trainedShare'?)"
            ),
            (["--set", "trainedShare=2"], "trainedShare cannot be '2'; use 0 to 1"),
            (["--set", "trainedShare"], "write a setting and its value, as in learningRate=3e-4"),
            (["--set", "=2"], "write a setting and its value"),
            (["--method", "unsir", "--set", "learningRate=1"], "has several settings 'learningRate'"),
        ])
    func usage(options: [String], message: String) throws {
        let ending = try forget(options)
        #expect(ending.status == 64)
        #expect(ending.errors.contains(message), "\(ending.errors)")
    }

    /// Nine levels of lists, each of which is nine times the one before.
    private static let aliases =
        "a0: &a0 [1,1,1,1,1,1,1,1,1]\n"
        + (1..<9).map { level in
            let inner = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",")
            return "a\(level): &a\(level) [\(inner)]\n"
        }.joined()

    @Test(
        "a file that is wrong is named with the fault",
        arguments: [
            ("settigns: {}", "there is no key 'settigns' (did you mean 'settings'?)"),
            ("settings: {trainedShar: 1}", "settings.yaml: method 'default' has no setting 'trainedShar'"),
            ("method: srcub", "settings.yaml: there is no method 'srcub' (did you mean 'scrub'?)"),
            ("preset: slow", "there is no preset 'slow'"),
            ("method: scrub\npreset: fast", "method and preset exclude each other"),
            ("seed: -1", "seed cannot be '-1'"), ("samplesPerClass: 0", "samplesPerClass cannot be '0'"),
            ("seed: 1\nseed: 2", "is not YAML"), ("command: train", "is for 'unlearn train', not for 'unlearn forget'"),
            ("[1, 2]", "is no list of keys"), ("{\"seed\": ", "is not JSON"), ("a: [", "is not YAML"),
            ("seed: \u{0}", "is not YAML"),
            (String(repeating: "[", count: 5000), "nested more than 32 levels deep"),
            (String(repeating: "- ", count: 5000) + "1", "nested more than 32 levels deep"),
            ((0..<400).map { String(repeating: " ", count: $0) + "a:\n" }.joined(), "nested more than 32 levels deep"),
            (aliases, "stands for more than 10000 values"),
        ])
    func files(text: String, message: String) throws {
        let ending = try forget(["--config", write(text)])
        #expect(ending.status == 1, "\(ending.errors)")
        #expect(ending.errors.contains(message), "\(ending.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
    }

    @Test("a file that is missing, not text or too large is refused, and a run folder that cannot be")
    func otherFiles() throws {
        #expect(try forget(["--config", folder.path("none.yaml")]).errors.contains("none.yaml"))
        try Data([0xff, 0xfe, 0x00]).write(to: folder.url.appendingPathComponent("binary"))
        #expect(try forget(["--config", folder.path("binary")]).errors.contains("is no text in UTF-8"))
        try Data(count: 2 << 20).write(to: folder.url.appendingPathComponent("large"))
        #expect(try forget(["--config", folder.path("large")]).errors.contains("too many for settings"))
        let ending = try forget(["--run-folder", folder.path("binary")])
        #expect(ending.status == 1 && ending.errors.contains("is no folder"), "\(ending.errors)")
        let missing = try forget(["--run-folder", folder.path("no/such/folder")])
        #expect(missing.status == 1 && missing.errors.contains("does not exist"), "\(missing.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
    }

    @Test("methods are listed with ranges, defaults and sources")
    func methods() throws {
        let text = try Program.run(["methods", "scrub"])
        #expect(text.status == 0, "\(text.errors)")
        let parts = ["temperature", "above 0", "equation 3 and algorithm 1", "training.optimizer", "sgd (momentum 0.9"]
        for part in parts {
            #expect(text.output.contains(part), "\(part): \(text.output)")
        }
        #expect(try Program.run(["methods"]).output.contains("zero-shot"))
        let unknown = try Program.run(["methods", "srcub"])
        #expect(unknown.status == 64 && unknown.errors.contains("did you mean 'scrub'?"))
    }
}
