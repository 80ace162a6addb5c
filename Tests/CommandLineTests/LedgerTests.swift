import Foundation
import TestSupport
import Testing
import UnlearningLedger

@Suite("unlearn ledger", .tags(.commandLine, .ledger))
struct LedgerTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private var ledger: String { folder.path("ledger") }

    /// The options of a quick run with an audit.
    private var data: [String] { ["--retain", materials.dataset, "--validation", materials.dataset] + Self.audit }
    /// The tiny data set has few test images.
    private static let audit = ["--quick", "--minimum-samples", "5"]

    @discardableResult
    private func run(
        _ arguments: [String], status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Program.Ending {
        let ending = try Program.run(["ledger"] + arguments)
        #expect(
            ending.status == status, "\(arguments): \(ending.output)\(ending.errors)", sourceLocation: sourceLocation)
        return ending
    }

    private func make(_ arguments: [String] = []) throws {
        try run(["init", ledger, "--model", materials.model] + arguments)
    }

    private func states() throws -> [String] {
        let requests = try #require(try run(["status", ledger, "--json"]).json()["requests"] as? [[String: Any]])
        return try requests.map { try #require($0["state"] as? String) }
    }

    private func policy(_ text: String) throws -> String {
        let path = folder.path("policy.json")
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A policy that the tiny network's audit fulfils: nothing but forget accuracy and membership is limited.
    private func lenientPolicy() throws -> String {
        let limits = AuditLimits.judged.map { "\"\($0)\": 1" }.joined(separator: ", ")
        return try policy("{\"acceptsIncomplete\": true, \"acceptsOverForgotten\": true, \"limits\": {\(limits)}}")
    }

    @Test("requests are batched into one job, and the model that leaves has forgotten both classes")
    func batch() throws {
        try make(["--policy", lenientPolicy()])
        try run(["add", ledger, "--classes", "5", "--reference", "ticket 1", "--due", "2026-01-31"])
        try run(["add", ledger, "--classes", "Trouser", "--due", "2999-12-31"])
        let output = folder.path("new.safetensors")
        let ending = try run(["run", ledger] + data + ["--output", output, "--json"])
        let jobs = try #require(try ending.json()["jobs"] as? [[String: Any]])
        #expect(jobs.count == 1)
        #expect(jobs.first?["requests"] as? [Int] == [1, 2])
        #expect(try states() == ["passed", "passed"])
        let inspected = try Program.run(["inspect", output, "--json"]).json()
        #expect(inspected["forgottenClasses"] as? [Int] == [1, 5])
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: output))
                == Data(contentsOf: folder.url.appendingPathComponent("ledger/models/0001.safetensors")))
        #expect(try run(["verify", ledger]).output.contains("rows follow each other"))
        let record = folder.path("ledger/jobs/0001/record.json")
        #expect(
            try Program.run(["audit", "--verify", record, output, "--json"]).json()["match"] as? String == "unlearned")
        // Nothing waits: the same command writes the model again and does nothing else.
        #expect(try run(["run", ledger] + data + ["--output", output]).output.hasPrefix("Nothing waits."))
        // A model that somebody exchanged in the folder does not leave it.
        let models = URL(fileURLWithPath: ledger + "/models")
        let original = try Data(contentsOf: models.appendingPathComponent("0000.safetensors"))
        try original.write(to: models.appendingPathComponent("0001.safetensors"))
        let exchanged = try run(["run", ledger] + data + ["--output", folder.path("other.safetensors")], status: 1)
        #expect(exchanged.errors.contains("is not the model"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("other.safetensors")))
    }

    @Test("the ledger's model is what 'forget' makes of the same classes")
    func sameAsForget() throws {
        try make()
        try run(["add", ledger, "--classes", "5"])
        try run(["run", ledger, "--retain", materials.dataset])
        let output = folder.path("forgotten.safetensors")
        let ending = try Program.run(
            ["forget", materials.model, "--classes", "5", "--retain", materials.dataset, "--output", output])
        #expect(ending.status == 0)
        let ours = try Data(contentsOf: folder.url.appendingPathComponent("ledger/models/0001.safetensors"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == ours)
        #expect(try run(["status", ledger]).output.contains("passed"))
    }

    @Test("a model that the policy does not let leave is refused, and a retry may pass")
    func refuses() throws {
        try make(["--policy", policy(#"{"requiredMeasures": ["likelihood-ratio-attack"]}"#)])
        try run(["add", ledger, "--classes", "5"])
        let output = folder.path("new.safetensors")
        let ending = try run(["run", ledger] + data + ["--output", output], status: 2)
        #expect(ending.output.contains("required measures that were not judged: likelihood-ratio-attack"))
        #expect(!FileManager.default.fileExists(atPath: output))
        #expect(try states() == ["refused"])
        #expect(try run(["run", ledger] + data).errors.contains("--retry"))
        // The current model is the original one, which must not end up under the name of the new one.
        let again = try run(["run", ledger] + data + ["--output", output], status: 2)
        #expect(again.errors.contains("request 1 is refused; \(output) is not written"))
        #expect(!FileManager.default.fileExists(atPath: output))
        try run(["policy", ledger, lenientPolicy()])
        try run(["run", ledger] + data + ["--retry"])
        #expect(try states() == ["passed"])
    }

    @Test("a policy's methods and retraining are asked for before any work")
    func policyBeforeWork() throws {
        try make(["--policy", policy(#"{"methods": ["scrub"], "requiresRetraining": true}"#)])
        try run(["add", ledger, "--classes", "5"])
        #expect(try run(["run", ledger] + data, status: 1).errors.contains("the policy allows the methods scrub"))
        let ending = try run(["run", ledger, "--method", "scrub"] + data, status: 1)
        #expect(ending.errors.contains("give --retrained or --retrain"))
        #expect(try states() == ["queued"])
    }

    @Test("rolling back restores the model and marks the requests")
    func rollsBack() throws {
        try make()
        try run(["add", ledger, "--classes", "5"])
        try run(["run", ledger, "--retain", materials.dataset])
        let output = folder.path("restored.safetensors")
        try run(["rollback", ledger, "--reason", "wrong ticket", "--output", output])
        #expect(try states() == ["rolled back"])
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: output))
                == Data(contentsOf: URL(fileURLWithPath: materials.model)))
        #expect(try run(["rollback", ledger], status: 1).errors.contains("no job that passed"))
    }

    @Test("status marks what is overdue and lists exports of an earlier model")
    func status() throws {
        try make()
        try run(["add", ledger, "--classes", "5", "--due", "2020-01-31"])
        let export = folder.path("model.onnx")
        #expect(try Program.run(["convert", materials.model, export]).status == 0)
        try run(["derived", ledger, export])
        let before = try run(["status", ledger]).output
        #expect(before.contains("2020-01-31 OVERDUE") && !before.contains("earlier model"))
        try run(["run", ledger, "--retain", materials.dataset])
        let after = try run(["status", ledger]).output
        #expect(!after.contains("OVERDUE") && after.contains("earlier model"))
        #expect(after.contains("model.onnx"))
    }

    @Test("an export holds the rows, and its folder the records")
    func exports() throws {
        try make(["--policy", lenientPolicy()])
        try run(["add", ledger, "--classes", "5"])
        try run(["run", ledger] + data)
        let output = folder.path("export")
        try run(["export", ledger, "--output", output])
        let rows = try #require(try run(["export", ledger, "--json"]).json()["rows"] as? [[String: Any]])
        #expect(
            rows.compactMap { $0["kind"] as? String } == ["created", "policy-set", "requested", "started", "finished"])
        let names = try FileManager.default.subpathsOfDirectory(atPath: output).sorted()
        #expect(names.contains("jobs/0001/record.json") && names.contains("ledger.json"))
        #expect(!names.contains { $0.hasSuffix(".safetensors") })
        #expect(try run(["export", ledger, "--output", output], status: 1).errors.contains("not an empty folder"))
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: output + "/ledger.json")))
                as? [String: Any])
        #expect(document["head"] as? String == rows.last?["hash"] as? String)
        // Class names are names of persons, perhaps: rows have numbers.
        let database = try Data(contentsOf: URL(fileURLWithPath: ledger + "/ledger.sqlite"))
        #expect(database.range(of: Data("Sandal".utf8)) == nil)
    }

    @Test("a changed row or model ends in exit code 2, and nothing goes on from it")
    func verifies() throws {
        try make()
        try run(["add", ledger, "--classes", "5"])
        let head = try #require(try run(["status", ledger, "--json"]).json()["head"] as? String)
        #expect(try run(["verify", ledger, "--head", head]).output.contains("The noted head is row 2; it is the last"))
        try run(["verify", ledger, "--head", String(repeating: "ab", count: 32)], status: 2)
        try run(["verify", ledger, "--head", "abc"], status: 64)
        let model = URL(fileURLWithPath: ledger + "/models/0000.safetensors")
        let bytes = try Data(contentsOf: model)
        try (bytes.dropLast() + [bytes[bytes.count - 1] ^ 1]).write(to: model)
        #expect(try run(["verify", ledger], status: 2).output.contains("models/0000.safetensors was changed"))
        #expect(try run(["run", ledger, "--retain", materials.dataset], status: 1).errors.contains("is not the model"))
        try bytes.write(to: model)
        let database = URL(fileURLWithPath: ledger + "/ledger.sqlite")
        var rows = try Data(contentsOf: database)
        let place = try #require(rows.range(of: Data(#""classes":[5]"#.utf8)))
        rows[place.upperBound - 2] = UInt8(ascii: "6")
        try rows.write(to: database)
        #expect(try run(["verify", ledger], status: 2).output.contains("row 2 was changed"))
        for arguments in [["status", ledger], ["add", ledger, "--classes", "1"], ["export", ledger]] {
            #expect(try run(arguments, status: 1).errors.contains("'unlearn ledger verify'"))
        }
    }

    @Test("two runs at the same time: one works, the other is told so")
    func twoRuns() throws {
        try make()
        try run(["add", ledger, "--classes", "5"])
        let lease = try JobLease(in: URL(fileURLWithPath: ledger))
        #expect(try run(["run", ledger, "--retain", materials.dataset], status: 1).errors.contains("another process"))
        try run(["add", ledger, "--classes", "6"])
        withExtendedLifetime(lease) {}
    }

    @Test("requests that cannot be are wrong usage, or errors that name the remedy")
    func badRequests() throws {
        try make()
        try run(["add", ledger], status: 64)
        try run(["add", ledger, "--classes", "5", "--samples", "list"], status: 64)
        try run(["add", ledger, "--classes", "5", "--due", "31.12.2026"], status: 64)
        try run(["add", ledger, "--classes", "5", "--due", "2026-02-30"], status: 64)
        try run(["add", ledger, "--classes", "12"], status: 1)
        try run(["add", ledger, "--classes", "Trousers"], status: 1)
        try run(["add", ledger, "--classes", "0,1,2,3,4,5,6,7,8,9"], status: 1)
        try run(["run", ledger, "--retain", materials.dataset, "--quick"], status: 64)
        try run(["show", ledger, "--request", "3"], status: 1)
        let inside = try run(
            ["run", ledger, "--retain", materials.dataset, "--output", ledger + "/models/x"], status: 1)
        #expect(inside.errors.contains("lies in the ledger's folder"))
        let exported = try run(["export", ledger, "--output", ledger + "/models/x.json"], status: 1)
        #expect(exported.errors.contains("lies in the ledger's folder"))
        let renamed = try run(
            ["run", ledger, "--retain", materials.dataset, "--output", folder.path("x.onnx")], status: 1)
        #expect(renamed.errors.contains("the ledger's models are safetensors files"))
        #expect(try run(["staus", ledger], status: 64).errors.contains("did you mean 'status'?"))
        #expect(
            try run(["init", materials.model, "--model", materials.model], status: 1).errors.contains("is a file"))
        #expect(try run(["status", folder.path("nowhere")], status: 1).errors.contains("unlearn ledger init"))
        let ending = try run(
            ["init", folder.path("x"), "--model", materials.model, "--policy", policy(#"{"limit": {}}"#)], status: 1)
        #expect(ending.errors.contains("did you mean 'limits'?"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("x")))
        #expect(try states().isEmpty)
    }

    @Test("a list of samples that does not fit the images fails its request, and the next request goes on")
    func wrongSamples() throws {
        try make()
        for (name, text) in [("wrong", "picture.png\n"), ("right", "0\n10\n")] {
            try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
            try run(["add", ledger, "--samples", folder.path(name)])
        }
        let command = ["run", ledger, "--retain", materials.dataset, "--method", "scrub", "--keep-ruined"]
        #expect(try run(command, status: 1).errors.contains("line 1: 'picture.png' is no position"))
        #expect(try states() == ["failed", "queued"])
        try run(command)
        #expect(try states() == ["failed", "passed"])
        #expect(try run(["show", ledger, "--request", "1"]).output.contains("picture.png"))
    }

    @Test("a ledger on a file system that is read-only can be read, and a full one keeps its rows")
    func disks() throws {
        let wrapper = ["/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c"]
        let probe = try? Program.run(["--version"], under: wrapper + ["mount -t tmpfs none /mnt && exec \"$0\" \"$@\""])
        guard probe?.status == 0 else { return }
        try make()
        try run(["add", ledger, "--classes", "5"])
        let readOnly =
            wrapper + [
                "mount --bind '\(ledger)' '\(ledger)' && mount -o remount,bind,ro '\(ledger)' && exec \"$0\" \"$@\""
            ]
        #expect(try Program.run(["ledger", "status", ledger], under: readOnly).status == 0)
        #expect(try Program.run(["ledger", "verify", ledger], under: readOnly).status == 0)
        let refused = try Program.run(["ledger", "add", ledger, "--classes", "6"], under: readOnly)
        #expect(refused.status == 1 && refused.errors.contains("read-only"), "\(refused.errors)")
        // A file system with room for the ledger's copy and a few bytes more.
        let size = try FileManager.default.subpathsOfDirectory(atPath: ledger).reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(ledger)/\(name)")
            return sum + ((attributes?[.size] as? Int ?? 0) + 4095) / 4096 * 4096
        }
        let full =
            wrapper + [
                "mount -t tmpfs -o size=\(size + 8192) none /mnt && cp -r '\(ledger)' /mnt/ledger && "
                    + "head -c 1000000 /dev/zero > /mnt/filler 2>/dev/null; \"$0\" \"$@\"; code=$?; rm /mnt/filler; "
                    + "\"$0\" ledger verify /mnt/ledger && \"$0\" ledger status /mnt/ledger && exit $code"
            ]
        let ending = try Program.run(
            ["ledger", "add", "/mnt/ledger", "--classes", "6", "--reference", String(repeating: "x", count: 200)],
            under: full)
        #expect(ending.status == 1 && ending.errors.contains("disk is full"), "\(ending.status) \(ending.errors)")
        #expect(ending.output.contains("2 rows follow each other"), "\(ending.output)")
    }
}

/// The measures that have limits by default.
enum AuditLimits {
    static let judged = [
        "forget-accuracy-test", "forget-accuracy-worst-class", "forget-accuracy-training", "retain-accuracy-test",
        "adjacent-accuracy", "remote-accuracy", "membership-loss", "head-share-bias", "head-share-layer",
    ]
}
