import Foundation
import TestSupport
import Testing

@Suite("A ledger whose runs are killed", .tags(.commandLine, .ledger))
struct LedgerKillTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.shared.get()
        folder = try TemporaryFolder()
    }

    /// Tests/Validation/Ledger/kill_runs.py does the same 200 times.
    @Test("kill -9 at any moment loses no request, does none twice, and ends in the same bytes", .tags(.slow), .slow)
    func kills() throws {
        let options = [
            "--retain", materials.dataset, "--validation", materials.dataset, "--quick", "--method", "unsir",
            "--keep-ruined",
        ]
        func make(_ name: String) throws -> String {
            let ledger = folder.path(name)
            #expect(try Program.run(["ledger", "init", ledger, "--model", materials.model]).status == 0)
            #expect(try Program.run(["ledger", "add", ledger, "--classes", "5", "--reference", "a"]).status == 0)
            #expect(try Program.run(["ledger", "add", ledger, "--classes", "6", "--reference", "b"]).status == 0)
            return ledger
        }
        let calm = try make("calm")
        let start = ContinuousClock.now
        // The job's time is part of what the model remembers.
        let wrapper = ["/usr/bin/env", "SOURCE_DATE_EPOCH=1769860800"]
        let outcome = try Program.run(["ledger", "run", calm] + options, under: wrapper).status
        let duration = (ContinuousClock.now - start) / .milliseconds(1)
        #expect([0, 2, 3].contains(outcome))

        let killed = try make("killed")
        let streams = try TemporaryFolder()
        var status: Int32 = SIGKILL
        for attempt in 0..<8 {
            let run = try Program.Run(["ledger", "run", killed] + options, folder: streams.url, under: wrapper)
            if attempt < 7 {
                // From the first milliseconds to the last ones.
                usleep(UInt32(duration * 1000 * Double(attempt * 3 % 7 + 1) / 7.5))
                kill(run.process.processIdentifier, SIGKILL)
            }
            status = run.ending().status
            #expect(try Program.run(["ledger", "verify", killed]).status == 0, "attempt \(attempt)")
        }
        // The last attempt finished the job, or found that one before had.
        #expect([0, outcome].contains(status))
        let rows = try #require(
            try Program.run(["ledger", "export", killed, "--json"]).json()["rows"] as? [[String: Any]])
        let kinds = rows.compactMap { $0["kind"] as? String }
        #expect(kinds.count { $0 == "requested" } == 2)
        #expect(kinds.count { $0 == "started" } == 1)
        #expect(kinds.count { $0 == "finished" } == 1)
        let models = try [calm, killed].map {
            try Data(contentsOf: URL(fileURLWithPath: $0 + "/models/0001.safetensors"))
        }
        #expect(models[0] == models[1])
    }
}
