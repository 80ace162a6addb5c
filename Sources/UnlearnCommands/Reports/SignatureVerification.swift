import Foundation
import UnlearningReports

/// The signature of a record, checked by a public key.
struct SignatureVerification: Sendable {
    /// What is known of it.
    enum State: String, Sendable, Encodable {
        /// There is none.
        case missing
        /// There is one, and no key to check it by.
        case notChecked
        /// It is the key's, of this record.
        case valid
        /// It is another key's, or the record was changed after it was signed.
        case invalid
    }

    let state: State
    /// Why the record does not verify; nil if it does.
    let contradiction: String?
    private let keyIdentifiers: [String]

    /// Checks a record's file.
    /// - Parameters:
    ///   - file: the record, or its signed form.
    ///   - signed: the signed form, if that is the file.
    ///   - key: the key that must have signed; nil asks for no signature.
    init(of file: URL, signed given: SignedRecord?, key: VerificationKey?) throws {
        let beside = SignedRecord.file(for: file)
        let exists = given != nil || FileManager.default.fileExists(atPath: beside.path)
        guard let key else {
            state = exists ? .notChecked : .missing
            contradiction = nil
            // Without a key a damaged signature is nobody's concern.
            keyIdentifiers = (exists ? try? given ?? SignedRecord(contentsOf: beside) : nil)?.keyIdentifiers ?? []
            return
        }
        guard exists else {
            (state, keyIdentifiers) = (.missing, [])
            contradiction = "the record is not signed: there is no \(beside.lastPathComponent) beside it"
            return
        }
        let signed = try given ?? SignedRecord(contentsOf: beside)
        keyIdentifiers = signed.keyIdentifiers
        if !signed.isSigned(by: key) {
            state = .invalid
            contradiction = "the signature is not one by the key \(key.identifier)"
        } else if signed.subject != signed.record.models.unlearned.sha256 {
            state = .invalid
            contradiction = "the signature is for another model than the record's"
        } else if given == nil, !signed.holds(recordAt: file) {
            state = .invalid
            contradiction = "the record is not the one that was signed: it was changed after that"
        } else {
            state = .valid
            contradiction = nil
        }
    }

    /// A line for people; empty without a signature.
    var text: String {
        let keys = keyIdentifiers.joined(separator: ", ")
        return switch state {
        case .valid: "signed by the key \(keys)\n"
        case .notChecked: "signed by the key \(keys), which was not checked; give it by --key\n"
        case .missing, .invalid: ""
        }
    }
}
