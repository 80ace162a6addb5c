import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("ONNX files on the command line", .tags(.commandLine))
struct ONNXTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// The materials' network as an ONNX file.
    private func exported() throws -> String {
        try materials.convert(to: folder.path("model.onnx"), "onnx")
    }

    @Test("convert there and back gives the same model")
    func converts() throws {
        let back = folder.path("back.safetensors")
        let ending = try Program.run(["convert", exported(), back])
        #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
        #expect(ending.output.hasPrefix("Wrote \(back): safetensors, "))
        try materials.expectNetwork(in: back)
    }

    @Test("forget, evaluate, predict and audit take ONNX without an architecture", .tags(.slow), .slow)
    func forgets() throws {
        let model = try exported()
        let output = folder.path("forgotten.onnx")
        let ending = try Program.run([
            "forget", model, "--classes", "0", "--retain", materials.dataset, "--validation", materials.dataset,
            "--output", output, "--json", "--seed", "3",
        ])
        #expect(ending.status == 0, "\(ending.errors)")
        let direct = folder.path("forgotten.safetensors")
        let same = try Program.run([
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", direct, "--seed",
            "3",
        ])
        #expect(same.status == 0, "\(same.errors)")
        let (first, second) = try (
            Model(contentsOf: URL(fileURLWithPath: output)), Model(contentsOf: URL(fileURLWithPath: direct))
        )
        #expect(Set(first.parameters.keys) == Set(second.parameters.keys))
        #expect(first.parameters == second.parameters)

        let accuracy = try #require(try ending.json()["accuracy"] as? [String: Any])
        let evaluation = try Program.run(
            ["evaluate", output, "--dataset", materials.dataset, "--forgotten", "0", "--json"]
        ).json()
        let measured = try #require(evaluation["accuracy"] as? [String: Any])
        #expect(measured["all"] as? Double == accuracy["all"] as? Double)
        let predicted = try Program.run([
            "predict", output, "--dataset", materials.dataset, "--logits", folder.path("logits.safetensors"),
        ])
        #expect(predicted.status == 0, "\(predicted.errors)")
        let audit = try Program.run([
            "audit", model, output, "--dataset", materials.dataset, "--forgotten", "0", "--json",
        ])
        #expect([0, 2, 3].contains(audit.status), "\(audit.errors)")
    }

    @Test("inspect shows operations, memory and what stays")
    func inspects() throws {
        let report = try Program.run(["inspect", exported(), "--json"]).json()
        #expect(report["inputShape"] as? [Int] == [4, 4, 1])
        #expect(report["classCount"] as? Int == 10)
        #expect(report["architecture"] as? String == "resnet18")
        #expect(report["fixed"] as? [String] == [])
        let operations = try #require(report["operations"] as? [[String: Any]])
        #expect(operations.first { $0["kind"] as? String == "Convolution" }?["count"] as? Int == 20)
        let own = try Program.run(["inspect", materials.model, "--json"]).json()
        #expect(own["parameters"] as? Int == report["parameters"] as? Int)
        let small = try #require(report["trainingBytes"] as? Int)
        let large = try Program.run(["inspect", exported(), "--batch-size", "640", "--json"]).json()
        #expect(try #require(large["trainingBytes"] as? Int) > small)

        let text = try Program.run(["inspect", materials.model]).output
        let lines = text.split(separator: "\n").filter {
            $0.contains("BatchNormalization") || $0.hasPrefix("operation")
        }
        #expect(lines.count == 2)
        #expect(Set(lines.map(\.count)).count == 1, "the table's columns line up")
    }

    /// A file with the classifiers `y` and `aux`.
    private static let twoHeads = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/ONNX/two-heads.onnx").path

    @Test("a file with several classifiers is read when one is named, and the other is warned about")
    func severalOutputs() throws {
        let output = folder.path("forgotten.onnx")
        let forget = ["forget", Self.twoHeads, "--classes", "0", "--retain", materials.dataset, "--output", output]
        for arguments in [["inspect", Self.twoHeads], forget] {
            let refused = try Program.run(arguments)
            #expect(refused.status == 1 && refused.output.isEmpty && refused.errorLines.count == 1)
            #expect(refused.errors.contains("'y' [N, 10]") && refused.errors.contains("'aux' [N, 10]"))
            #expect(refused.errors.contains("--output-name y"), "\(refused.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: output))
        let wrong = try Program.run(["inspect", Self.twoHeads, "--output-name", "z"])
        #expect(wrong.status == 1 && wrong.errors.contains("no output named 'z'; its outputs are 'y' [N, 10]"))

        let report = try Program.run(["inspect", Self.twoHeads, "--output-name", "aux", "--json"]).json()
        let outputs = try #require(report["outputs"] as? [[String: Any]])
        #expect(outputs.map { $0["name"] as? String } == ["y", "share", "aux"])
        #expect(outputs.map { $0["isRead"] as? Bool } == [false, false, true])

        let ending = try Program.run(forget + ["--output-name", "y", "--json"])
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(ending.errors.contains("output 'aux' of the file was not made to forget"), "\(ending.errors)")
        let others = try #require(try ending.json()["otherOutputs"] as? [[String: Any]])
        #expect(others.map { $0["name"] as? String } == ["aux"] && others[0]["classCount"] as? Int == 10)
        let (before, after) = (others[0]["shareBefore"] as? Double, others[0]["shareAfter"] as? Double)
        #expect(try #require(before) >= 0 && #require(after) >= 0)

        // The numbers are the written file's.
        let written = URL(fileURLWithPath: output)
        let aux = try Model(contentsOf: written, outputName: "aux")
        let own = try #require(try Model(contentsOf: written, outputName: "y").otherClassifiers().first)
        #expect(own.outputName == "aux" && own.model.parameters == aux.parameters)
    }

    @Test("what cannot be read or written says so in one line")
    func failures() throws {
        let broken = folder.path("broken.onnx")
        try Data(contentsOf: URL(fileURLWithPath: exported())).prefix(2000).write(to: URL(fileURLWithPath: broken))
        for arguments in [
            ["inspect", broken], ["convert", broken, folder.path("out.safetensors")],
            ["inspect", try exported(), "--architecture", "resnet18"],
            ["convert", try exported(), folder.path("missing/out.onnx")],
        ] {
            let ending = try Program.run(arguments)
            #expect(ending.status == 1 && ending.output.isEmpty, "\(arguments)")
            #expect(ending.errorLines.count == 1, "\(ending.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("out.safetensors")))
        let unnamed = try Program.run(["convert", exported(), folder.path("out.bin")])
        #expect(unnamed.status == 64 && unnamed.errors.contains("out.bin names no format; let it end in .safetensors"))
    }
}
