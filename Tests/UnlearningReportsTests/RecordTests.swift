import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Audit records", .tags(.reports))
struct RecordTests {
    private let home: TemporaryFolder
    private var folder: URL { home.url }

    init() throws {
        home = try TemporaryFolder()
    }

    @Test("a record is read as it was written, without the figures")
    func roundTrip() throws {
        let record = try SampleAudit.record(forgetting: SampleAudit.run().0)
        let file = folder.appendingPathComponent("record.json")
        try record.write(to: file)
        let read = try AuditRecord(contentsOf: file)
        #expect(read == record)
        #expect(read.audit.figures == AuditFigures())
        #expect(read.audit.measures == SampleAudit.result().measures)
        #expect(read.date == Date(timeIntervalSince1970: 1_800_000_000))
        #expect(read.packageVersion == PackageVersion.current)
        #expect(read.classes == [.init(index: 2, name: SampleAudit.classNames[2])])
        #expect(read.forgetting?.losses["repair"] == [3, 2, 1])
        #expect(read.forgetting?.phaseSeconds == ["noise": 1, "impair": 2, "repair": 0.5])
        let json = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        #expect(json["schema"] as? String == "unlearning-audit-record")
        #expect(json["schemaVersion"] as? Int == 4 && json["version"] == nil)
        #expect(json["date"] as? String == "2027-01-15T08:00:00Z")
    }

    @Test("SHA-256 agrees with FIPS 180-4's examples")
    func digests() throws {
        #expect(
            SHA256Digest(of: Data("abc".utf8)).text
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256Digest(of: Data()).text
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256Digest(String(repeating: "g", count: 64)) == nil)
        #expect(SHA256Digest("abc") == nil)
        let file = folder.appendingPathComponent("million")
        try Data(repeating: 0x61, count: 1_000_000).write(to: file)
        #expect(
            try SHA256Digest(ofFile: file).text
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(throws: FileError.self) { try SHA256Digest(ofFile: folder) }
    }

    @Test("files are told apart, down to a byte")
    func verifies() throws {
        let record = try SampleAudit.record()
        let file = folder.appendingPathComponent("model.safetensors")
        for (seed, match) in [(1, AuditRecord.Match.original), (2, .unlearned), (3, .retrained(0)), (4, .none)] {
            try SampleAudit.model(seed: UInt64(seed)).writeSafetensors(to: file)
            #expect(try record.verify(file) == match)
        }
        try SampleAudit.model(seed: 2).writeSafetensors(to: file)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: file)
        #expect(try record.verify(file) == .none)
        #expect(throws: FileError.self) { try record.verify(folder.appendingPathComponent("nowhere")) }
    }

    @Test("the retain list's digest is that of its lines")
    func retainList() throws {
        struct Images: ImageDataset {
            let name = "four"
            let count = 4
            let imageShape: TensorShape = [1, 1, 1]
            let classNames = ["a", "b"]
            let normalization = Normalization(mean: [0], standardDeviation: [1])
            func label(at index: Int) -> Int { index % 2 }
            func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) {}
        }
        let list = RetainList(try ImageSubset(Images(), indices: [3, 0]))
        #expect(list.count == 2 && list.dataset == "four")
        #expect(list.sha256 == SHA256Digest(of: Data("3 1\n0 0\n".utf8)))
    }

    @Test("a request's name is checked", arguments: ["", "a\nb", "\u{1B}[2J", String(repeating: "x", count: 201)])
    func requestNames(name: String) {
        #expect(throws: UnlearningError.self) { try SampleAudit.record(requestID: name) }
    }

    /// Changes one field, and expects a message.
    private func expect(
        _ message: String, _ change: (inout [String: Any]) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let data = try SampleAudit.record().json()
        var json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        change(&json)
        try expect(message, JSONSerialization.data(withJSONObject: json), sourceLocation: sourceLocation)
    }

    private func expect(
        _ message: String, _ data: Data, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let error = #expect(throws: RecordError.self, sourceLocation: sourceLocation) {
            try AuditRecord(data, path: "record.json")
        }
        let text = error?.description ?? ""
        #expect(
            text.hasPrefix("record.json: ") && text.contains(message), "\(text)",
            sourceLocation: sourceLocation)
    }

    @Test("damaged records")
    func damaged() throws {
        try expect("not an audit record") { $0["schema"] = "other" }
        try expect("not an audit record") { $0["schema"] = nil }
        try expect("not an audit record") { $0["schemaVersion"] = 0 }
        try expect("record version 5, but this program reads versions up to 4; update the program") {
            $0["schemaVersion"] = 5
        }
        try expect("schemaVersion has the wrong type") { $0["schemaVersion"] = "one" }
        try expect("models is missing") { $0["models"] = nil }
        try expect("classes has the wrong type") { $0["classes"] = 3 }
        try expect("date") { $0["date"] = "yesterday" }
        try expect("request id") { $0["requestID"] = "a\nb" }
        try expect("64 hexadecimal digits") { json in
            var models = json["models"] as? [String: Any] ?? [:]
            models["unlearned"] = ["sha256": "12"]
            json["models"] = models
        }
        try expect("measures of version 99") { json in
            var audit = json["audit"] as? [String: Any] ?? [:]
            audit["schemaVersion"] = 99
            json["audit"] = audit
        }
    }

    @Test("bytes that are no record", arguments: ["", "{", "[]", "null", "7", "\u{FEFF}", "{\"schema\":"])
    func noRecord(text: String) throws {
        try expect("the record as it was written", Data(text.utf8))
    }

    @Test("every truncation of a record is refused")
    func truncations() throws {
        let data = try SampleAudit.record().json()
        for count in stride(from: 0, to: data.count - 2, by: 97) {
            #expect(throws: RecordError.self) { try AuditRecord(data.prefix(count), path: "record.json") }
        }
        let deep = Data((String(repeating: "[", count: 100_000)).utf8)
        #expect(throws: RecordError.self) { try AuditRecord(deep, path: "record.json") }
    }

    @Test("files that are not there, or no files")
    func missing() throws {
        let pipe = folder.appendingPathComponent("pipe")
        #expect(mkfifo(pipe.path, 0o600) == 0)
        let devices = ["/dev/null", "/dev/zero"].map { URL(fileURLWithPath: $0) }
        for path in [folder, folder.appendingPathComponent("nowhere"), pipe] + devices {
            #expect(throws: RecordError.self) { try AuditRecord(contentsOf: path) }
            #expect(throws: FileError.self) { try SHA256Digest(ofFile: path) }
        }
        let link = folder.appendingPathComponent("link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: pipe)
        #expect(throws: FileError(link.path, "is not a regular file; give one")) { try SHA256Digest(ofFile: link) }
    }
}
