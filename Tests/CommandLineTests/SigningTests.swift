import Foundation
import TestSupport
import Testing

@Suite("--sign and --key", .tags(.commandLine, .reports))
struct SigningTests {
    let materials: Materials
    let folder: TemporaryFolder
    private static let keys = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/Signatures")

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    private func key(_ name: String) -> String { Self.keys.appendingPathComponent(name).path }

    /// Forgets with a signed record.
    private func forget(_ kind: String) throws -> [String: Any] {
        let ending = try Program.run([
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--validation",
            materials.dataset, "--report", folder.url.path, "--output", folder.path("u.safetensors"), "--sign",
            key("\(kind).pem"), "--json",
        ])
        #expect([0, 2, 3].contains(ending.status), "\(ending.errors)")
        return try ending.json()
    }

    private func verify(_ arguments: [String]) throws -> (report: [String: Any], status: Int32) {
        let ending = try Program.run(["audit", "--verify"] + arguments + ["--json"])
        return (try ending.json(), ending.status)
    }

    @Test("a signed record verifies by its public key, and by no other", arguments: ["p256", "ed25519"])
    func signs(kind: String) throws {
        let audit = try #require(try forget(kind)["audit"] as? [String: Any])
        #expect(audit["signature"] as? String == folder.path("record.dsse.json"))
        let record = folder.path("record.json")
        let other = kind == "p256" ? "ed25519" : "p256"
        let right = try verify([record, folder.path("u.safetensors"), "--key", key("\(kind)-public.pem")]).report
        #expect(right["signature"] as? String == "valid")
        #expect((right["contradictions"] as? [String])?.isEmpty == true)
        #expect(try verify([record]).report["signature"] as? String == "notChecked")
        #expect(
            try verify([folder.path("record.dsse.json"), "--key", key("\(kind)-public.pem")]).report["signature"]
                as? String
                == "valid")
        let wrong = try verify([record, "--key", key("\(other)-public.pem")])
        #expect(wrong.status == 2 && wrong.report["signature"] as? String == "invalid")
        var text = try String(contentsOfFile: record, encoding: .utf8)
        text = text.replacing(#""requestID" : ""#, with: #""requestID" : "x"#)
        try Data(text.utf8).write(to: URL(fileURLWithPath: record))
        let changed = try verify([record, "--key", key("\(kind)-public.pem")])
        #expect(changed.status == 2 && changed.report["signature"] as? String == "invalid")
        try FileManager.default.removeItem(atPath: folder.path("record.dsse.json"))
        let missing = try verify([record, "--key", key("\(kind)-public.pem")])
        #expect(missing.status == 2 && missing.report["signature"] as? String == "missing")
    }

    @Test("keys that cannot sign, and options without effect, are refused before any work")
    func refuses() throws {
        let arguments = [
            "forget", materials.model, "--classes", "0", "--retain", materials.dataset, "--output", folder.path("u"),
        ]
        #expect(try Program.run(arguments + ["--sign", key("p256.pem")]).status == 64)
        let report = ["--validation", materials.dataset, "--report", folder.url.path]
        let ending = try Program.run(arguments + report + ["--sign", key("rsa.pem")])
        #expect(ending.status == 1 && ending.errors.contains("openssl genpkey"))
        #expect(folder.isEmpty)
        let audit = ["audit", materials.model, materials.model, "--dataset", materials.dataset, "--forgotten", "0"]
        #expect(try Program.run(audit + ["--key", key("p256-public.pem")]).status == 64)
        #expect(try Program.run(audit + ["--sign", key("p256.pem"), "--json"]).status == 64)
    }
}
