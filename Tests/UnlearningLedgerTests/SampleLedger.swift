import Foundation
import GRDB
import TestSupport
import Testing
import Unlearning
import UnlearningLedger
import UnlearningReports

/// A ledger in a folder of its own, gone with the object.
final class SampleLedger: Sendable {
    private let home: TemporaryFolder
    let url: URL
    let ledger: Ledger

    /// - Parameter policy: what a model must fulfil.
    init(policy: LedgerPolicy? = nil) throws {
        home = try TemporaryFolder()
        let folder = home.url
        url = folder.appendingPathComponent("ledger")
        let source = folder.appendingPathComponent("model.safetensors")
        let model = try Self.model(seed: 0)
        try model.writeSafetensors(to: source)
        ledger = try Ledger.create(in: url, source: source, model: model, policy: policy)
    }

    /// The folder that the ledger's is in.
    var folder: URL { home.url }
    var database: URL { url.appendingPathComponent("ledger.sqlite") }

    /// A network of one layer and six classes, whose weights follow from the seed.
    static func model(seed: UInt64) throws -> Model {
        var builder = GraphBuilder(inputShape: [4])
        _ = try builder.linear(builder.input, named: "head", outputs: 6)
        return Model(graph: try builder.graph(), seed: seed)
    }

    /// Adds requests for classes 0, 1 and 2, runs the first two as job 1 and lets the third wait.
    func fill() throws {
        try ledger.add(classes: [0], reference: "ticket 1", due: "2026-01-31")
        try ledger.add(classes: [1])
        try run(1, requests: [1, 2])
        try ledger.add(classes: [2], due: "2999-12-31")
    }

    /// Pretends that a job ran: writes a model and a report.
    @discardableResult
    func run(_ job: Int, requests: [Int], reasons: [String] = []) throws -> LedgerState {
        let started = try ledger.start(requests: requests, settings: ["seed": "0"])
        #expect(started.number == job)
        let model = ledger.folder.modelPath(ofJob: job, like: "model.safetensors")
        try Self.model(seed: UInt64(job)).writeSafetensors(to: ledger.folder.url(of: model))
        let report = "\(ledger.folder.jobPath(job))/report.html"
        try ledger.folder.makeFolder(for: report)
        try Data("<html>\(job)</html>".utf8).write(to: ledger.folder.url(of: report))
        return try ledger.finish(
            job, model: model, files: [report], decision: LedgerPolicy.Decision(verdict: .pass, reasons: reasons))
    }

    /// Everything that a check finds, or the error that it ends in.
    func faults(noted: SHA256Digest? = nil) -> [String] {
        do {
            return try LedgerVerification(of: url, noted: noted).faults
        } catch {
            return ["\(error)"]
        }
    }

    /// Edits the database as somebody with SQLite's own program would, who removes the triggers first and puts them back.
    func edit(_ statements: String...) throws {
        let queue = try DatabaseQueue(path: database.path)
        try queue.write { database in
            let triggers = try String.fetchAll(database, sql: "SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
            try database.execute(sql: "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_removed")
            for statement in statements { try database.execute(sql: statement) }
            for trigger in triggers { try database.execute(sql: trigger) }
        }
        try queue.close()
    }
}
