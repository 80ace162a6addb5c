import Foundation
import ModelInterchange
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Audit, report and record", .tags(.commandLine))
struct AuditTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func audit(_ unlearned: String, _ extra: [String] = [], original: String? = nil) throws -> Program.Ending {
        try Program.run(
            ["audit", original ?? materials.model, unlearned, "--dataset", materials.dataset, "--forgotten", "0"]
                + ["--least-samples", "5"] + extra)
    }

    /// Forgets class 0 with a report, and returns the new model.
    private func forget() throws -> (model: String, ending: Program.Ending) {
        let output = folder.path("forgotten.safetensors")
        let ending = try Program.run([
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--validation",
            materials.dataset, "--report", folder.url.path, "--request-id", "ticket 12", "--preset",
            "paper-safe", "--output", output, "--keep-ruined",
        ])
        // Too few images for such rates: the network is ruined, and the files are there all the same, as asked for.
        #expect(ending.status == 2 && ending.errors.isEmpty, "\(ending.errors)")
        return (output, ending)
    }

    @Test("forget makes a report and a record, which verifies the model", .tags(.slow), .slow)
    func forgetReports() throws {
        let (model, ending) = try forget()
        #expect(ending.output.contains("Wrote \(folder.path("report.html"))"))
        #expect(ending.output.contains("\naudit: over-forgotten ("))
        #expect(
            ending.output.contains(
                "\n  missing: forget accuracy was not judged: forget-accuracy-test (8 test examples of the forgotten "
                    + "classes are too few; give 30 or more); forget-accuracy-training (24 training examples"))
        let record = try AuditRecord(contentsOf: URL(fileURLWithPath: folder.path("record.json")))
        #expect(record.requestID == "ticket 12")
        #expect(record.classes.map(\.index) == [0])
        #expect(record.models.original.name == "model.safetensors")
        #expect(record.forgetting?.losses["noise"]?.count == 20)
        #expect(record.forgetting?.retained?.count == 9 * 24)
        let html = try String(contentsOfFile: folder.path("report.html"), encoding: .utf8)
        #expect(html.contains("ticket 12") && html.contains("Learned noise"))

        let file = folder.path("record.json")
        let verified = try Program.run(["audit", "--verify", file, model])
        #expect(verified.status == 2 && verified.errors.isEmpty)
        #expect(
            verified.output.hasPrefix(
                "\(model) is the unlearned model of request ticket 12; its verdict is: over-forgotten\nmissing: "))
        let original = try Program.run(["audit", "--verify", file, materials.model, "--json"])
        #expect(original.status == 2 && original.errors.isEmpty)
        #expect(try original.json()["match"] as? String == "original")

        var bytes = try Data(contentsOf: URL(fileURLWithPath: model))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: model))
        let changed = try Program.run(["audit", "--verify", file, model])
        #expect(changed.status == 2)
        #expect(changed.output.contains("is no model of request"))
    }

    @Test("an original that forgot nothing fails, with exit code 2 and a report")
    func failure() throws {
        let ending = try audit(materials.model, ["--report", folder.url.path, "--record", folder.path("own.json")])
        #expect(ending.status == 2, "\(ending.errors)")
        #expect(ending.errors.isEmpty)
        #expect(ending.output.contains("audit: leak"))
        for name in ["report.html", "record.json", "own.json"] {
            #expect(ending.output.contains("Wrote \(folder.path(name))"))
            #expect(FileManager.default.fileExists(atPath: folder.path(name)))
        }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: folder.path("own.json")))
                == Data(contentsOf: URL(fileURLWithPath: folder.path("record.json"))))
    }

    @Test("limits decide, and none leaves unjudged")
    func limits() throws {
        let measures = Audit(configuration: .quick).descriptions.map(\.identifier.rawValue)
        let none = measures.flatMap { ["--limit", "\($0)=none"] }
        let unjudged = try audit(materials.model, ["--quick"] + none)
        #expect(unjudged.status == 3, "\(unjudged.errors)")
        #expect(unjudged.output.contains("audit: incomplete (0 of 0 measures passed; not enough evidence"))
        let wide = try audit(
            materials.model, ["--quick"] + none + ["--limit", "forget-accuracy-test=1,1"])
        #expect(wide.status == 3)
        #expect(wide.output.contains("audit: incomplete (1 of 1 measures passed"))
        #expect(
            wide.output.contains(
                "\n  looser than the default: forget-accuracy-test above zero: 1, the default is 0.02\n"
            ))
        // The features are the original's, so that no limit lets it pass.
        let masked = folder.url.appendingPathComponent("masked.safetensors")
        var model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let name = try #require(model.graph.parameters.last { $0.key.hasSuffix(".bias") }?.key)
        var bias = try #require(model.parameters[name])
        bias[0] = -1000
        model = try model.replacing([name: bias])
        try model.write(to: masked)
        let judged = ["--limit", "forget-accuracy-test=0", "--limit", "membership-loss=1"]
        let passing = try audit(masked.path, ["--quick"] + none + judged)
        #expect(passing.status == 3, "\(passing.output)")
        #expect(passing.output.contains("audit: incomplete (2 of 2 measures passed"))
        #expect(
            passing.output.contains(
                "\n  missing: the audited model has the original's weights in every layer but the last"))
        for (limits, message) in [
            ("0.1,0.2,0.3", "a limit is a number"), ("+0.1,0.2", "give a sign with both"), ("+1,+2", "once"),
        ] {
            let refused = try audit(masked.path, ["--limit", "linear-probe=\(limits)"])
            #expect(refused.status == 64 && refused.errors.contains(message), "\(refused.errors)")
        }
        let zero = try audit(materials.model, ["--quick"] + none + ["--limit", "forget-accuracy-test=0,0"])
        #expect(zero.status == 2)
    }

    @Test("a retrained model passes against retraining from other seeds, as JSON", .tags(.slow), .slow)
    func retrained() throws {
        let gold = folder.path("gold.safetensors")
        let trained = try Program.run(
            [
                "train", "--dataset", materials.dataset, "--exclude-classes", "0", "--output", gold, "--seed", "5",
                "--epochs", "8", "--batch-size", "16",
            ] + Materials.network)
        #expect(trained.status == 0, "\(trained.errors)")
        let ending = try audit(
            gold, ["--retrain", "--seeds", "2", "--epochs", "8", "--batch-size", "16", "--quick", "--json"])
        let record = try AuditRecord(Data(ending.output.utf8), path: "output")
        #expect(
            ending.status == [.pass: 0, .incomplete: 3][record.audit.verdict.total, default: 2], "\(ending.errors)")
        #expect(record.audit.verdict.missingEvidence.isEmpty)
        #expect(record.audit.retrainedModels == 2)
        #expect(record.models.retrained.count == 2)
        #expect(record.models.retrained[0].sha256 != record.models.retrained[1].sha256)
        let accuracy = try #require(record.audit[.forgetAccuracyTest])
        #expect(accuracy.unlearned?.value == 0 && accuracy.verdict == .pass)
        #expect(accuracy.retrained?.values.count == 2)
    }

    @Test("compare makes a report of its three models", .tags(.slow), .slow)
    func compares() throws {
        let ending = try Program.run(
            [
                "compare", "--dataset", materials.dataset, "--classes", "3", "--save", folder.url.path, "--report",
                folder.url.path, "--json",
            ] + Materials.training)
        #expect(ending.status == 3 && ending.errors.isEmpty, "\(ending.errors)")
        let audit = try #require(try ending.json()["audit"] as? [String: Any])
        #expect(audit["verdict"] as? String == "incomplete")
        #expect((audit["missingEvidence"] as? [String])?.isEmpty == false)
        #expect(audit["report"] as? String == folder.path("report.html"))
        let verified = try Program.run([
            "audit", "--verify", folder.path("record.json"), folder.path("unlearned.safetensors"),
        ])
        #expect(verified.output.contains("is the unlearned model of request"), "\(verified.output)")
        let retrained = try Program.run([
            "audit", "--verify", folder.path("record.json"), folder.path("retrained.safetensors"),
        ])
        #expect(retrained.status == 2 && retrained.output.contains("is a retrained model"))
        // The record's run was unguarded, and is replayed so.
        let replayed = try Program.run([
            "replay", folder.path("record.json"), "--original", folder.path("original.safetensors"), "--retain",
            materials.dataset, "--unlearned", folder.path("unlearned.safetensors"),
        ])
        #expect(replayed.status == 0, "\(replayed.output)\(replayed.errors)")
    }

    /// Runs what must end in one line and no file.
    private func expect(
        _ message: String, status: Int32 = 1, _ arguments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ending = try Program.run(arguments)
        #expect(ending.status == status, "\(ending.errors)", sourceLocation: sourceLocation)
        #expect(ending.output.isEmpty, sourceLocation: sourceLocation)
        #expect(ending.errors.hasPrefix("unlearn: error: "), sourceLocation: sourceLocation)
        #expect(ending.errors.contains(message), "\(ending.errors)", sourceLocation: sourceLocation)
        if status == 1 { #expect(ending.errorLines.count == 1, sourceLocation: sourceLocation) }
        #expect(
            !FileManager.default.fileExists(atPath: folder.path("report.html"))
                && !FileManager.default.fileExists(atPath: folder.path("record.json")),
            sourceLocation: sourceLocation)
    }

    @Test("measures without enough images are left out by name, and without any nothing passes")
    func tooFew() throws {
        let ending = try audit(materials.model, ["--least-samples", "1000"])
        #expect(ending.status == 3, "\(ending.errors)")
        #expect(ending.output.contains("Left out\n  forget-accuracy-test: "))
        #expect(ending.output.contains("audit: incomplete"))
        // As many images as there are by default leave retain accuracy alone, which the original has of course.
        let few = try Program.run([
            "audit", materials.model, materials.model, "--dataset", materials.dataset, "--forgotten", "0",
        ])
        #expect(few.status == 3 && few.output.contains("audit: incomplete (3 of 3 measures passed"), "\(few.output)")
    }

    @Test("a reference that is an audited model, or knows the class, is refused by its file's name")
    func references() throws {
        func refused(_ message: String, _ retrained: [String]) throws {
            try expect(
                message,
                [
                    "audit", materials.model, folder.path("other.safetensors"), "--dataset", materials.dataset,
                    "--forgotten", "0", "--report", folder.url.path, "--retrained",
                ] + retrained)
        }
        let model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let name = try #require(model.parameters.keys.filter { $0.hasSuffix(".bias") }.min())
        for (file, value) in [("other", Float(0.02)), ("near", 0.01)] {
            var bias = try #require(model.parameters[name])
            bias[0] += value
            try model.replacing([name: bias]).write(to: folder.url.appendingPathComponent("\(file).safetensors"))
        }
        let near = folder.path("near.safetensors")
        try refused("\(materials.model): has the same weights as the original; give a model", [materials.model])
        try refused("has the same weights as the unlearned model", [folder.path("other.safetensors")])
        try refused("\(near): is the same as retrained model 1; give each model once", [near, near])
        try refused("\(near): knows class 0 (T-shirt/top): it recognizes 32 of its 32 images (100.00 %)", [near])
    }

    @Test("wrong usage")
    func usage() throws {
        let models = [materials.model, materials.model]
        let rest = ["--dataset", materials.dataset, "--forgotten", "0"]
        try expect("Give two models", status: 64, ["audit", materials.model] + rest)
        try expect("--dataset", status: 64, ["audit"] + models + ["--forgotten", "0"])
        try expect("--forgotten", status: 64, ["audit"] + models + ["--dataset", materials.dataset])
        try expect("takes one model or none", status: 64, ["audit", "--verify", "record.json"] + models)
        for option in [
            ["--dataset", materials.dataset], ["--forgotten", "0"], ["--quick"], ["--limit", "linear-probe=1"],
            ["--retrain"], ["--report", "."], ["--record", "r.json"], ["--request-id", "1"], ["--seed", "3"],
            ["--architecture", "resnet18"], ["--resize", "stretch"],
        ] {
            try expect(
                "--verify measures nothing; leave \(option[0]) out", status: 64,
                ["audit", "--verify", "record.json", materials.model] + option)
        }
        try expect("give --report too", status: 64, ["audit"] + models + rest + ["--request-id", "7"])
        try expect(
            "give --report too", status: 64,
            [
                "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output",
                folder.path("out"), "--request-id", "7",
            ])
        let compared = ["compare", "--dataset", materials.dataset, "--classes", "3", "--request-id", "7"]
        try expect("give --report too", status: 64, compared + Materials.network)
        try expect(
            "--methods makes none", status: 64,
            compared + Materials.network + ["--methods", "all", "--report", folder.url.path])
        try expect("--seeds is how many", status: 64, ["audit"] + models + rest + ["--seeds", "2"])
        try expect("a limit is a number", status: 64, ["audit"] + models + rest + ["--limit", "a=b"])
        try expect("give one of them", status: 64, ["audit"] + models + rest + ["--retrain", "--retrained", "m"])
        try expect(
            "give them by --validation", status: 64,
            [
                "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output",
                folder.path("out"), "--report", folder.url.path,
            ])
    }

    @Test("wrong input")
    func input() throws {
        func audit(_ unlearned: String, _ extra: [String] = []) -> [String] {
            ["audit", materials.model, unlearned, "--dataset", materials.dataset, "--forgotten", "0", "--report"]
                + [folder.url.path] + extra
        }
        try expect("does not exist", audit(folder.path("nowhere")))
        let short = folder.path("short.safetensors")
        try Data(contentsOf: URL(fileURLWithPath: materials.model)).dropLast(9)
            .write(to: URL(fileURLWithPath: short))
        try expect(short, audit(short))
        try expect("there is no measure 'beauty'", status: 64, audit(materials.model, ["--limit", "beauty=1"]))
        try expect("a limit is a number", status: 64, audit(materials.model, ["--limit", "linear-probe=2,x"]))
        try expect("request id", status: 64, audit(materials.model, ["--request-id", ""]))
        try expect("is an input of this run", audit(materials.model, ["--record", materials.model]))
        try expect("does not exist; create it first", audit(materials.model, ["--record", folder.path("no/r.json")]))
        try expect("shadow models cannot be 3", status: 64, audit(materials.model, ["--shadow-models", "3"]))

        let record = folder.path("damaged.json")
        try Data("{\"schema\":\"unlearning-audit-record\",\"version\":1".utf8)
            .write(to: URL(fileURLWithPath: record))
        try expect("is not JSON, or is cut short", ["audit", "--verify", record, materials.model])
        try expect("does not exist", ["audit", "--verify", folder.path("none.json"), materials.model])
    }

    @Test("a model with a number that is not finite")
    func notFinite() throws {
        let name = "layer1.0.conv1.weight"
        let model = try Model(contentsOf: URL(fileURLWithPath: materials.model))
        let shape = try #require(model.parameters[name]?.shape)
        let broken = folder.url.appendingPathComponent("nan.safetensors")
        try model.replacing([name: Tensor(repeating: .nan, shape: shape)]).write(to: broken)
        try expect(
            "\(broken.path): tensor '\(name)' has the number NaN; use a model",
            ["audit", materials.model, broken.path, "--dataset", materials.dataset, "--forgotten", "0", "--report"]
                + [folder.url.path])
    }

    @Test("one seed gives the same measures on one and two threads")
    func determinism() throws {
        let records = try ["1", "2"].map { threads in
            let ending = try audit(materials.model, ["--json", "--threads", threads, "--seed", "3"])
            return try AuditRecord(Data(ending.output.utf8), path: "output")
        }
        #expect(records[0].audit.measures == records[1].audit.measures)
        #expect(records[0].audit.measures.contains { !$0.isOmitted })
        #expect(records[0].requestID != records[1].requestID)
    }

    @Test("a signal during an audit leaves no file")
    func interrupts() throws {
        let streams = try TemporaryFolder()
        let run = try Program.Run(
            [
                "audit", materials.model, materials.model, "--dataset", materials.dataset, "--forgotten", "0",
                "--retrain", "--epochs", "1000000", "--report", folder.url.path, "--verbose",
            ], folder: streams.url)
        run.waitForErrors(containing: "planned")
        kill(run.process.processIdentifier, SIGINT)
        let ending = run.ending()
        #expect(ending.status == 130)
        #expect(ending.errors.hasSuffix("unlearn: interrupted, nothing was written\n"), "\(ending.errors)")
        #expect(folder.isEmpty)
    }

    @Test("models that do not belong together")
    func otherModels() throws {
        var random = SeededRandom(seed: 1)
        let labels: [UInt8] = [0, 1, 2, 0, 1, 2]
        let (images, names) = (folder.path("images"), folder.path("labels"))
        try Data(IDX.images(labels: labels, random: &random)).write(to: URL(fileURLWithPath: images))
        try Data(IDX.labels(labels)).write(to: URL(fileURLWithPath: names))
        let small = folder.path("small.safetensors")
        let trained = try Program.run(
            ["train", "--dataset", "idx:\(images),\(names)", "--epochs", "1", "--output", small] + Materials.network)
        #expect(trained.status == 0, "\(trained.errors)")
        try expect(
            "classes, but",
            ["audit", materials.model, small, "--dataset", materials.dataset, "--forgotten", "0", "--report"]
                + [folder.url.path])
    }
}
