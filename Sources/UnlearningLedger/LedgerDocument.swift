package import Foundation
import Unlearning

/// A ledger as one JSON document: its rows with their hashes, and what they add up to.
package struct LedgerDocument: Sendable, Encodable {
    /// A request and its state.
    package struct Request: Sendable, Encodable {
        package let number: Int
        package let state: LedgerState.RequestState
        package let classes: [Int]?
        package let samples: LedgerEvent.StoredFile?
        package let reference: String?
        package let due: String?
        package let jobs: [Int]
    }

    package let ledger: String
    package let head: String
    package let currentModel: LedgerEvent.StoredFile
    package let requests: [Request]
    package let rows: [LedgerRow]
    private let files: [LedgerEvent.StoredFile]

    private enum CodingKeys: CodingKey {
        case ledger, head, currentModel, requests, rows
    }

    /// Reads a ledger.
    package init(_ source: Ledger) throws(LedgerError) {
        let state = try source.state()
        rows = try source.rows()
        ledger = state.creation.ledger
        head = state.headHash
        currentModel = state.currentModel
        requests = state.requests.map { request in
            Request(
                number: request.number, state: request.state, classes: request.event.classes,
                samples: request.event.samples, reference: request.reference, due: request.event.due, jobs: request.jobs
            )
        }
        files = state.requests.compactMap(\.event.samples) + state.jobs.flatMap { $0.finish?.files ?? [] }
    }

    /// The document with sorted keys.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Writes a folder with the document, as `ledger.json`, and with the records, reports and lists of samples, but without
    /// models, which still know what was to be forgotten.
    /// - Throws: ``LedgerError`` if the folder exists and is not empty, or a file cannot be copied.
    package func write(to url: URL, from folder: LedgerFolder) throws {
        let names = try? FileManager.default.contentsOfDirectory(atPath: url.path)
        guard names?.isEmpty ?? !FileManager.default.fileExists(atPath: url.path) else {
            throw LedgerError(
                url.path, "exists and is not an empty folder; give a new one, or a name that ends in .json")
        }
        let target = LedgerFolder(url)
        try target.makeFolder(for: "ledger.json")
        for file in files where file.isInside { _ = try target.copy(folder.url(of: file.path), to: file.path) }
        try AtomicFile.write(try json(), to: target.url(of: "ledger.json"))
    }
}
