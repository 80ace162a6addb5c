import Foundation
import GRDB
import Unlearning

/// A ledger's database: one table of rows that are only ever appended.
struct LedgerStore: Sendable {
    /// The version of the table, which is the database's `user_version`.
    static let version = 1
    /// `UNLG`, the database's `application_id`.
    static let applicationID = 0x554E_4C47
    /// The seconds to wait for another program that writes.
    static let patience: TimeInterval = 5

    /// What a sound database's schema consists of: name and statement. SQLite keeps the statements' text as it is here.
    static let schema: [(name: String, sql: String)] = [
        (
            "events",
            "CREATE TABLE events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, kind TEXT NOT NULL, "
                + "payload TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL UNIQUE)"
        ),
        (
            "events_are_not_changed",
            "CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events "
                + "BEGIN SELECT RAISE(ABORT, 'a row of a ledger is never changed'); END"
        ),
        (
            "events_are_not_removed",
            "CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events "
                + "BEGIN SELECT RAISE(ABORT, 'a row of a ledger is never removed'); END"
        ),
    ]

    let path: String
    private let queue: DatabaseQueue

    /// Opens a database.
    /// - Throws: ``LedgerError`` if there is none, or the file is none of a ledger that this program reads.
    init(opening path: String) throws(LedgerError) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw LedgerError(path, "does not exist; make a ledger by 'unlearn ledger init', or give the folder of one")
        }
        self.path = path
        queue = try Self.queue(path, mayWrite: access(path, W_OK) == 0)
        let (application, version) = try translating { try queue.read { try Self.identity($0) } }
        guard application == Self.applicationID else {
            let isEmpty = try translating { try queue.read { try Self.isEmpty($0) } }
            throw LedgerError(
                path,
                isEmpty
                    ? "is empty: a 'ledger init' was interrupted; run it again"
                    : "is a database of another program; give the folder of a ledger")
        }
        guard version == Self.version else {
            throw LedgerError(
                path, "has ledger version \(version), and this program reads \(Self.version); update the program")
        }
    }

    /// Creates a database with its first rows. Nothing but an interrupted creation is replaced.
    init(creating path: String, with events: [LedgerEvent], at date: Date) throws(LedgerError) {
        self.path = path
        queue = try Self.queue(path, mayWrite: true)
        try translating {
            try queue.inTransaction(.immediate) { database in
                guard try Self.isEmpty(database) else {
                    throw LedgerError(path, "exists already; open it, or give another folder")
                }
                for (_, sql) in Self.schema { try database.execute(sql: sql) }
                try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
                try database.execute(sql: "PRAGMA user_version = \(Self.version)")
                var last: LedgerRow?
                for event in events {
                    let row = try LedgerRow(event, after: last, at: date)
                    try Self.insert(row, into: database)
                    last = row
                }
                return .commit
            }
        }
    }

    /// Reads all rows.
    func rows() throws(LedgerError) -> [LedgerRow] {
        try translating { try queue.read { try Self.rows($0, path) } }
    }

    /// Appends the events that follow from the rows, which nobody else changes in between.
    /// - Parameter body: returns the events for all rows so far. What it throws appends nothing.
    /// - Returns: all rows, with the new ones.
    func append(at date: Date, _ body: ([LedgerRow]) throws -> [LedgerEvent]) throws -> [LedgerRow] {
        var rows: [LedgerRow] = []
        do {
            try queue.inTransaction(.immediate) { database in
                rows = try Self.rows(database, path)
                for event in try body(rows) {
                    let row = try LedgerRow(event, after: rows.last, at: date)
                    try Self.insert(row, into: database)
                    rows.append(row)
                }
                return .commit
            }
        } catch let error as DatabaseError {
            throw LedgerError(path, error)
        }
        return rows
    }

    // MARK: The database

    private static func queue(_ path: String, mayWrite: Bool) throws(LedgerError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = !mayWrite
        configuration.busyMode = .timeout(patience)
        configuration.prepareDatabase { database in
            // Nothing in the file may call functions, and every commit is on the disk when it returns.
            try database.execute(sql: "PRAGMA trusted_schema = OFF")
            if mayWrite { try database.execute(sql: "PRAGMA synchronous = FULL") }
        }
        do {
            return try DatabaseQueue(path: path, configuration: configuration)
        } catch let error as DatabaseError {
            throw LedgerError(path, error)
        } catch {
            throw LedgerError(path, "cannot be opened: \(error)")
        }
    }

    private static func identity(_ database: Database) throws -> (application: Int, version: Int) {
        (
            try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0,
            try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        )
    }

    private static func isEmpty(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
    }

    private static func insert(_ row: LedgerRow, into database: Database) throws {
        try database.execute(
            sql: "INSERT INTO events (sequence, time, kind, payload, previous, hash) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [row.sequence, row.time, row.kind, row.payload, row.previous, row.hash])
    }

    /// Reads rows byte by byte: text that SQLite would cut at a zero byte, or convert, must not look like another.
    private static func rows(_ database: Database, _ path: String) throws -> [LedgerRow] {
        let columns = ["time", "kind", "payload", "previous", "hash"]
        let selected = columns.map { "CAST(\($0) AS BLOB)" }.joined(separator: ", ")
        let types = columns.map { "typeof(\($0)) = 'text'" }.joined(separator: " AND ")
        let cursor = try Row.fetchCursor(
            database, sql: "SELECT sequence, \(types), \(selected) FROM events NOT INDEXED ORDER BY sequence")
        var rows: [LedgerRow] = []
        while let row = try cursor.next() {
            let sequence = Int.fromDatabaseValue(row[0]) ?? 0
            let texts = (2..<7).compactMap { column in
                Data.fromDatabaseValue(row[column]).flatMap { String(validating: $0, as: UTF8.self) }
            }
            guard row[1] as DatabaseValue == 1.databaseValue, texts.count == columns.count else {
                throw LedgerError(path, "row \(sequence) is damaged: a column is no text")
            }
            rows.append(
                LedgerRow(
                    sequence: sequence, time: texts[0], kind: texts[1], payload: texts[2], previous: texts[3],
                    hash: texts[4]))
        }
        return rows
    }

    /// Runs database work and puts its errors into words.
    private func translating<Result>(_ body: () throws -> Result) throws(LedgerError) -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw LedgerError(path, error)
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(path, "cannot be used: \(error)")
        }
    }
}

