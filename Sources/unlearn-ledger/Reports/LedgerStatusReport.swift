import Foundation
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// The requests of a ledger, its current model, and the files that still hold an earlier one.
struct LedgerStatusReport: Report {
    let state: LedgerState
    let folder: LedgerFolder
    let derived: [(file: LedgerEvent.Derivation, state: Ledger.DerivedState)]
    /// Whether a process works on the ledger now.
    let isWorking: Bool
    /// The day, as `2026-12-31`.
    let today: String

    /// The state in words: a job that was killed runs no longer.
    private func words(_ request: LedgerState.Request) -> String {
        request.state == .running && !isWorking ? "interrupted" : request.state.rawValue
    }

    var text: String {
        var text = "Model: \(folder.url(of: state.currentModel.path).path)\n  sha256 \(state.currentModel.sha256)\n"
        if !state.requests.isEmpty {
            var table = TextTable(alignsAllLeft: true)
            table.add(["request", "state", "what", "due", "job", "reference"])
            for request in state.requests {
                let due = (request.event.due ?? "-") + (request.isOverdue(on: today) ? " OVERDUE" : "")
                table.add([
                    "\(request.number)", words(request), request.subject, due,
                    request.jobs.last.map(String.init) ?? "-", request.reference ?? "-",
                ])
            }
            text += "\n" + table.text
        }
        if state.openJob != nil, !isWorking {
            text += "\nA job was interrupted; 'unlearn ledger run' goes on with it.\n"
        }
        let outdated = derived.filter { $0.state == .outdated }
        if !outdated.isEmpty {
            text += "\nFiles that were made from an earlier model and are still there:\n"
            text += outdated.map { "  \($0.file.path)\n" }.joined()
        }
        return text + "\n" + state.headText
    }

    enum CodingKeys: CodingKey {
        case currentModel, derivedFiles, head, isWorking, ledger, requests, rows
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(
            Model(path: folder.url(of: state.currentModel.path).path, sha256: state.currentModel.sha256.description),
            forKey: .currentModel)
        try container.encode(derived.map(Derived.init), forKey: .derivedFiles)
        try container.encode(state.headHash, forKey: .head)
        try container.encode(isWorking, forKey: .isWorking)
        try container.encode(state.creation.ledger, forKey: .ledger)
        try container.encode(state.requests.map { Request($0, words($0), today) }, forKey: .requests)
        try container.encode(state.head.sequence, forKey: .rows)
    }

    private struct Model: Encodable {
        let path: String
        let sha256: String
    }

    private struct Derived: Encodable {
        let model: String
        let path: String
        let sha256: String
        let state: Ledger.DerivedState

        init(_ entry: (file: LedgerEvent.Derivation, state: Ledger.DerivedState)) {
            (model, path) = (entry.file.model.description, entry.file.path)
            (sha256, state) = (entry.file.sha256.description, entry.state)
        }
    }

    private struct Request: Encodable {
        let added: String
        let classes: [Int]
        let due: String?
        let isOverdue: Bool
        let jobs: [Int]
        let number: Int
        let reference: String?
        let samples: String?
        let state: String

        init(_ request: LedgerState.Request, _ words: String, _ today: String) {
            (added, classes, due) = (request.added, request.classes, request.event.due)
            (isOverdue, jobs, number) = (request.isOverdue(on: today), request.jobs, request.number)
            (reference, samples, state) = (request.reference, request.event.samples?.path, words)
        }
    }
}

/// The rows of a ledger.
struct LedgerShowReport: Report {
    let state: LedgerState
    let rows: [LedgerRow]

    var text: String {
        rows.map { "\($0.sequence)  \($0.time)  \($0.kind)\n   \($0.payload)\n   \($0.hash)\n" }.joined()
            + "\n" + state.headText
    }

    enum CodingKeys: CodingKey {
        case head, rows
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state.headHash, forKey: .head)
        try container.encode(rows, forKey: .rows)
    }
}

/// What was found in a ledger.
struct LedgerVerifyReport: Report {
    let verification: LedgerVerification
    let path: String

    var exitCode: Int32 { verification.faults.isEmpty ? 0 : AuditFiles.failure }

    var text: String {
        guard verification.faults.isEmpty else {
            return verification.faults.map { "\(path): \($0)\n" }.joined()
        }
        var text = "\(path): \(verification.rowCount) rows follow each other, and every file is as it was\n"
        if let noted = verification.notedRow {
            let later = verification.rowCount - noted
            text += "The noted head is row \(noted); \(later == 0 ? "it is the last" : "\(later) rows came after it")\n"
        }
        return text + "Head: row \(verification.rowCount), \(verification.head ?? "-")\n"
    }

    enum CodingKeys: CodingKey {
        case faults, head, notedRow, rows, verified
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(verification.faults, forKey: .faults)
        try container.encode(verification.head, forKey: .head)
        try container.encode(verification.notedRow, forKey: .notedRow)
        try container.encode(verification.rowCount, forKey: .rows)
        try container.encode(verification.faults.isEmpty, forKey: .verified)
    }
}

/// An export.
struct LedgerExportReport: Report {
    let document: LedgerDocument
    let output: String?

    var text: String {
        guard let output else { return (try? document.json()).map { String(decoding: $0, as: UTF8.self) } ?? "" }
        return "Wrote \(output)\nHead: row \(document.rows.count), \(document.head)\n"
    }

    func encode(to encoder: any Encoder) throws { try document.encode(to: encoder) }
}
