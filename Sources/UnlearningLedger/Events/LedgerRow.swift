package import Foundation
import UnlearningReports

/// One row of a ledger, chained to the one before by its hash.
package struct LedgerRow: Sendable, Hashable, Codable {
    /// The row's number, from 1 without gaps.
    package let sequence: Int
    /// The time in UTC, as `2026-12-31T23:59:59Z`.
    package let time: String
    /// The event's kind.
    package let kind: String
    /// The event's details as JSON.
    package let payload: String
    /// The hash of the row before; ``origin`` for the first.
    package let previous: String
    /// The row's own hash.
    package let hash: String

    /// What stands for a hash before the first row.
    package static let origin = String(repeating: "0", count: 64)

    package init(sequence: Int, time: String, kind: String, payload: String, previous: String, hash: String) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.payload = payload
        self.previous = previous
        self.hash = hash
    }

    /// Creates the row that follows another.
    /// - Parameter last: the last row; nil for the first row of a ledger.
    package init(_ event: LedgerEvent, after last: LedgerRow?, at date: Date = Date()) throws {
        sequence = (last?.sequence ?? 0) + 1
        time = date.formatted(.iso8601)
        kind = event.kind.rawValue
        payload = try event.payload()
        previous = last?.hash ?? Self.origin
        hash = Self.hash(sequence: sequence, time: time, kind: kind, payload: payload, previous: previous)
    }

    /// The hash that belongs to the row's content.
    package var expectedHash: String {
        Self.hash(sequence: sequence, time: time, kind: kind, payload: payload, previous: previous)
    }

    /// SHA-256 over five lines: the hash before, the number, the time, the kind, and the details, without a line break at
    /// the end. None of the first four can hold a line break, so that no two rows have the same lines.
    private static func hash(sequence: Int, time: String, kind: String, payload: String, previous: String) -> String {
        SHA256Digest(of: Data("\(previous)\n\(sequence)\n\(time)\n\(kind)\n\(payload)".utf8)).description
    }
}

extension LedgerRow {
    /// The event that the row holds.
    package func event() throws(LedgerFault) -> LedgerEvent {
        try LedgerEvent(kind: kind, payload: payload)
    }

    /// Lists what shows that rows were changed, removed, swapped or inserted; empty if nothing does.
    package static func faults(in rows: [LedgerRow]) -> [String] {
        var faults: [String] = []
        var last: LedgerRow?
        for row in rows {
            let expected = (last?.sequence ?? 0) + 1
            if row.sequence != expected {
                faults.append("row \(expected) is missing: row \(row.sequence) stands in its place")
            }
            if [row.time, row.kind, row.previous].contains(where: { $0.contains("\n") }) {
                faults.append("row \(row.sequence) has a line break where none can be")
            }
            if row.hash != row.expectedHash { faults.append("row \(row.sequence) was changed: its hash is another") }
            if row.previous != last?.hash ?? origin {
                let before = last.map { "row \($0.sequence)" } ?? "the beginning"
                faults.append("row \(row.sequence) does not follow \(before): one was changed, removed or inserted")
            }
            last = row
        }
        return faults
    }
}
