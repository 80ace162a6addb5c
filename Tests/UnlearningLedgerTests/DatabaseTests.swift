import Foundation
import GRDB
import TestSupport
import Testing
import Unlearning
import UnlearningLedger

@Suite("Databases that are no ledger, or cannot be used", .tags(.ledger))
struct DatabaseTests {
    let sample: SampleLedger

    init() throws {
        sample = try SampleLedger()
    }

    private func message(_ body: () throws -> Void) -> String? {
        let error = #expect(throws: LedgerError.self) { try body() }
        return error?.message
    }

    @Test("a folder without a ledger, or that does not exist")
    func missing() throws {
        for url in [sample.folder, sample.folder.appendingPathComponent("nowhere")] {
            #expect(message { _ = try Ledger(url) }?.contains("'unlearn ledger init'") == true)
        }
    }

    @Test("text in place of the database")
    func noDatabase() throws {
        try Data("this is a shopping list, and long enough to be no empty file".utf8).write(to: sample.database)
        #expect(message { _ = try Ledger(sample.url) }?.hasPrefix("is no database") == true)
    }

    @Test("a database of another program")
    func otherDatabase() throws {
        try FileManager.default.removeItem(at: sample.database)
        let queue = try DatabaseQueue(path: sample.database.path)
        try queue.write { try $0.execute(sql: "CREATE TABLE songs (title TEXT)") }
        #expect(message { _ = try Ledger(sample.url) }?.hasPrefix("is a database of another program") == true)
    }

    @Test("a ledger of a newer version")
    func newerVersion() throws {
        try DatabaseQueue(path: sample.database.path).write { try $0.execute(sql: "PRAGMA user_version = 2") }
        let text = message { _ = try Ledger(sample.url) }
        #expect(text == "has ledger version 2, and this program reads 1; update the program")
    }

    @Test("a database that was cut short")
    func cutShort() throws {
        try sample.fill()
        let bytes = try Data(contentsOf: sample.database)
        try bytes.prefix(bytes.count / 2).write(to: sample.database)
        #expect(message { _ = try Ledger(sample.url).state() } != nil)
        #expect(!sample.faults().isEmpty)
    }

    @Test("a creation that was interrupted is begun again")
    func interruptedCreation() throws {
        let url = sample.folder.appendingPathComponent("other")
        try FileManager.default.createDirectory(
            at: url.appendingPathComponent("models"), withIntermediateDirectories: true)
        try Data().write(to: url.appendingPathComponent("ledger.sqlite"))
        #expect(message { _ = try Ledger(url) }?.contains("'ledger init' was interrupted") == true)
        let source = sample.folder.appendingPathComponent("model.safetensors")
        let ledger = try Ledger.create(in: url, source: source, model: try SampleLedger.model(seed: 0))
        #expect(try ledger.rows().count == 1)
    }

    @Test("a folder with a ledger, or with other files, gets no new ledger")
    func occupiedFolder() throws {
        let source = sample.folder.appendingPathComponent("model.safetensors")
        let model = try SampleLedger.model(seed: 0)
        for url in [sample.url, sample.folder] {
            #expect(throws: LedgerError.self) { try Ledger.create(in: url, source: source, model: model) }
        }
        #expect(sample.faults() == [])
    }

    @Test("a database that another program has locked is waited for, and then refused", .tags(.slow), .slow)
    func locked() throws {
        let queue = try DatabaseQueue(path: sample.database.path)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN EXCLUSIVE")
            #expect(message { try sample.ledger.add(classes: [0]) }?.hasPrefix("is locked by another program") == true)
            try database.execute(sql: "ROLLBACK")
        }
        try sample.ledger.add(classes: [0])
        #expect(sample.faults() == [])
    }

    @Test("a row that this program does not know stops reading, and is found")
    func unknownRow() throws {
        let last = try #require(try sample.ledger.rows().last)
        let known = try LedgerRow(.pruned(files: []), after: last)
        let hash = LedgerRow(
            sequence: 2, time: known.time, kind: "forgiven", payload: "{}", previous: last.hash, hash: ""
        ).expectedHash
        try sample.edit(
            "INSERT INTO events VALUES (2, '\(known.time)', 'forgiven', '{}', '\(last.hash)', '\(hash)')")
        #expect(message { _ = try sample.ledger.state() }?.contains("'forgiven'") == true)
        #expect(sample.faults().count == 1)
    }
}
