import Foundation
import TestSupport
import Testing

/// One exit code has one meaning in every command: 0 success, 1 error, 2 verdict, 3 incomplete, 64 wrong usage.
@Suite("Exit codes", .tags(.commandLine))
struct ExitCodeTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// Runs that succeed, with every command that has no verdict or whose verdict is not asked for.
    private var successes: [[String]] {
        let data = ["--dataset", materials.dataset]
        let training = Materials.network + ["--epochs", "1"]
        return [
            ["train", "--output", folder.path("m")] + data + training,
            ["forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", folder.path("f")],
            ["evaluate", materials.model] + data, ["predict", materials.model, "--logits", folder.path("l")] + data,
            ["compare", "--classes", "0"] + data + training,
            ["compare-methods", "--classes", "0", "--methods", "last-row"] + data + training,
            ["inspect", materials.model], ["convert", materials.model, folder.path("m.onnx")], ["list", "methods"],
            ["check"] + data, ["--version"], ["--help"], ["help", "audit"],
        ]
    }

    @Test("0 is success")
    func success() throws {
        for arguments in successes {
            let ending = try Program.run(arguments)
            #expect(ending.status == 0, "\(arguments): \(ending.errors)")
        }
    }

    @Test("1 is an error: a file that does not exist, cut short, or of another kind")
    func errors() throws {
        let short = folder.path("short.safetensors")
        try Data(contentsOf: URL(fileURLWithPath: materials.model)).prefix(1000).write(to: URL(fileURLWithPath: short))
        let text = folder.path("text")
        try Data("hello".utf8).write(to: URL(fileURLWithPath: text))
        let data = ["--dataset", materials.dataset]
        for file in [folder.path("none"), short, text, folder.url.path] {
            for arguments in [
                ["forget", file, "--classes", "0", "--retain", materials.dataset, "--output", folder.path("f")],
                ["evaluate", file] + data, ["predict", file, "--logits", folder.path("l")] + data,
                ["predict", materials.model, "--input", file, "--logits", folder.path("l")],
                ["predict", materials.model, "--pictures", file],
                ["audit", file, materials.model, "--forgotten", "0"] + data,
                ["audit", materials.model, file, "--forgotten", "0"] + data,
                ["audit", materials.model, materials.model, "--forgotten", "0", "--retrained", file] + data,
                ["audit", "--verify", file], ["inspect", file], ["convert", file, folder.path("c.onnx")],
                ["check", "--dataset", "idx:\(file),\(file)"],
                ["train", "--dataset", "idx:\(file),\(file)", "--epochs", "1", "--output", folder.path("m")]
                    + Materials.network,
                ["compare", "--dataset", "idx:\(file),\(file)", "--classes", "0"] + Materials.network,
                ["compare-methods", "--dataset", "idx:\(file),\(file)", "--classes", "0", "--methods", "ssd"]
                    + Materials.network,
            ] {
                let ending = try Program.run(arguments)
                #expect(ending.status == 1, "\(arguments): \(ending.errors)")
                #expect(ending.errorLines.count == 1 && ending.errors.hasPrefix("unlearn: error: "), "\(ending.errors)")
            }
        }
    }

    @Test("2 is a leak, 3 an incomplete audit, with its report on standard output and nothing on standard error")
    func verdicts() throws {
        let data = ["--dataset", materials.dataset]
        let record = folder.path("own.json")
        let original = ["audit", materials.model, materials.model, "--forgotten", "0", "--quick"] + data
        let forget = [
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--validation",
            materials.dataset, "--report", folder.url.path, "--output", folder.path("f"),
        ]
        let compare =
            ["compare", "--classes", "0", "--report", folder.url.path, "--epochs", "1"] + data + Materials.network
        for (codes, arguments) in [
            ([3], original + ["--record", record]),
            // A record whose two models are one contradicts itself.
            ([2], ["audit", "--verify", record]),
            ([2], original + ["--least-samples", "5", "--record", record]), ([2], ["audit", "--verify", record]),
            // Too few images are there for a measure of leakage; whether accuracy falls too far depends on the training.
            ([2, 3], forget), ([2, 3], compare),
        ] as [([Int32], [String])] {
            let ending = try Program.run(arguments)
            #expect(codes.contains(ending.status) && ending.errors.isEmpty, "\(arguments): \(ending.errors)")
            #expect(!ending.output.isEmpty)
        }
    }

    @Test("64 is wrong usage, whatever the files are")
    func usage() throws {
        for command in [
            "train", "forget", "evaluate", "audit", "predict", "compare", "compare-methods", "compare-distributions",
            "inspect", "convert",
            "list",
        ] {
            let ending = try Program.run([command])
            #expect(ending.status == 64, "\(command)")
            #expect(ending.errors.hasPrefix("unlearn: error: ") && ending.errors.contains("unlearn \(command)"))
        }
        for arguments in [["check", "--dataset", "foo"], ["bogus"], ["--bogus"], ["list", "bogus"]] {
            #expect(try Program.run(arguments).status == 64, "\(arguments)")
        }
    }
}
