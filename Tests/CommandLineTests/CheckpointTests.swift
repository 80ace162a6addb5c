import Foundation
import ModelFiles
import TestSupport
import Testing
import Unlearning

@Suite("Jobs that survive", .tags(.commandLine))
struct CheckpointTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private var checkpoint: String { folder.path("checkpoint") }

    private func forget(_ options: [String] = [], output: String) -> [String] {
        [
            "forget", materials.model, "--classes", "0,3", "--retain", materials.dataset, "--method", "unsir",
            "--seed", "3", "--keep-ruined", "--output", folder.path(output),
        ] + options
    }

    private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

    private var checkpointIsEmpty: Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: checkpoint))?.isEmpty ?? true
    }

    /// Starts a command, kills it after a random time, and starts it again, until it ends by itself.
    /// - Returns: how often it was killed, and how it ended.
    private func survive(
        _ arguments: [String], under wrapper: [String] = [], kills: Int, longest: Double, random: inout SeededRandom
    ) throws -> (killed: Int, ending: Program.Ending) {
        var killed = 0
        while true {
            let run = try Program.Run(
                arguments + [
                    "--checkpoint", checkpoint, "--resume", "--checkpoint-every", killed % 2 == 0 ? "0" : "0.01",
                ],
                folder: folder.url, under: wrapper)
            if killed < kills {
                usleep(UInt32(1e6 * longest * random.uniform()))
                if run.process.isRunning {
                    kill(run.process.processIdentifier, SIGKILL)
                    killed += 1
                }
            }
            let ending = run.ending()
            if run.process.terminationReason == .exit {
                #expect([0, 2, 3].contains(ending.status), "\(ending.errors)")
                return (killed, ending)
            }
        }
    }

    /// Tests/Validation/Interruptions/check_kills.py does the same hundreds of times.
    @Test("forget and train end in the same bytes, however often they are killed", .tags(.slow), .slow)
    func kills() throws {
        var random = SeededRandom(seed: 5)
        let commands: [(name: String, arguments: [String])] = [
            ("f", forget(output: "f")),
            (
                "t",
                ["train", "--dataset", materials.dataset, "--augment", "--output", folder.path("t")]
                    + Materials.training
            ),
        ]
        for command in commands {
            let start = ContinuousClock.now
            let whole = try Program.run(command.arguments)
            #expect(whole.status == 0, "\(whole.errors)")
            let duration = (ContinuousClock.now - start).seconds
            let expected = try bytes(command.name)
            try FileManager.default.removeItem(atPath: folder.path(command.name))
            var killed = 0
            for _ in 0..<2 {
                killed += try survive(command.arguments, kills: 4, longest: duration, random: &random).killed
                #expect(try bytes(command.name) == expected)
                #expect(checkpointIsEmpty)
                try FileManager.default.removeItem(atPath: folder.path(command.name))
            }
            #expect(killed > 0)
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(!left.contains { $0.hasSuffix(".partial") })
    }

    @Test("the record of a killed run is that of an undisturbed one, apart from times", .tags(.slow), .slow)
    func record() throws {
        try FileManager.default.createDirectory(atPath: folder.path("r"), withIntermediateDirectories: true)
        let options = ["--validation", materials.dataset, "--report", folder.path("r"), "--request-id", "k"]
        // The date is part of what the model remembers.
        let wrapper = ["/usr/bin/env", "SOURCE_DATE_EPOCH=1769860800"]
        func record() throws -> NSDictionary {
            let object = try JSONSerialization.jsonObject(with: bytes("r/record.json"))
            var record = try #require(object as? [String: Any])
            var (run, audit) = (
                try #require(record["forgetting"] as? [String: Any]), try #require(record["audit"] as? [String: Any])
            )
            (run["phaseSeconds"], audit["seconds"]) = (nil, nil)
            (record["forgetting"], record["audit"]) = (run, audit)
            return record as NSDictionary
        }
        let start = ContinuousClock.now
        _ = try Program.run(forget(options, output: "f"), under: wrapper)
        let duration = (ContinuousClock.now - start).seconds
        let expected = try record()
        try FileManager.default.removeItem(atPath: folder.path("r/record.json"))
        var random = SeededRandom(seed: 8)
        let killed = try survive(
            forget(options, output: "f"), under: wrapper, kills: 3, longest: duration, random: &random
        ).killed
        #expect(killed > 0)
        #expect(try record() == expected)
    }

    /// A checkpoint as a run leaves it that a signal stops.
    private func interrupted() throws {
        let run = try Program.Run(
            forget(["--checkpoint", checkpoint, "--verbose"], output: "f"), folder: folder.url)
        // The noise is learned; impairing, the longest phase, is going on.
        run.waitForErrors(containing: "noise       ")
        kill(run.process.processIdentifier, SIGTERM)
        let ending = run.ending()
        #expect(ending.status == 143)
        #expect(
            ending.errors.hasSuffix("unlearn: interrupted, the same command with --resume goes on from here\n"),
            "\(ending.errors)")
    }

    @Test("a signal keeps the latest step; without --resume it is not thrown away, and another run is refused by name")
    func refuses() throws {
        try interrupted()
        let again = try Program.run(forget(["--checkpoint", checkpoint], output: "f"))
        #expect(again.status == 1)
        #expect(
            again.errors
                == "unlearn: error: \(checkpoint): has the checkpoint of an unfinished run; add --resume, or give another "
                + "folder\n")
        for (options, words) in [
            (["--samples-per-class", "9"], "differs in the retain data: "),
            (["--epochs-are-no-option"], "Unknown option"),
            (["--validation", materials.dataset], "differs in the validation data: not given then, "),
        ] {
            let other = try Program.run(forget(["--checkpoint", checkpoint, "--resume"] + options, output: "f"))
            #expect(other.status != 0)
            #expect(other.errors.contains(words), "\(other.errors)")
        }
        let seed = try Program.run([
            "forget", materials.model, "--classes", "0,3", "--retain", materials.dataset, "--method", "unsir",
            "--seed", "4", "--output", folder.path("f"), "--checkpoint", checkpoint, "--resume",
        ])
        #expect(seed.status == 1)
        #expect(seed.errors.contains("differs in the seed: 3 then, 4 now"), "\(seed.errors)")
        // Nothing of this has touched the checkpoint.
        let resumed = try Program.run(forget(["--checkpoint", checkpoint, "--resume", "--verbose"], output: "f"))
        #expect(resumed.status == 0)
        #expect(resumed.errors.contains("resuming from "))
        // The first noise is not learned again; a gentler attempt under the guard learns its own.
        let phases = resumed.errors.split(separator: "\n").filter { $0.hasPrefix("noise ") || $0.hasPrefix("impair ") }
        #expect(phases.first?.hasPrefix("impair ") == true, "\(resumed.errors)")
        let whole = try Program.run(forget(output: "g"))
        #expect(whole.status == 0)
        #expect(try bytes("f") == bytes("g"))
    }

    @Test("truncated files are named and computed again", .tags(.slow), .slow)
    func truncated() throws {
        try interrupted()
        let names = try FileManager.default.contentsOfDirectory(atPath: checkpoint)
            .filter { $0.hasSuffix(".part") || $0.contains(".progress-") }
        #expect(!names.isEmpty)
        for name in names {
            let file = URL(fileURLWithPath: checkpoint).appendingPathComponent(name)
            let data = try Data(contentsOf: file)
            try data.prefix(data.count / 2).write(to: file)
        }
        let resumed = try Program.run(forget(["--checkpoint", checkpoint, "--resume"], output: "f"))
        #expect(resumed.status == 0)
        for name in names {
            #expect(
                resumed.errors.contains(
                    "unlearn: warning: \(checkpoint)/\(name): is damaged, so this part is computed again"))
        }
        _ = try Program.run(forget(output: "g"))
        #expect(try bytes("f") == bytes("g"))
    }

    @Test("options for a checkpoint need one, and a folder that holds an input is none")
    func options() throws {
        for option in [["--resume"], ["--checkpoint-every", "5"]] {
            let ending = try Program.run(forget(option, output: "f"))
            #expect(ending.status == 64)
            #expect(ending.errors.contains("\(option[0]) is for --checkpoint; give it too."))
        }
        #expect(try Program.run(forget(["--checkpoint", "c", "--checkpoint-every", "-1"], output: "f")).status == 64)
        let inputs = try Program.run(forget(["--checkpoint", materials.folder.url.path], output: "f"))
        #expect(inputs.status == 1)
        #expect(inputs.errors.contains("an input of this run"), "\(inputs.errors)")
        let given = try Program.run([
            "compare-distributions", "--dataset", materials.dataset, "--classes", "2", "--checkpoint", checkpoint,
            "--unlearned", "a", "b", "c", "d", "--retrained", "e", "f", "g", "h",
        ])
        #expect(given.status == 64)
        #expect(given.errors.contains("--checkpoint is for the models of --train; give it too."), "\(given.errors)")
        let verify = try Program.run(["audit", "--verify", "record.json", "--checkpoint", checkpoint])
        #expect(verify.status == 64)
        #expect(verify.errors.contains("--verify measures nothing; leave --checkpoint out."))
    }

    @Test("compare, compare-methods, compare-distributions and audit resume too", .tags(.slow), .slow)
    func otherCommands() throws {
        let training =
            ["--dataset", materials.dataset, "--epochs", "3", "--batch-size", "16", "--classes", "2"]
            + Materials.network
        let commands: [[String]] = [
            ["compare", "--json"] + training,
            ["compare-methods", "--methods", "fine-tune,last-row", "--json"] + training,
            [
                "compare-distributions", materials.model, "--train", "4", "--dataset", materials.dataset, "--classes",
                "2", "--epochs", "2", "--images", "60", "--method", "fine-tune", "--json",
            ],
            [
                "audit", materials.model, materials.plainModel, "--architecture", Materials.architecture,
                "--image-size", "4",
                "--dataset", materials.dataset, "--forgotten", "2", "--quick", "--retrain", "--epochs", "1",
                "--shadow-models", "2", "--minimum-samples", "5", "--json",
            ],
        ]
        var random = SeededRandom(seed: 2)
        for command in commands {
            let start = ContinuousClock.now
            let whole = try Program.run(command)
            let longest = (ContinuousClock.now - start).seconds
            #expect([0, 2, 3].contains(whole.status), "\(whole.errors)")
            let resumed = try survive(command, kills: 3, longest: longest, random: &random)
            #expect(checkpointIsEmpty)
            #expect(comparable(try whole.json()) == comparable(try resumed.ending.json()))
        }
    }

    /// A result without times and names that differ from run to run.
    private func comparable(_ value: Any) -> NSObject {
        let varying: Set<String> = ["date", "requestID", "seconds", "speedUp", "peakMemory", "phaseSeconds"]
        if let object = value as? [String: Any] {
            return object.filter { !varying.contains($0.key) }.mapValues { comparable($0) } as NSDictionary
        }
        if let list = value as? [Any] { return list.map { comparable($0) } as NSArray }
        return value as? NSObject ?? NSNull()
    }

    @Test("what killed programs left in the temporary folder is removed")
    func scratch() throws {
        let parent = folder.url
        let abandoned = parent.appendingPathComponent("unlearning-999-abc.scratch")
        try FileManager.default.createDirectory(at: abandoned, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: abandoned.appendingPathComponent("model.safetensors"))
        let other = parent.appendingPathComponent("unlearning-notes.scratch")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        let first = try ScratchFolder(in: parent)
        #expect(!FileManager.default.fileExists(atPath: abandoned.path))
        #expect(FileManager.default.fileExists(atPath: other.path))
        // One that is in use stays.
        let second = try ScratchFolder(in: parent)
        #expect(FileManager.default.fileExists(atPath: first.url.path))
        withExtendedLifetime((first, second)) {}
    }
}