extension LedgerStore {
    /// Lists what is wrong with the database besides its rows; empty if it is sound.
    func physicalFaults() throws(LedgerError) -> [String] {
        try translating {
            try queue.read { database in
                var faults = try String.fetchAll(database, sql: "PRAGMA integrity_check(20)").filter { $0 != "ok" }
                    .map { "the database is damaged: \($0)" }
                faults += try Self.schemaFaults(database)
                let last = try Int.fetchOne(database, sql: "SELECT max(sequence) FROM events") ?? 0
                let used = try Int.fetchAll(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'")
                if used != [last] {
                    let text = used.map(String.init).joined(separator: ", ")
                    faults.append(
                        "the last row is \(last), but \(text.isEmpty ? "none" : text) was the last that was added")
                }
                return faults
            }
        }
    }

    /// Compares tables, indices and triggers with those of a sound database.
    private static func schemaFaults(_ database: Database) throws -> [String] {
        let rows = try Row.fetchAll(database, sql: "SELECT name, CAST(sql AS BLOB) FROM sqlite_schema")
        var found: [String: String] = [:]
        for row in rows {
            let name = String.fromDatabaseValue(row[0]) ?? "?"
            let sql = Data.fromDatabaseValue(row[1]).flatMap { String(validating: $0, as: UTF8.self) } ?? ""
            found[name] = sql
        }
        var expected = Dictionary(uniqueKeysWithValues: schema.map { ($0.name, $0.sql) })
        // SQLite's own.
        expected["sqlite_sequence"] = "CREATE TABLE sqlite_sequence(name,seq)"
        expected["sqlite_autoindex_events_1"] = ""
        return Set(found.keys).union(expected.keys).sorted().filter { found[$0] != expected[$0] }.map { name in
            switch (found[name], expected[name]) {
            case (nil, _): "the database lacks '\(name)'"
            case (_, nil): "the database has '\(name)', which is none of a ledger's"
            default: "the database's '\(name)' was changed"
            }
        }
    }
}

extension LedgerError {
    /// Puts an error of SQLite into words.
    init(_ path: String, _ error: DatabaseError) {
        let message =
            switch error.resultCode {
            case .SQLITE_NOTADB: "is no database, so it is no ledger; give the folder of a ledger"
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                "is locked by another program for more than \(Int(LedgerStore.patience)) seconds; try again when it has ended"
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                "cannot be written, since it or its folder is read-only; allow writing, or use a copy"
            case .SQLITE_FULL: "cannot be written, since the disk is full; nothing was changed; make room and try again"
            case .SQLITE_CORRUPT:
                "is damaged (\(error.message ?? "SQLite cannot read it")); keep it, and go on with a copy that verifies"
            case .SQLITE_CANTOPEN: "cannot be opened, or its folder cannot be written; check the permissions of both"
            case .SQLITE_CONSTRAINT: "refused a row: \(error.message ?? "a constraint failed")"
            case .SQLITE_IOERR:
                "cannot be read or written: \(error.message ?? "an error of the disk"); check the disk and try again"
            default: "cannot be used: \(error.message ?? "\(error.resultCode)")"
            }
        self.init(path, message)
    }
}
