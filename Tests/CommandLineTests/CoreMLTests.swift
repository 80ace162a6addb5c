import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning

@Suite("Core ML packages on the command line", .tags(.commandLine))
struct CoreMLTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// The materials' network as a package.
    private func package() throws -> String {
        try materials.convert(to: folder.path("Classifier.mlpackage"), "mlpackage")
    }

    @Test("convert there and back gives the same model")
    func converts() throws {
        let back = folder.path("back.safetensors")
        let ending = try Program.run(["convert", package(), back])
        #expect(ending.status == 0 && ending.errors.isEmpty, "\(ending.errors)")
        try materials.expectNetwork(in: back)
    }

    @Test("forget, evaluate, predict, inspect and audit take packages", .tags(.slow), .slow)
    func forgets() throws {
        let model = try package()
        let output = folder.path("Forgotten.mlpackage")
        let ending = try Program.run([
            "forget", model, "--classes", "0", "--retain", materials.dataset, "--validation", materials.dataset,
            "--output", output, "--json", "--seed", "3",
        ])
        #expect(ending.status == 0, "\(ending.errors)")
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
        let report = try Program.run(["inspect", output, "--json"]).json()
        #expect(report["forgottenClasses"] as? [Int] == [0])
        #expect((report["source"] as? String)?.hasPrefix("Core ML program") == true)
        let record = folder.path("record.json")
        let audit = try Program.run([
            "audit", model, output, "--dataset", materials.dataset, "--forgotten", "0", "--quick", "--least-samples",
            "5", "--record", record,
        ])
        #expect([0, 2, 3].contains(audit.status), "\(audit.errors)")
        // The record's digests are those of the packages.
        for (path, match) in [(output, "unlearned"), (model, "original")] {
            let verified = try Program.run(["audit", "--verify", record, path, "--json"]).json()
            #expect(verified["match"] as? String == match)
        }
    }

    @Test("an input is not replaced, nor written into, whatever it is called")
    func keepsInputs() throws {
        let model = try package()
        let link = folder.path("link.mlpackage")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: model)
        for output in [model, model + "/", link] {
            let ending = try Program.run(["convert", model, output])
            #expect(ending.status == 1 && ending.errors.contains("is an input of this run"), "\(ending.errors)")
        }
        let inside = try Program.run(["convert", model, model + "/Data/m.onnx"])
        #expect(inside.status == 1 && inside.errors.contains("lies in a model"), "\(inside.errors)")
        #expect(try Model(contentsOf: URL(fileURLWithPath: model)).classCount == 10)
    }

    @Test("a .mlmodel is not written of other models, which shows before the work")
    func refusesOneFile() throws {
        let output = folder.path("m.mlmodel")
        for arguments in [
            ["convert", materials.model, output],
            ["forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", output],
        ] {
            let ending = try Program.run(arguments)
            #expect(ending.status == 1 && ending.errors.contains("ends in .mlpackage"), "\(ending.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: output))
    }
}
