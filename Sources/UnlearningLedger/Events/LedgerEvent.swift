package import UnlearningReports

/// Something that happened to a ledger; each becomes one row, and no row ever changes.
package enum LedgerEvent: Sendable, Hashable {
    case created(Creation)
    case policySet(LedgerPolicy)
    case requested(Request)
    case started(Start)
    case resumed(job: Int)
    case abandoned(job: Int)
    case finished(Finish)
    case rolledBack(Rollback)
    case derived(Derivation)
    case pruned(files: [StoredFile])

    /// A file of the ledger, by its path in the ledger's folder.
    package struct StoredFile: Sendable, Codable, Hashable {
        package let path: String
        package let sha256: SHA256Digest

        package init(path: String, sha256: SHA256Digest) {
            self.path = path
            self.sha256 = sha256
        }
    }

    /// The first event: which model the ledger is about.
    package struct Creation: Sendable, Codable, Hashable {
        /// A random identifier, so that rows of two ledgers cannot be exchanged.
        package let ledger: String
        package let model: StoredFile
        /// The name of the file that the model was copied from, without its folder.
        package let source: String
        package let classCount: Int
        /// The classes that the model had forgotten before.
        package let forgottenClasses: [Int]
        /// The options that the file needs to be read, such as `--output-name`, and their values.
        package let network: [String]
        package let packageVersion: String
    }

    /// A request to forget classes, or samples of classes that stay.
    package struct Request: Sendable, Codable, Hashable {
        package let number: Int
        /// The classes in rising order; nil for samples. Never by name: a name may be a person's.
        package let classes: [Int]?
        /// The list of samples; nil for classes.
        package let samples: StoredFile?
        /// The requester's own reference, such as a ticket's number.
        package let reference: String?
        /// The day by which the request has to be done, as `2026-12-31`.
        package let due: String?

        package init(number: Int, classes: [Int]?, samples: StoredFile?, reference: String?, due: String?) {
            self.number = number
            self.classes = classes
            self.samples = samples
            self.reference = reference
            self.due = due
        }
    }

    /// The start of a job.
    package struct Start: Sendable, Codable, Hashable {
        package let job: Int
        package let requests: [Int]
        /// The digest of the model that is made to forget.
        package let model: SHA256Digest
        /// What the result depends on besides the model and the requests: method, settings, seed, data.
        package let settings: [String: String]
    }

    /// The end of a job.
    package struct Finish: Sendable, Codable, Hashable {
        /// How a job ends.
        package enum Outcome: String, Sendable, Codable, CaseIterable {
            /// The new model may leave and is the ledger's current one.
            case passed
            /// The run ended in an error; there is no new model.
            case failed
            /// There is a new model, and the policy or the audit does not let it leave.
            case refused
        }

        package let job: Int
        package let outcome: Outcome
        /// The new model; nil if the job failed.
        package let model: StoredFile?
        /// The record, the report and the signature, where they were written.
        package let files: [StoredFile]
        /// The audit's verdict by the policy's limits; nil without an audit.
        package let verdict: String?
        /// Why the model may not leave, or the error.
        package let reasons: [String]
    }

    /// A return to the model that the ledger had before a job.
    package struct Rollback: Sendable, Codable, Hashable {
        /// The jobs that are undone, the latest first.
        package let jobs: [Int]
        /// The digest of the model that is current again.
        package let model: SHA256Digest
        package let reason: String?
    }

    /// A file that was made from one of the ledger's models, such as an export.
    package struct Derivation: Sendable, Codable, Hashable {
        /// Where the file was.
        package let path: String
        package let sha256: SHA256Digest
        /// The digest of the model that it was made from.
        package let model: SHA256Digest
    }
}

extension LedgerEvent {
    /// The events' names in the database.
    package enum Kind: String, Sendable, CaseIterable {
        case created, policySet = "policy-set", requested, started, resumed, abandoned, finished,
            rolledBack = "rolled-back", derived, pruned
    }

    package var kind: Kind {
        switch self {
        case .created: .created
        case .policySet: .policySet
        case .requested: .requested
        case .started: .started
        case .resumed: .resumed
        case .abandoned: .abandoned
        case .finished: .finished
        case .rolledBack: .rolledBack
        case .derived: .derived
        case .pruned: .pruned
        }
    }
}
