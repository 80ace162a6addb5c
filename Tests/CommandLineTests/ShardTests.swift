import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("Shards on the command line", .tags(.commandLine))
struct ShardTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func train(_ output: String, _ extra: [String] = []) throws {
        let ending = try Program.run(
            [
                "train", "--dataset", materials.dataset, "--shards", "2", "--epochs", "1", "--seed", "1", "--output",
                folder.path(output), "--json",
            ] + Materials.network + extra)
        #expect(ending.status == 0, "\(ending.errors)")
    }

    private func model(_ name: String) throws -> Model {
        try Model(contentsOf: folder.url.appendingPathComponent(name))
    }

    private func forget(_ file: String, _ what: [String], _ output: String) throws -> Program.Ending {
        try Program.run(
            [
                "forget", folder.path(file), "--retain", materials.dataset, "--method", "sisa", "--seed", "5",
                "--output", folder.path(output), "--json",
            ] + what)
    }

    @Test("a class and samples are forgotten as if the training had never seen them, and every command takes the file")
    func exact() throws {
        try train("all.safetensors")
        try train("without.safetensors", ["--exclude-classes", "4"])
        let classes = try forget("all.safetensors", ["--classes", "4"], "forgotten.safetensors")
        #expect(classes.status == 0, "\(classes.errors)")
        #expect(try model("forgotten.safetensors").stateDictionary == model("without.safetensors").stateDictionary)
        #expect(try model("all.safetensors").stateDictionary != model("without.safetensors").stateDictionary)

        try Data("7\n".utf8).write(to: folder.url.appendingPathComponent("samples.txt"))
        let samples = try forget(
            "forgotten.safetensors", ["--samples", folder.path("samples.txt")], "again.safetensors")
        #expect(samples.status == 0, "\(samples.errors)")
        let notes = try #require(try samples.json()["notes"] as? [String])
        #expect(notes.contains { $0.hasPrefix("1 of 2 shards were trained again") }, "\(notes)")

        for arguments in [
            ["evaluate", folder.path("again.safetensors"), "--dataset", materials.dataset, "--json"],
            ["convert", folder.path("again.safetensors"), folder.path("again.onnx"), "--json"],
            ["evaluate", folder.path("again.onnx"), "--dataset", materials.dataset, "--json"],
            [
                "audit", folder.path("all.safetensors"), folder.path("forgotten.safetensors"), "--dataset",
                materials.dataset, "--forgotten", "4", "--quick", "--json",
            ],
        ] {
            // Without a retrained network the audit has too little evidence.
            let ending = try Program.run(arguments)
            #expect([0, 2, 3].contains(ending.status), "\(arguments[0]): \(ending.errors)")
        }
    }

    @Test("networks without shards, and impossible numbers of shards, are refused")
    func refused() throws {
        let plain = try Program.run([
            "forget", materials.model, "--classes", "4", "--retain", materials.dataset, "--method", "sisa", "--output",
            folder.path("out.safetensors"),
        ])
        #expect(plain.status == 1)
        #expect(plain.errors.contains("needs a network that was trained in shards, as by 'unlearn train --shards'"))
        for (number, text) in [("1", "an integer from 2 to 64"), ("65", "an integer from 2 to 64")] {
            let ending = try Program.run(
                [
                    "train", "--dataset", materials.dataset, "--shards", number, "--epochs", "1", "--output",
                    folder.path("out.safetensors"),
                ] + Materials.network)
            #expect(ending.status == 64 && ending.errors.contains(text), "\(ending.errors)")
        }
        let twice = try Program.run([
            "train", "--dataset", materials.dataset, "--architecture", "allcnn-bn:shards=2", "--shards", "2",
            "--epochs", "1", "--output", folder.path("out.safetensors"),
        ])
        #expect(twice.status == 64 && twice.errors.contains("sets the shards already; leave --shards out"))
        for command in [["compare", "--method", "sisa"], ["compare-methods", "--methods", "fine-tune,sisa"]] {
            let ending = try Program.run(
                command + ["--dataset", materials.dataset, "--shards", "2", "--epochs", "1", "--classes", "4"]
                    + Materials.network)
            #expect(ending.status == 64)
            #expect(
                ending.errors.contains("'sisa' makes the network that a comparison would retrain"), "\(ending.errors)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}
