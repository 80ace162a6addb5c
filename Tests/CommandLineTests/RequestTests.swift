import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning
import UnlearningReports

/// What a model's file remembers of requests, which names it keeps, and which outputs.
@Suite("Requests kept in files", .tags(.commandLine))
struct RequestTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func run(
        _ arguments: [String], statuses: Set<Int32> = [0], under wrapper: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Program.Ending {
        let ending = try Program.run(arguments, under: wrapper)
        #expect(statuses.contains(ending.status), "\(ending.errors)", sourceLocation: sourceLocation)
        return ending
    }

    private func forget(_ model: String, _ classes: String, _ output: String, _ extra: [String] = []) -> [String] {
        ["forget", model, "--classes", classes, "--retain", materials.dataset, "--output", folder.path(output)] + extra
    }

    private func report(_ name: String) -> [String] {
        ["--validation", materials.dataset, "--report", folder.path(name), "--request-id", "ticket 7"]
    }

    private func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            at: folder.url.appendingPathComponent(name), withIntermediateDirectories: true)
    }

    private func metadata(_ name: String) throws -> ModelMetadata {
        try Model(contentsOf: folder.url.appendingPathComponent(name)).metadata
    }

    // MARK: Memory

    @Test("a file's network is named as --architecture takes it")
    func architecture() throws {
        let ending = try run(["inspect", materials.model])
        let line = ending.output.split(separator: "\n").first { $0.hasPrefix("architecture ") }
        #expect(line?.split(separator: " ").last.map(String.init) == Materials.architecture)
        let report = try run(["inspect", materials.model, "--json"]).json()
        #expect(report["architecture"] as? String == "resnet18")
        #expect(report["architectureOptions"] as? [String: String] == ["stem": "small", "width": "0.25"])
    }

    @Test(
        "a file remembers classes, date and record, in both formats, and the record verifies",
        arguments: ["safetensors", "onnx"])
    func remembers(format: String) throws {
        try makeFolder("report")
        let output = "out.\(format)"
        _ = try run(
            forget(materials.model, "2", output, report("report") + ["--method", "last-row"]), statuses: [0, 2, 3])
        let request = try #require(try metadata(output).requests.last)
        #expect(request.classes == [2] && request.samples == nil)
        let record = try AuditRecord(contentsOf: folder.url.appendingPathComponent("report/record.json"))
        #expect(request.date == record.date.formatted(.iso8601))
        #expect(try request.record == record.contentDigest().description)
        let inspected = try run(["inspect", folder.path(output), "--json"]).json()
        let requests = try #require(inspected["requests"] as? [[String: Any]])
        #expect(requests.first?["record"] as? String == request.record)
        let text = try run(["inspect", folder.path(output)]).output
        #expect(text.contains("class 2; \(request.date ?? "?"); record \(request.record ?? "?")"))
        let verified = try run(
            ["audit", "--verify", folder.path("report/record.json"), folder.path(output), "--json"],
            statuses: [0, 2, 3])
        #expect(try verified.json()["match"] as? String == "unlearned")
        #expect(try verified.json()["contradictions"] as? [String] == [])
    }

    @Test("a record that was changed is not the one that its model remembers")
    func changedRecord() throws {
        try makeFolder("report")
        _ = try run(
            forget(materials.model, "2", "out.safetensors", report("report") + ["--method", "fine-tune"]),
            statuses: [0, 2, 3])
        let file = folder.path("report/record.json")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changes = [
            ("ticket 7", "ticket 8"), ("\"seed\" : 0", "\"seed\" : 1"), ("Fashion-MNIST (train)", "Another (train)"),
        ]
        for (old, new) in changes {
            #expect(text.contains(old), "\(old)")
            let changed = folder.path("changed.json")
            try text.replacing(old, with: new).write(toFile: changed, atomically: true, encoding: .utf8)
            let ending = try run(["audit", "--verify", changed, folder.path("out.safetensors")], statuses: [2])
            #expect(
                ending.output.contains("the model's file remembers a record with the content digest"),
                "\(ending.output)")
        }
    }

    @Test("one date gives one file, to the byte, on any number of threads")
    func reproducible() throws {
        var files: [Data] = []
        for (number, threads) in ["1", "2"].enumerated() {
            try makeFolder("report\(number)")
            _ = try run(
                forget(materials.model, "2", "out.safetensors", report("report\(number)") + ["--threads", threads]),
                statuses: [0, 2, 3], under: ["/usr/bin/env", "SOURCE_DATE_EPOCH=1700000000"])
            files.append(try Data(contentsOf: folder.url.appendingPathComponent("out.safetensors")))
        }
        #expect(files[0] == files[1])
        #expect(try metadata("out.safetensors").requests.last?.date == "2023-11-14T22:13:20Z")
    }

    @Test("a class that is asked for again is told before and after", arguments: ["last-row", "zero-shot", "default"])
    func again(method: String) throws {
        let quick = method == "zero-shot" ? ["--set", "synthesizer.steps=2", "--set", "synthesizer.perClass=5"] : []
        _ = try run(forget(materials.model, "2", "first.safetensors", ["--method", "last-row"]))
        let ending = try run(
            forget(folder.path("first.safetensors"), "2,3", "second.safetensors", ["--method", method] + quick))
        let note = "The model has forgotten Pullover before; it is made to forget again."
        #expect(ending.errors.contains("warning: \(note)"), "\(ending.errors)")
        #expect(ending.output.contains("Note: \(note)"))
        #expect(try metadata("second.safetensors").forgottenClasses == [2, 3])
        #expect(try metadata("second.safetensors").requests.map(\.classes) == [[2], [2, 3]])
    }

    @Test("a file from elsewhere can be told what it has forgotten")
    func alreadyForgotten() throws {
        let ending = try run(
            forget(
                materials.plainModel, "0", "out.safetensors",
                ["--already-forgotten", "Pullover"] + Array(Materials.network.prefix(4))))
        #expect(ending.output.contains("The model has forgotten Pullover before, which stays forgotten"))
        #expect(try metadata("out.safetensors").forgottenClasses == [0, 2])
        #expect(try metadata("out.safetensors").requests.map(\.classes) == [[0]])
        _ = try run(["convert", materials.model, folder.path("told.onnx"), "--already-forgotten", "1,4"])
        #expect(try metadata("told.onnx").forgottenClasses == [1, 4])
        let all = "0,1,2,3,4,5,6,7,8,9"
        let refused = try run(
            ["convert", materials.model, folder.path("all.onnx"), "--already-forgotten", all], statuses: [1])
        #expect(refused.errors.contains("all 10 classes"))
        let unknown = try run(forget(materials.model, "0", "u", ["--already-forgotten", "Coats"]), statuses: [1])
        #expect(unknown.errors.contains("did you mean 'Coat'"))
    }

    // MARK: Names

    /// The files below a folder that have a text in them, in any case.
    private func files(with text: String) throws -> [String] {
        let all = FileManager.default.enumerator(at: folder.url, includingPropertiesForKeys: nil)?.allObjects ?? []
        return all.compactMap { $0 as? URL }.filter { url in
            guard let data = try? Data(contentsOf: url) else { return url.path.contains(text) }
            let haystack = String(decoding: data, as: Unicode.ASCII.self).lowercased()
            return url.path.contains(text) || haystack.contains(text.lowercased())
        }.map(\.lastPathComponent)
    }

    @Test("a renamed class's name is in no output", arguments: ["safetensors", "onnx"])
    func renamed(format: String) throws {
        let inputs = try TemporaryFolder()
        let model = inputs.path("with Ankle boot.safetensors")
        try FileManager.default.copyItem(atPath: materials.model, toPath: model)
        try makeFolder("report")
        let ending = try run(
            [
                "forget", model, "--classes", "Ankle boot", "--retain", materials.dataset, "--output",
                folder.path("out.\(format)"), "--rename-forgotten", "removed", "--set", "trainedShare=0.4", "--verbose",
            ] + report("report"), statuses: [0, 2, 3])
        #expect(try files(with: "Ankle boot") == [])
        #expect(!ending.errors.contains("still has the text"))
        let names = try metadata("out.\(format)").classNames
        #expect(names[9] == "removed" && names[8] == "Bag")
        let record = try AuditRecord(contentsOf: folder.url.appendingPathComponent("report/record.json"))
        #expect(record.classes.map(\.name) == ["removed"])
        #expect(record.models.original.name == "with removed.safetensors")
        let page = try String(contentsOfFile: folder.path("report/report.html"), encoding: .utf8)
        #expect(page.contains("removed"))
        let log = try String(contentsOfFile: folder.path("out.\(format).run/log.txt"), encoding: .utf8)
        #expect(log.contains("Forgot removed"))
        let command = try String(contentsOfFile: folder.path("out.\(format).run/command.txt"), encoding: .utf8)
        #expect(command.contains("--classes 'removed'"))
        // The data set still has the name, and the model goes on with it.
        _ = try run(["evaluate", folder.path("out.\(format)"), "--dataset", materials.dataset])
        _ = try run(forget(folder.path("out.\(format)"), "0", "next.safetensors", ["--method", "fine-tune"]))
        #expect(try metadata("next.safetensors").classNames[9] == "removed")
        _ = try run(
            [
                "audit", materials.model, folder.path("next.safetensors"), "--dataset", materials.dataset, "--quick",
                "--forgotten", "0", "--record", folder.path("later.json"),
            ], statuses: [0, 2, 3])
        #expect(try files(with: "Ankle boot") == [])
    }

    @Test("a digest stands for the name, and salt and name give it again")
    func digest() throws {
        let ending = try run(
            forget(
                materials.model, "7,9", "out.safetensors",
                [
                    "--rename-forgotten", "digest", "--salt", "pepper", "--method", "last-row", "--run-folder",
                    folder.path("run"), "--json",
                ]))
        let names = try metadata("out.safetensors").classNames
        for (index, name) in [(7, "Sneaker"), (9, "Ankle boot")] {
            let digest = "\(SHA256Digest(of: Data("pepper\n\(name)".utf8)))"
            #expect(names[index] == "forgotten-\(digest.prefix(32))")
        }
        let report = try ending.json()
        #expect(report["salt"] as? String == "pepper")
        #expect((report["renamed"] as? [[String: Any]])?.count == 2)
        #expect(try files(with: "pepper") == [] && files(with: "Sneaker") == [])
        // Without a salt of one's own, each run has another one.
        let salts = try (0..<2).map { number in
            try run(
                forget(
                    materials.model, "7", "r\(number).safetensors",
                    ["--rename-forgotten", "digest", "--method", "last-row", "--json"])
            ).json()["salt"] as? String
        }
        #expect(salts[0] != salts[1] && salts[0]?.count == 32)
    }

    @Test(
        "names that cannot be are refused",
        arguments: [
            (["--rename-forgotten", "  "], 64, "cannot be a class's name"),
            (["--rename-forgotten", "7"], 64, "is a number"),
            (["--rename-forgotten", "a\nb"], 64, "has control characters"),
            (["--rename-forgotten", "not an ankle boot"], 1, "has the name 'Ankle boot' in it"),
            (["--salt", "x"], 64, "--salt is for --rename-forgotten digest"),
            (
                ["--rename-forgotten", "gone", "--run-folder", "/tmp/Ankle boot run"], 1,
                "has the class's name 'Ankle boot' in it"
            ),
        ])
    func refusedNames(options: [String], status: Int32, message: String) throws {
        let ending = try run(forget(materials.model, "9", "out.safetensors", options), statuses: [status])
        #expect(ending.errors.contains(message), "\(ending.errors)")
        #expect(folder.isEmpty)
    }

    @Test("a name that another class has gets the class's number")
    func uniqueNames() throws {
        _ = try run(
            forget(materials.model, "1,2", "out.safetensors", ["--rename-forgotten", "gone", "--method", "last-row"]))
        #expect(try metadata("out.safetensors").classNames[1...2] == ["gone-1", "gone-2"])
        _ = try run(
            forget(materials.model, "1", "one.safetensors", ["--rename-forgotten", "Bag", "--method", "last-row"]))
        #expect(try metadata("one.safetensors").classNames[1] == "Bag-1")
    }

    // MARK: Outputs

    private func logits(_ model: String) throws -> Tensor {
        let file = folder.path("logits.safetensors")
        _ = try run(["predict", model, "--dataset", materials.dataset, "--logits", file])
        return try #require(try SafetensorsFile(contentsOf: URL(fileURLWithPath: file)).tensors()["logits"])
    }

    @Test("a network loses the outputs of a class, and everything else moves with them")
    func drops() throws {
        try makeFolder("report")
        let ending = try run(
            forget(
                materials.model, "3", "dropped.safetensors",
                report("report") + ["--drop-outputs", "--method", "last-row", "--json"]),
            statuses: [0, 2, 3])
        #expect(try ending.json()["droppedOutputs"] as? [Int] == [3])
        _ = try run(forget(materials.model, "3", "whole.safetensors", ["--method", "last-row"]))
        let (dropped, whole) = (folder.path("dropped.safetensors"), folder.path("whole.safetensors"))
        let memory = try metadata("dropped.safetensors")
        #expect(memory.classNames.count == 9 && !memory.classNames.contains("Dress") && memory.classNames[3] == "Coat")
        #expect(memory.forgottenClasses == [] && memory.requests.map(\.classes) == [[3]])
        // The other classes' scores are those of the network with all outputs; images of the class itself are left out.
        let labels = (0..<80).map { $0 % 10 }
        let (some, all) = (try logits(dropped), try logits(whole))
        #expect(some.shape == [72, 9] && all.shape == [80, 10])
        var row = 0
        for (index, label) in labels.enumerated() where label != 3 {
            let expected = (0..<10).filter { $0 != 3 }.map { all.elements[index * 10 + $0] }
            // How a product sums may depend on how many outputs and images it has.
            #expect(relativeDifference(some.elements[row * 9..<(row + 1) * 9], from: expected) < 1e-6)
            row += 1
        }
        let verified = try run(
            ["audit", "--verify", folder.path("report/record.json"), dropped, "--json"], statuses: [0, 2, 3]
        ).json()
        #expect(verified["match"] as? String == "unlearned" && verified["contradictions"] as? [String] == [])
        let audited = try run(
            [
                "audit", materials.model, dropped, "--dataset", materials.dataset, "--forgotten", "Dress", "--quick",
                "--json",
            ], statuses: [0, 2, 3])
        #expect(audited.errors.contains("come back for measuring"))
        let record = try audited.json()
        #expect((record["classes"] as? [[String: Any]])?.first?["name"] as? String == "Dress")
        // A second request finds the class at its new place.
        _ = try run(
            forget(dropped, "Ankle boot", "second.safetensors", ["--drop-outputs", "--method", "fine-tune"]))
        let second = try metadata("second.safetensors")
        #expect(second.classNames.count == 8 && second.requests.map(\.classes) == [[3], [9]])
        let accuracy = try run(
            ["evaluate", folder.path("second.safetensors"), "--dataset", materials.dataset, "--json"]).json()
        #expect(accuracy["imageCount"] as? Int == 64)
        let inspected = try run(["inspect", folder.path("second.safetensors")]).output
        #expect(inspected.contains("of classes 3, 9, as they were numbered before"))
    }

    @Test("a network from ONNX is exported without an output")
    func dropsFromONNX() throws {
        _ = try run(["convert", materials.model, folder.path("model.onnx")])
        let ending = try run(
            forget(folder.path("model.onnx"), "3", "out.onnx", ["--drop-outputs", "--method", "last-row"]))
        #expect(ending.errors.contains("is exported"))
        #expect(try Model(onnx: folder.url.appendingPathComponent("out.onnx")).classCount == 9)
        #expect(try metadata("out.onnx").classNames.count == 9)
    }
}
