import Foundation

/// The payload of an event about a job that has nothing else to say.
private struct JobNumber: Codable {
    let job: Int
}

/// The payload of an event that removed files.
private struct FileList: Codable {
    let files: [LedgerEvent.StoredFile]
}

extension LedgerEvent {
    /// The event's details as JSON with sorted keys and without spaces: one event has one encoding.
    package func payload() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(details), as: UTF8.self)
    }

    private var details: any Encodable {
        switch self {
        case .created(let creation): creation
        case .policySet(let policy): policy
        case .requested(let request): request
        case .started(let start): start
        case .resumed(let job), .abandoned(let job): JobNumber(job: job)
        case .finished(let finish): finish
        case .rolledBack(let rollback): rollback
        case .derived(let derivation): derivation
        case .pruned(let files): FileList(files: files)
        }
    }

    /// Reads an event.
    /// - Throws: ``LedgerFault`` if this program knows no such event, or its details are not those of one.
    package init(kind text: String, payload: String) throws(LedgerFault) {
        guard let kind = Kind(rawValue: text) else {
            throw LedgerFault("its kind '\(text.prefix(40))' is none that this program knows")
        }
        do {
            self = try Self.decoded(kind, Data(payload.utf8))
        } catch {
            throw LedgerFault("its details are not those of the kind '\(text)'")
        }
    }

    private static func decoded(_ kind: Kind, _ data: Data) throws -> LedgerEvent {
        let decoder = JSONDecoder()
        return switch kind {
        case .created: .created(try decoder.decode(Creation.self, from: data))
        case .policySet: .policySet(try decoder.decode(LedgerPolicy.self, from: data))
        case .requested: .requested(try decoder.decode(Request.self, from: data))
        case .started: .started(try decoder.decode(Start.self, from: data))
        case .resumed: .resumed(job: try decoder.decode(JobNumber.self, from: data).job)
        case .abandoned: .abandoned(job: try decoder.decode(JobNumber.self, from: data).job)
        case .finished: .finished(try decoder.decode(Finish.self, from: data))
        case .rolledBack: .rolledBack(try decoder.decode(Rollback.self, from: data))
        case .derived: .derived(try decoder.decode(Derivation.self, from: data))
        case .pruned: .pruned(files: try decoder.decode(FileList.self, from: data).files)
        }
    }
}

/// What is wrong with a row of a ledger.
package struct LedgerFault: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
