import Foundation
import ModelInterchange
import Unlearning
import UnlearningReports

/// A record checked against itself, and a file compared with it.
struct Verification: Sendable {
    let path: String
    let record: AuditRecord
    /// The verdict that follows from the record's own numbers.
    let check: RecordCheck
    /// The file and which of the record's models it is; nil without a file.
    let model: (path: String, match: AuditRecord.Match)?
    /// Where the file's classes are not the record's; nil if the file names none.
    let classContradictions: [String]?
    /// Where the model's memory is not of this record; empty if it is, or if it has none.
    let memoryContradictions: [String]
    /// The record's signature.
    let signature: SignatureVerification

    /// Reads and compares.
    /// - Parameter key: the file of the public key that the record must be signed by; nil asks for no signature.
    /// - Throws: `RecordError`, `SignatureError` or `FileError` if a file cannot be read.
    init(of path: String, model: String?, key: String? = nil) throws {
        let key = try key.map { try VerificationKey(contentsOf: URL(fileURLWithPath: $0)) }
        let file = URL(fileURLWithPath: path)
        let signed = path.hasSuffix(".dsse.json") ? try SignedRecord(contentsOf: file) : nil
        let record = try signed?.record ?? AuditRecord(contentsOf: file)
        signature = try SignatureVerification(of: file, signed: signed, key: key)
        self.path = path
        self.record = record
        check = record.check()
        self.model = try model.map { ($0, try record.verify(URL(fileURLWithPath: $0))) }
        // A file that names no network has no class names either, and its digest says what it is.
        let metadata = model.flatMap { try? Model(contentsOf: URL(fileURLWithPath: $0)).metadata }
        classContradictions = metadata.flatMap {
            $0.classNames.isEmpty ? nil : record.contradictions(in: $0)
        }
        guard let metadata, self.model?.match == .unlearned else {
            memoryContradictions = []
            return
        }
        memoryContradictions = try Self.contradictions(
            in: metadata, of: signed?.recordData ?? Data(contentsOf: file))
    }

    /// Compares what a model remembers of its last request with a record's content.
    private static func contradictions(in memory: ModelMetadata, of record: Data) throws -> [String] {
        guard let remembered = memory.requests.last?.record else { return [] }
        let digest = try AuditRecord.contentDigest(of: record).description
        guard digest != remembered.lowercased() else { return [] }
        return [
            "the model's file remembers a record with the content digest \(remembered), and this record's is \(digest): it "
                + "was changed"
        ]
    }

    /// Whether the record is of a pass, does not contradict itself, and is the file's.
    var isSound: Bool {
        isConsistent && check.verdict == .pass
    }

    /// 0 for a pass, the code of its verdict for another record, and 2 for one that contradicts itself or the file.
    var exitCode: Int32 { isConsistent ? AuditFiles.exitCode(of: check.verdict) : AuditFiles.failure }

    private var isConsistent: Bool { (model?.match ?? .unlearned) == .unlearned && contradictions.isEmpty }

    private var contradictions: [String] {
        check.contradictions + (classContradictions ?? []) + memoryContradictions
            + [signature.contradiction].compactMap(\.self)
    }

    private var matchName: String? {
        switch model?.match {
        case .unlearned: "unlearned"
        case .original: "original"
        case .retrained: "retrained"
        case .some(.none): "none"
        case nil: nil
        }
    }

    var text: String {
        let stated = record.audit.verdict.formerWord ?? record.audit.verdict.total.title
        let verdict =
            check.verdict.title == stated
            ? "its verdict is: \(stated)"
            : "its verdict is stated as \(stated), and its numbers give \(check.verdict.title)"
        var text = identity(verdict) + "\n"
        text += check.missingEvidence.map { "missing: \($0)\n" }.joined()
        text += contradictions.map { "contradiction: \($0)\n" }.joined()
        text += signature.text
        text += check.looserLimits.map { "looser than the default: \($0)\n" }.joined()
        if model != nil, classContradictions == nil {
            text += "the file names no classes, so that those of the record could not be compared\n"
        }
        return text
    }

    /// What the file is.
    private func identity(_ verdict: String) -> String {
        let request = "request \(record.requestID)"
        guard let model else { return "\(path) is the record of \(request); \(verdict)" }
        return switch model.match {
        case .unlearned: "\(model.path) is the unlearned model of \(request); \(verdict)"
        case .original: "\(model.path) is the original of \(request), before forgetting, and not the unlearned model"
        case .retrained: "\(model.path) is a retrained model of \(request), and not the unlearned one"
        case .none: "\(model.path) is no model of \(request): it is another one, or was changed"
        }
    }
}

extension Verification: Encodable {
    enum CodingKeys: CodingKey {
        case contradictions, looserLimits, match, missingEvidence, model, recomputedVerdict, requestID, signature,
            verdict,
            verified
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(contradictions, forKey: .contradictions)
        try container.encode(check.looserLimits, forKey: .looserLimits)
        try container.encode(matchName, forKey: .match)
        try container.encode(check.missingEvidence, forKey: .missingEvidence)
        try container.encode(model?.path, forKey: .model)
        try container.encode(check.verdict, forKey: .recomputedVerdict)
        try container.encode(record.requestID, forKey: .requestID)
        try container.encode(signature.state, forKey: .signature)
        try container.encode(record.audit.verdict.total, forKey: .verdict)
        try container.encode(isSound, forKey: .verified)
    }
}
