public import Foundation
import Unlearning

/// A record signed as a DSSE envelope with an in-toto statement.
///
/// The statement's subject is the unlearned model by its digest, and its predicate is the record. See
/// <https://github.com/secure-systems-lab/dsse> and <https://github.com/in-toto/attestation>.
public struct SignedRecord: Sendable {
    /// The media type of the payload.
    package static let payloadType = "application/vnd.in-toto+json"
    package static let statementType = "https://in-toto.io/Statement/v1"
    /// The type of the predicate, whose version is the record's.
    package static let predicateType = "urn:unlearning:audit-record:v\(AuditRecord.currentVersion)"
    private static let predicatePrefix = "urn:unlearning:audit-record:v"
    /// The maximum size of an envelope's file in bytes.
    private static let maximumFileSize = 128 << 20

    private let envelope: Envelope
    private let path: String
    /// The record in the statement.
    public let record: AuditRecord
    /// The digest of the model that the statement is about.
    package let subject: SHA256Digest
    /// The record in the statement, as it was signed.
    package let recordData: Data

    /// The keys that signed, by their identifiers.
    package var keyIdentifiers: [String] { envelope.signatures.map(\.keyid) }

    /// The envelope as its file has it.
    private struct Envelope: Codable {
        struct Signature: Codable {
            let keyid: String
            let sig: Data
        }
        let payload: Data
        let payloadType: String
        let signatures: [Signature]
    }

    private struct Statement: Decodable {
        struct Subject: Decodable {
            let name: String?
            let digest: [String: String]
        }
        let _type: String
        let subject: [Subject]
        let predicateType: String
    }

    /// Signs a record.
    /// - Parameters:
    ///   - record: the record.
    ///   - key: the key.
    /// - Throws: ``SignatureError`` if the key cannot sign, and what encoding throws.
    public init(_ record: AuditRecord, by key: SigningKey) throws {
        let predicate = try record.json()
        let unlearned = record.models.unlearned
        let statement: [String: Any] = [
            "_type": Self.statementType,
            "subject": [
                ["name": unlearned.name ?? "model", "digest": ["sha256": unlearned.sha256.description]] as [String: Any]
            ],
            "predicateType": Self.predicateType,
            "predicate": try JSONSerialization.jsonObject(with: predicate),
        ]
        let payload = try JSONSerialization.data(
            withJSONObject: statement, options: [.sortedKeys, .withoutEscapingSlashes])
        let signature = try key.signature(of: Self.authenticated(Self.payloadType, payload))
        envelope = Envelope(
            payload: payload, payloadType: Self.payloadType,
            signatures: [.init(keyid: key.identifier.description, sig: signature)])
        path = "envelope"
        self.record = record
        subject = unlearned.sha256
        recordData = try Self.canonical(try JSONSerialization.jsonObject(with: predicate))
    }

    /// Reads an envelope; its signatures are not checked yet.
    /// - Throws: ``SignatureError`` if it is missing, or no envelope with a record.
    public init(contentsOf url: URL) throws(SignatureError) {
        path = url.path
        func refuse(_ message: String) -> SignatureError { SignatureError(url.path, message) }
        let data: Data
        do throws(FileError) {
            let file = try RandomAccessFile(url)
            guard file.size <= Self.maximumFileSize else {
                throw FileError(url.path, "is larger than any signed record; give a signed record")
            }
            data = Data(try file.bytes(0..<file.size))
        } catch {
            throw refuse(error.message)
        }
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: data) else {
            throw refuse("is no DSSE envelope; give a signed record, such as record.dsse.json")
        }
        guard envelope.payloadType == Self.payloadType,
            let statement = try? JSONDecoder().decode(Statement.self, from: envelope.payload),
            statement._type == Self.statementType, statement.predicateType.hasPrefix(Self.predicatePrefix),
            let object = (try? JSONSerialization.jsonObject(with: envelope.payload)) as? [String: Any],
            let value = object["predicate"], let predicate = try? Self.canonical(value)
        else { throw refuse("is an envelope without an audit record; give a signed record") }
        guard let subject = statement.subject.first.flatMap({ $0.digest["sha256"] }).flatMap({ SHA256Digest($0) })
        else {
            throw refuse("names no model by its SHA-256 digest; give a signed record as it was written")
        }
        self.envelope = envelope
        self.subject = subject
        recordData = predicate
        do {
            record = try AuditRecord(predicate, path: url.path)
        } catch {
            throw refuse(error.message)
        }
    }

    /// Writes the envelope atomically.
    /// - Throws: `FileError` if it cannot be written.
    public func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(try encoder.encode(envelope) + Data("\n".utf8), to: url)
    }

    /// Whether a key signed the record.
    public func isSigned(by key: VerificationKey) -> Bool {
        let bytes = Self.authenticated(envelope.payloadType, envelope.payload)
        return envelope.signatures.contains { key.isValid($0.sig, of: bytes) }
    }

    /// Whether the statement holds exactly the record of a file, unknown keys included.
    package func holds(recordAt url: URL) -> Bool {
        guard let data = try? Data(contentsOf: url), let object = try? JSONSerialization.jsonObject(with: data),
            let bytes = try? Self.canonical(object)
        else { return false }
        return bytes == recordData
    }

    /// DSSE's pre-authentication encoding, which is what is signed.
    package static func authenticated(_ type: String, _ payload: Data) -> Data {
        Data("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    private static func canonical(_ object: Any) throws -> Data {
        try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .fragmentsAllowed])
    }
}

extension SignedRecord {
    /// Where the signed record of a record's file is: `record.dsse.json` beside `record.json`.
    package static func file(for record: URL) -> URL {
        record.deletingPathExtension().appendingPathExtension("dsse.json")
    }
}
