import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

/// Docs/Formats.md has a table of keys and an example for every command, and both are what the program prints.
@Suite("JSON and its documentation", .tags(.commandLine), .deadlockLimit)
struct JSONSchemaTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// Checks a command's output against its section.
    /// - Parameter isExample: whether the section's example shows just these keys.
    private func check(
        _ section: String, _ arguments: [String], isExample: Bool = true, statuses: Set<Int32> = [0],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ending = try Program.run(arguments + ["--json"])
        #expect(statuses.contains(ending.status), "\(ending.errors)", sourceLocation: sourceLocation)
        let schema = try #require(JSONSchema.all[section], "\(section)", sourceLocation: sourceLocation)
        let object = try ending.json()
        #expect(schema.faults(of: object) == [], "\(section)", sourceLocation: sourceLocation)
        let version = section == "unlearn audit" ? AuditRecord.currentVersion : 2
        #expect(object["schemaVersion"] as? Int == version, sourceLocation: sourceLocation)
        guard isExample else { return }
        let example = try #require(
            try JSONSerialization.jsonObject(with: Data(schema.example.utf8)) as? [String: Any],
            sourceLocation: sourceLocation)
        let paths = [example, object].map { schema.paths(of: $0).filter { schema.keys[$0]?.isOptional != true } }
        #expect(paths[0] == paths[1], "\(section)", sourceLocation: sourceLocation)
    }

    @Test("every example is of its table", arguments: JSONSchema.all.keys.sorted())
    func examples(section: String) throws {
        let schema = try #require(JSONSchema.all[section])
        #expect(!schema.keys.isEmpty)
        let example = try #require(
            try JSONSerialization.jsonObject(with: Data(schema.example.utf8)) as? [String: Any], "\(section)")
        #expect(schema.faults(of: example) == [])
    }

    @Test("every command has a section")
    func sections() throws {
        let help = try Program.run(["--help"]).output
        let list = try #require(help.components(separatedBy: "SUBCOMMANDS:\n").last)
        let lines = list.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
        let commands = lines.compactMap { $0.split(separator: " ").first }.filter { $0 != "See" && $0 != "help" }
        #expect(commands.count == 16, "\(commands)")
        for command in commands {
            #expect(JSONSchema.all.keys.contains { $0.hasPrefix("unlearn \(command)") }, "\(command)")
        }
    }

    @Test("a key that the table lacks, a missing one and a wrong type are found")
    func findsFaults() throws {
        let schema = try #require(JSONSchema.all["unlearn convert"])
        let right: [String: Any] = ["format": "onnx", "output": "o", "parameters": 3, "schemaVersion": 2]
        #expect(schema.faults(of: right) == [])
        #expect(schema.faults(of: right.merging(["extra": 1]) { $1 }).count == 1)
        #expect(schema.faults(of: right.filter { $0.key != "output" }).count == 1)
        #expect(schema.faults(of: right.merging(["parameters": 1.5]) { $1 }).count == 1)
        #expect(schema.faults(of: right.merging(["parameters": true]) { $1 }).count == 1)
    }

    @Test("tune")
    func tune() throws {
        try check(
            "unlearn tune",
            ["tune", materials.model, "--classes", "0", "--retain", materials.dataset, "--method", "amnesiac"]
                + ["--samples-per-class", "12"])
        let ending = try Program.run(
            ["tune", materials.model, "--classes", "0", "--retain", materials.dataset, "--method", "amnesiac"])
        #expect(ending.status == 1 && ending.errors.contains("has no more images, and tuning measures on others"))
        let untrained = try Program.run(
            ["tune", materials.model, "--classes", "0", "--retain", materials.dataset, "--method", "ssd"])
        #expect(untrained.status == 64 && untrained.errors.contains("'ssd' has no rate to tune"))
        try check(
            "unlearn tune",
            [
                "tune", materials.model, "--classes", "0", "--retain", materials.dataset, "--method", "ssd",
                "--samples-per-class", "12", "--set", "dampening=0.5", "--try", "selection=2", "--try", "selection=3",
            ], isExample: false, statuses: [0, 1])
        let wrong = try Program.run(
            ["tune", materials.model, "--classes", "0", "--retain", materials.dataset, "--method", "ssd"]
                + ["--try", "selectio=2"])
        #expect(wrong.status == 64 && wrong.errors.contains("has no setting 'selectio'"))
    }

    @Test("train, evaluate, convert and inspect")
    func models() throws {
        try check(
            "unlearn train",
            ["train", "--dataset", materials.dataset, "--output", folder.path("m")] + Materials.training)
        try check(
            "unlearn train",
            ["train", "--dataset", materials.dataset, "--output", folder.path("m"), "--exclude-classes", "1"]
                + Materials.training, isExample: false)
        try check(
            "unlearn evaluate", ["evaluate", materials.model, "--dataset", materials.dataset, "--forgotten", "0"])
        try check("unlearn convert", ["convert", materials.model, folder.path("m.onnx")])
        try check("unlearn inspect", ["inspect", materials.model])
        let heads = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/ONNX/two-heads.onnx").path
        try check("unlearn inspect", ["inspect", heads, "--output-name", "aux"], isExample: false)
    }

    @Test("forget, with all that it may add")
    func forget() throws {
        let base = ["forget", materials.model, "--classes", "0", "--retain", materials.dataset]
        let output = ["--output", folder.path("f.safetensors")]
        try check("unlearn forget", base + output + ["--validation", materials.dataset])
        try check("unlearn forget", base + output + ["--method", "last-row"], isExample: false)
        try check(
            "unlearn forget", base + output + ["--validation", materials.dataset, "--report", folder.url.path],
            isExample: false, statuses: [0, 2, 3])
        try check(
            "unlearn forget",
            base + ["--output", folder.path("r.safetensors"), "--set", "trainedShare=0.3", "--drop-outputs"]
                + ["--rename-forgotten", "digest"], isExample: false)
        let samples = folder.path("samples.txt")
        try Data("1\n2\n".utf8).write(to: URL(fileURLWithPath: samples))
        try check(
            "unlearn forget",
            ["forget", materials.model, "--samples", samples, "--retain", materials.dataset, "--method", "fine-tune"]
                + output, isExample: false)
        try check("unlearn inspect", ["inspect", folder.path("f.safetensors")], isExample: false)
    }

    @Test("predict")
    func predict() throws {
        try check(
            "unlearn predict",
            ["predict", materials.model, "--dataset", materials.dataset, "--logits", folder.path("l.safetensors")],
            isExample: false)
        let pictures = try PictureMaterials.shared.get()
        try check(
            "unlearn predict", ["predict", pictures.model, "--pictures", "\(pictures.pictures)/test/red/1.png"])
    }

    @Test("audit, and verification")
    func audit() throws {
        let record = folder.path("record.json")
        let models = [materials.model, materials.model]
        try check(
            "unlearn audit",
            ["audit"] + models + ["--dataset", materials.dataset, "--forgotten", "0", "--quick", "--record", record],
            statuses: [3])
        try check("unlearn audit --verify", ["audit", "--verify", record, materials.model], statuses: [2])
        try check("unlearn audit --verify", ["audit", "--verify", record], isExample: false, statuses: [2])
    }

    @Test("replay")
    func replay() throws {
        let forget = try Program.run([
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--validation",
            materials.dataset, "--preset", "fast", "--output", folder.path("f"), "--report", folder.url.path,
        ])
        #expect([0, 2, 3].contains(forget.status), "\(forget.errors)")
        let record = folder.path("record.json")
        try check(
            "unlearn replay", ["replay", record, "--original", materials.model, "--retain", materials.dataset])
        try check(
            "unlearn replay", ["replay", record, "--original", folder.path("f"), "--retain", materials.dataset],
            isExample: false, statuses: [2])
    }

    @Test("compare and compare-methods")
    func compare() throws {
        let base = ["--dataset", materials.dataset, "--classes", "0"] + Materials.network + ["--epochs", "1"]
        try check("unlearn compare", ["compare"] + base)
        try check("unlearn compare", ["compare", "--also", "noiseless"] + base, isExample: false)
        try check(
            "unlearn compare", ["compare", "--report", folder.url.path] + base, isExample: false, statuses: [0, 2, 3])
        try check("unlearn compare-methods", ["compare-methods", "--methods", "last-row"] + base)
        try check(
            "unlearn compare-methods",
            [
                "compare", "--methods", "last-row,fine-tune", "--seeds", "2", "--report", folder.url.path, "--dataset",
                materials.dataset, "--classes", "0,1,2,3",
            ] + Materials.training, isExample: false)
    }

    @Test("compare-distributions, of files and of models that it trains")
    func distributions() throws {
        let base = ["compare-distributions", "--dataset", materials.dataset, "--classes", "0", "--images", "60"]
        let keep = ["--train", "4", "--epochs", "4", "--keep", folder.path("models"), "--method", "last-row"]
        try check("unlearn compare-distributions", base + [materials.model] + keep)
        let files = (0..<4).map { folder.path("models/seed-\($0)-original.safetensors") }
        let retrained = (4..<8).map { folder.path("models/seed-\($0)-retrained.safetensors") }
        try check(
            "unlearn compare-distributions", base + ["--unlearned"] + files + ["--retrained"] + retrained,
            isExample: false)
        let twice = try Program.run(base + ["--unlearned"] + files + ["--retrained"] + retrained[..<3] + [files[0]])
        #expect(twice.status == 1 && twice.errors.contains("\(files[0]): "), "\(twice.errors)")
        let few = try Program.run(base + ["--unlearned"] + files + ["--retrained", files[0]])
        #expect(few.status == 64 && few.errors.contains("--retrained: found 1 models; give 4 or more"))
        let idle = try Program.run(base + ["--method", "scrub", "--unlearned"] + files + ["--retrained"] + retrained)
        #expect(idle.status == 64 && idle.errors.contains("--method is for the models of --train; give it too"))
    }

    @Test("methods, with a name and without")
    func methods() throws {
        try check("unlearn methods", ["methods", "bad-teacher"])
        try check("unlearn methods", ["methods"])
    }

    @Test("list", arguments: ["methods", "measures", "datasets", "architectures"])
    func list(subject: String) throws { try check("unlearn list \(subject)", ["list", subject]) }

    @Test("check, whether or not all is there")
    func machine() throws {
        try check("unlearn check", ["check", "--dataset", materials.dataset], isExample: false)
        try check("unlearn check", ["check", "--dataset", "cifar10:/nowhere"], isExample: false, statuses: [1])
    }

    @Test("failures")
    func failures() throws {
        try check("Failures", ["inspect", "/nowhere"], statuses: [1])
        try check("Failures", ["inspect"], statuses: [64])
    }

    @Test("ledger and its commands")
    func ledgers() throws {
        let ledger = folder.path("ledger")
        let policy = folder.path("policy.json")
        try Data("{}".utf8).write(to: URL(fileURLWithPath: policy))
        try check("unlearn ledger init", ["ledger", "init", ledger, "--model", materials.model])
        try check("unlearn ledger init", ["ledger", "policy", ledger, policy])
        try check(
            "unlearn ledger add",
            ["ledger", "add", ledger, "--classes", "5", "--reference", "ticket 1", "--due", "2999-12-31"])
        try check("unlearn ledger init", ["ledger", "derived", ledger, policy])
        try check(
            "unlearn ledger run",
            [
                "ledger", "run", ledger, "--retain", materials.dataset, "--validation", materials.dataset, "--quick",
                "--output", folder.path("new"),
            ], isExample: false, statuses: [0, 2, 3])
        try check("unlearn ledger status", ["ledger", "status", ledger])
        try check("unlearn ledger show", ["ledger", "show", ledger])
        try check("unlearn ledger verify", ["ledger", "verify", ledger])
        try check("unlearn ledger export", ["ledger", "export", ledger], isExample: false)
        try check("unlearn ledger init", ["ledger", "prune", ledger])
    }
}
