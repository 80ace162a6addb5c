import Foundation
import GRDB
import TestSupport
import Testing
import Unlearning
import UnlearningLedger
import UnlearningReports

@Suite("Tampering with a ledger", .tags(.ledger))
struct TamperingTests {
    let sample: SampleLedger

    init() throws {
        sample = try SampleLedger()
        try sample.fill()
        #expect(sample.faults() == [])
    }

    @Test("a changed column of any row is found", arguments: 1...6)
    func changedColumns(row: Int) throws {
        let original = try Data(contentsOf: sample.database)
        let changes = [
            "time = '2020-01-01T00:00:00Z'", "kind = 'requested '", "payload = replace(payload, '1', '7')",
            "payload = payload || ' '", "payload = payload || char(0)", "payload = CAST(payload AS BLOB)",
            "previous = substr(previous, 2)", "hash = upper(hash)", "sequence = sequence + 100",
        ]
        for change in changes {
            try original.write(to: sample.database)
            try sample.edit("UPDATE events SET \(change) WHERE sequence = \(row)")
            #expect(!sample.faults().isEmpty, "\(change)")
        }
    }

    @Test("a removed row is found, the last one too", arguments: 1...6)
    func removedRow(row: Int) throws {
        try sample.edit("DELETE FROM events WHERE sequence = \(row)")
        #expect(!sample.faults().isEmpty)
    }

    @Test("a removed row whose successors move up is found")
    func closedGap() throws {
        try sample.edit(
            "DELETE FROM events WHERE sequence = 3", "UPDATE events SET sequence = sequence - 1 WHERE sequence > 3",
            "UPDATE sqlite_sequence SET seq = 5")
        #expect(sample.faults().contains { $0.contains("row 3") })
    }

    @Test("swapped rows are found")
    func swappedRows() throws {
        try sample.edit(
            "UPDATE events SET sequence = -2 WHERE sequence = 2", "UPDATE events SET sequence = 2 WHERE sequence = 3",
            "UPDATE events SET sequence = 3 WHERE sequence = -2")
        #expect(sample.faults().contains { $0.contains("does not follow") })
    }

    @Test("an inserted row is found, even one with a hash of its own that follows the last")
    func insertedRow() throws {
        let rows = try sample.ledger.rows()
        let request = LedgerEvent.Request(number: 9, classes: [5], samples: nil, reference: nil, due: nil)
        let row = try LedgerRow(.requested(request), after: rows.last)
        let values = [row.time, row.kind, row.payload, row.previous, row.hash].map { "'\($0)'" }.joined(separator: ", ")
        try sample.edit("INSERT INTO events VALUES (\(row.sequence), \(values))")
        #expect(sample.faults() == ["row 7 cannot be what happened: request 9 is added after 3 requests"])
    }

    @Test("a row of another ledger is found")
    func foreignRow() throws {
        let other = try SampleLedger()
        try other.fill()
        let row = try #require(try other.ledger.rows().dropFirst(2).first)
        try sample.edit(
            "UPDATE events SET time = '\(row.time)', payload = '\(row.payload)', previous = '\(row.previous)', "
                + "hash = '\(row.hash)' WHERE sequence = 3")
        #expect(sample.faults().contains { $0.contains("row 3 does not follow row 2") })
    }

    @Test("rows that were all rewritten, or cut off with SQLite's count, are found by a head that was noted")
    func notedHead() throws {
        let noted = try #require(SHA256Digest(try sample.ledger.state().headHash))
        try sample.ledger.add(classes: [3])
        #expect(sample.faults(noted: noted) == [])
        #expect(try LedgerVerification(of: sample.url, noted: noted).notedRow == 6)
        try sample.edit("DELETE FROM events WHERE sequence > 5", "UPDATE sqlite_sequence SET seq = 5")
        #expect(sample.faults() == [])
        #expect(sample.faults(noted: noted) == ["no row has the noted hash \(noted): rows were removed or changed"])
        let later = try #require(SHA256Digest(String(repeating: "ab", count: 32)))
        #expect(sample.faults(noted: later).count == 1)
    }

    @Test("the triggers stop changes that are no attack")
    func triggers() throws {
        let queue = try DatabaseQueue(path: sample.database.path)
        for statement in ["UPDATE events SET kind = ''", "DELETE FROM events"] {
            #expect(throws: DatabaseError.self) { try queue.write { try $0.execute(sql: statement) } }
        }
    }

    @Test("changed tables, triggers, views and version are found")
    func schema() throws {
        let original = try Data(contentsOf: sample.database)
        let statements = [
            "DROP TRIGGER events_are_not_changed", "CREATE VIEW other AS SELECT 1",
            "CREATE TRIGGER other AFTER INSERT ON events BEGIN SELECT 1; END", "PRAGMA user_version = 2",
            "PRAGMA application_id = 1", "UPDATE sqlite_sequence SET seq = 99",
        ]
        for statement in statements {
            try original.write(to: sample.database)
            try DatabaseQueue(path: sample.database.path).writeWithoutTransaction { try $0.execute(sql: statement) }
            #expect(sample.faults().count == 1, "\(statement)")
        }
    }

    @Test("changed, exchanged and missing files are found")
    func files() throws {
        let (old, new) = (
            sample.url.appendingPathComponent("models/0000.safetensors"),
            sample.url.appendingPathComponent("models/0001.safetensors")
        )
        let bytes = try Data(contentsOf: new)
        var changed = bytes
        changed[changed.count - 1] ^= 1
        try changed.write(to: new)
        #expect(sample.faults() == ["models/0001.safetensors was changed: its digest is another"])
        try Data(contentsOf: old).write(to: new)
        #expect(sample.faults().count == 1)
        try bytes.write(to: new)
        try FileManager.default.removeItem(at: sample.url.appendingPathComponent("jobs/0001/report.html"))
        #expect(sample.faults().count == 1)
    }

    @Test("no flipped bit of the database changes what is read without being found", .tags(.slow), .slow)
    func flippedBits() throws {
        let original = try Data(contentsOf: sample.database)
        let rows = try sample.ledger.rows()
        var used = IndexSet()
        for row in rows {
            for text in [row.time + row.kind + row.payload, row.previous + row.hash] {
                let range = try #require(original.range(of: Data(text.utf8)))
                used.insert(integersIn: range)
            }
        }
        let places = Set(used.enumerated().filter { $0.offset % 11 == 0 }.map(\.element))
            .union(stride(from: 0, to: original.count, by: 23))
        for place in places.sorted() {
            var bytes = original
            bytes[place] ^= 1 << UInt8(place % 7)
            try bytes.write(to: sample.database)
            if !sample.faults().isEmpty { continue }
            // Space that nothing is read from, and SQLite's counters.
            #expect(!used.contains(place), "byte \(place)")
            #expect(try sample.ledger.rows() == rows, "byte \(place)")
        }
        try original.write(to: sample.database)
        #expect(sample.faults() == [])
    }
}
