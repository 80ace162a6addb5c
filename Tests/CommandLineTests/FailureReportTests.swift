import Foundation
import TestSupport
import Testing
import Unlearning

/// With `--json` a failure is an object on standard output too, whatever the command; people read standard error.
@Suite("Failures as JSON", .tags(.commandLine))
struct FailureReportTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func expect(
        _ message: String, status: Int32, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ending = try Program.run(arguments + ["--json"])
        let plain = try Program.run(arguments)
        #expect(ending.status == status && plain.status == status, "\(plain.errors)", sourceLocation: sourceLocation)
        #expect(plain.output.isEmpty, sourceLocation: sourceLocation)
        #expect(ending.errors == plain.errors, sourceLocation: sourceLocation)
        let object = try ending.json()
        #expect(Set(object.keys) == ["error", "schemaVersion"], sourceLocation: sourceLocation)
        #expect(object["schemaVersion"] as? Int == 2, sourceLocation: sourceLocation)
        let error = try #require(object["error"] as? [String: Any], sourceLocation: sourceLocation)
        #expect(Set(error.keys) == ["exitCode", "message"], sourceLocation: sourceLocation)
        #expect(error["exitCode"] as? Int == Int(status), sourceLocation: sourceLocation)
        let found = error["message"] as? String ?? ""
        #expect(found.contains(message), "\(found)", sourceLocation: sourceLocation)
        #expect(ending.output.filter { $0 == "\n" }.count == 1, sourceLocation: sourceLocation)
    }

    @Test("every command")
    func commands() throws {
        let missing = folder.path("missing")
        let data = ["--dataset", "folder:\(missing)"]
        let output = ["--output", folder.path("out.safetensors")]
        let cases = [
            ["train", "--architecture", "allcnn", "--epochs", "1"] + data + output,
            ["forget", missing, "--classes", "0", "--retain", "folder:\(missing)"] + output,
            ["evaluate", missing] + data, ["predict", missing, "--logits", folder.path("logits")] + data,
            ["compare", "--architecture", "allcnn", "--classes", "0"] + data,
            ["compare-methods", "--methods", "scrub", "--architecture", "allcnn", "--classes", "0"] + data,
            ["audit", missing, missing, "--forgotten", "0"] + data, ["audit", "--verify", missing, missing],
            ["inspect", missing], ["convert", missing, folder.path("out.safetensors")],
        ]
        for arguments in cases { try expect(missing, status: 1, arguments) }
        for arguments in cases { try expect("Unknown option '--bogus'", status: 64, arguments + ["--bogus"]) }
        #expect(folder.isEmpty)
    }

    @Test("usage that names no command")
    func usage() throws {
        try expect("--bogus", status: 64, ["--bogus"])
        try expect("'bogus'", status: 64, ["bogus"])
    }

    static let trainingNumbers: [(option: String, range: String, values: [String])] = [
        ("--threads", "from 1 to 1024", ["0", "-2", "1025", "1e3", "two", "", "99999999999999999999"]),
        ("--seed", "from 0 to 18446744073709551615", ["-1", "1e3", "0x1", "18446744073709551616"]),
        ("--epochs", "from 1 to 1000000", ["-1", "0", "1.5"]),
        ("--batch-size", "from 1 to 1000000", ["-1", "0"]),
        ("--image-size", "from 1 to 65536", ["-3", "0", "65537"]),
        ("--channels", "from 1 to 65536", ["0"]),
        ("--patch-size", "from 1 to 65536", ["0"]),
        ("--learning-rate", "above 0", ["nan", "-1", "0", "inf", "x"]),
    ]

    @Test("numbers out of their range", arguments: trainingNumbers.indices)
    func numbers(_ index: Int) throws {
        let (option, range, values) = Self.trainingNumbers[index]
        for value in values {
            let ending = try Program.run([
                "train", "--dataset", "folder:x", "--architecture", "vit-tiny", "--output", folder.path("o"),
                "--epochs", "1", option, value,
            ])
            #expect(ending.status == 64)
            let line = String(ending.errorLines.first ?? "")
            #expect(line.hasPrefix("unlearn: error: The value '\(value)' is invalid for '\(option) <"), "\(line)")
            #expect(line.hasSuffix(range) || line.contains("\(range), "), "\(line)")
        }
    }

    static let others: [(command: [String], option: String, value: String)] = [
        (["forget", "m", "--classes", "0", "--retain", "folder:x", "--output", "o"], "--samples-per-class", "0"),
        (["forget", "m", "--classes", "0", "--retain", "folder:x", "--output", "o"], "--epochs", "0"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0", "--retrain"], "--seeds", "101"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0"], "--minimum-samples", "0"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0"], "--shadow-models", "-2"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0"], "--epochs", "0"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0"], "--batch-size", "0"),
        (["audit", "a", "b", "--dataset", "folder:x", "--forgotten", "0"], "--learning-rate", "0"),
        (["compare", "--dataset", "folder:x", "--architecture", "allcnn", "--classes", "0"], "--epochs", "0"),
        (
            [
                "compare-methods", "--dataset", "folder:x", "--architecture", "allcnn", "--classes", "0", "--methods",
                "all",
            ], "--seeds", "0"
        ),
        (["inspect", "m"], "--batch-size", "0"), (["inspect", "m"], "--image-size", "0"),
    ]

    @Test("numbers of the other commands", arguments: others.indices)
    func otherNumbers(_ index: Int) throws {
        let (command, option, value) = Self.others[index]
        let ending = try Program.run(command + [option, value])
        #expect(ending.status == 64)
        #expect(ending.errors.contains("The value '\(value)' is invalid for '\(option) <"), "\(ending.errors)")
        #expect(ending.errors.contains(": use a"), "\(ending.errors)")
    }

    private static let taskset = "/usr/bin/taskset"

    @Test(
        "more threads than processors are cut down, and said so",
        .enabled(if: FileManager.default.isExecutableFile(atPath: taskset), "needs taskset"))
    func threads() throws {
        let materials = try Materials.shared.get()
        for (threads, isSaid) in [("64", true), ("1", false)] {
            let ending = try Program.run(
                ["evaluate", materials.model, "--dataset", materials.dataset, "--threads", threads, "--verbose"],
                under: [Self.taskset, "-c", "0"])
            #expect(ending.status == 0)
            #expect(ending.errors.contains("--threads 64: this program may use one processor") == isSaid)
            #expect(ending.errors.contains("1 threads; own loops"), "\(ending.errors)")
        }
    }
}
