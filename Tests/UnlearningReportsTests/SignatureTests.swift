import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Signed records", .tags(.reports))
struct SignatureTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Keys and envelopes of another implementation; see make_fixtures.py beside them.
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/Signatures")
    static let kinds = ["p256", "ed25519"]

    private static func url(_ name: String) -> URL { fixtures.appendingPathComponent(name) }
    private func signingKey(_ kind: String) throws -> SigningKey { try SigningKey(contentsOf: Self.url("\(kind).pem")) }
    private func publicKey(_ kind: String) throws -> VerificationKey {
        try VerificationKey(contentsOf: Self.url("\(kind)-public.pem"))
    }

    /// Writes a signed record, changes its JSON and reads it again.
    private func changed(
        _ signed: SignedRecord, _ change: (inout [String: Any]) throws -> Void
    ) throws -> SignedRecord {
        let file = folder.file("record.dsse.json")
        try signed.write(to: file)
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        try change(&object)
        try JSONSerialization.data(withJSONObject: object).write(to: file)
        return try SignedRecord(contentsOf: file)
    }

    @Test("an envelope that securesystemslib signed is read, and its signature verifies", arguments: kinds)
    func theirs(kind: String) throws {
        let signed = try SignedRecord(contentsOf: Self.url("\(kind).dsse.json"))
        #expect(signed.isSigned(by: try publicKey(kind)))
        let other = try #require(Self.kinds.first { $0 != kind })
        #expect(!signed.isSigned(by: try publicKey(other)))
        let record = Self.fixtures.deletingLastPathComponent().appendingPathComponent("Records/audit-version-1.json")
        #expect(signed.holds(recordAt: record))
        #expect(signed.record == (try AuditRecord(contentsOf: record)))
        #expect(signed.subject == signed.record.models.unlearned.sha256)
    }

    @Test("what is signed here verifies here, after a way through a file", arguments: kinds)
    func ours(kind: String) throws {
        let record = try SampleAudit.record()
        let key = try signingKey(kind)
        let signed = try changed(try SignedRecord(record, by: key)) { _ in }
        #expect(signed.isSigned(by: try publicKey(kind)))
        #expect(signed.keyIdentifiers == [key.identifier.description])
        #expect(try publicKey(kind).identifier == key.identifier)
        #expect(signed.record == record)
        #expect(signed.subject == record.models.unlearned.sha256)
    }

    @Test("a change of payload, type or signature is found", arguments: kinds)
    func changes(kind: String) throws {
        let signed = try SignedRecord(try SampleAudit.record(), by: try signingKey(kind))
        let key = try publicKey(kind)
        let otherPayload = try changed(signed) { object in
            let payload = try #require((object["payload"] as? String).flatMap { Data(base64Encoded: $0) })
            let text = String(decoding: payload, as: UTF8.self).replacing("case-7", with: "case-8")
            object["payload"] = Data(text.utf8).base64EncodedString()
        }
        #expect(otherPayload.record.requestID == "case-8")
        #expect(!otherPayload.isSigned(by: key))
        let otherSignature = try changed(signed) { object in
            var list = try #require(object["signatures"] as? [[String: Any]])
            var bytes = try #require((list[0]["sig"] as? String).flatMap { Data(base64Encoded: $0) })
            bytes[bytes.count - 1] ^= 1
            list[0]["sig"] = bytes.base64EncodedString()
            object["signatures"] = list
        }
        #expect(!otherSignature.isSigned(by: key))
        let unsigned = try changed(signed) { $0["signatures"] = [[String: Any]]() }
        #expect(!unsigned.isSigned(by: key))
    }

    @Test("a record that differs from the signed one is found, even by a key that nobody reads")
    func recordFile() throws {
        let record = try SampleAudit.record()
        let signed = try SignedRecord(record, by: try signingKey("p256"))
        let file = folder.file("record.json")
        try record.write(to: file)
        #expect(signed.holds(recordAt: file))
        var text = try String(contentsOf: file, encoding: .utf8)
        text = text.replacing(#""schema" :"#, with: #""comment" : "approved", "schema" :"#)
        try Data(text.utf8).write(to: file)
        #expect(throws: Never.self) { try AuditRecord(contentsOf: file) }
        #expect(!signed.holds(recordAt: file))
    }

    @Test("the encoding that is signed is DSSE's")
    func preAuthentication() {
        // The example of DSSE's protocol page.
        let bytes = SignedRecord.authenticated("http://example.com/HelloWorld", Data("hello world".utf8))
        #expect(bytes == Data("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8))
    }

    @Test(
        "keys that cannot sign are refused with the remedy",
        arguments: [
            ("p384.pem", "is no key of ECDSA over P-256 or of Ed25519"), ("rsa.pem", "is no key of ECDSA over P-256"),
            ("encrypted.pem", "is an encrypted key; decrypt it"), ("p256-public.pem", "is a public key"),
            ("p256.dsse.json", "is no private key in PEM"), ("nothing.pem", "does not exist"), ("", "is a folder"),
        ])
    func wrongSigningKeys(name: String, part: String) {
        let error = #expect(throws: SignatureError.self) { try SigningKey(contentsOf: Self.url(name)) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test(
        "keys that cannot verify are refused", arguments: ["p384-public.pem", "rsa-public.pem", "p256.pem", "nothing"])
    func wrongPublicKeys(name: String) {
        #expect(throws: SignatureError.self) { try VerificationKey(contentsOf: Self.url(name)) }
    }

    @Test("files that are no envelope with a record are refused")
    func wrongEnvelopes() throws {
        let file = folder.file("record.dsse.json")
        let statement = Data(#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}"#.utf8)
        let texts = [
            "", "[]", "{}", #"{"payload":"!","payloadType":"a","signatures":[]}"#,
            #"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            "{\"payload\":\"\(statement.base64EncodedString())\",\"payloadType\":\"application/vnd.in-toto+json\","
                + "\"signatures\":[]}",
        ]
        for text in texts {
            try Data(text.utf8).write(to: file)
            #expect(throws: SignatureError.self, "\(text)") { try SignedRecord(contentsOf: file) }
        }
        #expect(throws: SignatureError.self) { try SignedRecord(contentsOf: Self.fixtures) }
    }
}
