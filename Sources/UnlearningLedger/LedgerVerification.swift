package import Foundation
package import UnlearningReports

/// A ledger checked for traces of changes: its database, the chain of its rows, what they add up to, and its files.
package struct LedgerVerification: Sendable {
    /// What was found, one line each; empty if nothing was.
    package private(set) var faults: [String] = []
    /// The number of rows.
    package private(set) var rowCount = 0
    /// The hash of the last row; nil without rows.
    package private(set) var head: String?
    /// The row whose hash was noted elsewhere; nil if none was given, or it is not in the ledger.
    package private(set) var notedRow: Int?

    /// Checks a ledger.
    /// - Parameters:
    ///   - url: the ledger's folder.
    ///   - noted: the hash of a row, as it was noted elsewhere at an earlier time.
    /// - Throws: ``LedgerError`` if there is no ledger, or it cannot be read at all.
    package init(of url: URL, noted: SHA256Digest? = nil) throws(LedgerError) {
        let ledger = try Ledger(url)
        faults += try ledger.store.physicalFaults()
        let rows = try ledger.rows()
        rowCount = rows.count
        head = rows.last?.hash
        faults += LedgerRow.faults(in: rows)
        if let noted {
            notedRow = rows.first { $0.hash == noted.description }?.sequence
            if notedRow == nil { faults.append("no row has the noted hash \(noted): rows were removed or changed") }
        }
        do {
            let state = try LedgerState(rows)
            checkFiles(of: state, in: ledger.folder)
        } catch {
            faults.append(error.description)
        }
    }

    private mutating func checkFiles(of state: LedgerState, in folder: LedgerFolder) {
        for file in state.files {
            let isPruned = state.pruned.contains(file.sha256)
            let exists = FileManager.default.fileExists(atPath: folder.url(of: file.path).path)
            if isPruned, !exists { continue }
            if isPruned { faults.append("\(file.path) was pruned and is still there; prune again") }
            if let fault = folder.fault(of: file) { faults.append(fault) }
        }
        for job in state.jobs {
            guard let finish = job.finish, let model = finish.model,
                let file = finish.files.first(where: { $0.path.hasSuffix("record.json") }), file.isInside,
                let record = try? AuditRecord(contentsOf: folder.url(of: file.path))
            else { continue }
            if record.models.unlearned.sha256 != model.sha256 || record.models.original.sha256 != job.start.model {
                faults.append("\(file.path) is about other models than those of job \(job.number)")
            }
        }
    }
}
