import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// The files for an audit's report and record.
struct ReportFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder for report.html, the audit to read, and record.json.", valueName: "folder"),
        completion: .directory)
    var report: String?

    @Option(
        name: .customLong("request-id"),
        help: ArgumentHelp(
            "The request's name in the record, such as a ticket's number. (default: a new UUID)",
            valueName: "name"))
    var requestID: String?

    @Option(
        help: ArgumentHelp(
            "Sign the record by this private key, ECDSA over P-256 or Ed25519 in PEM, into record.dsse.json beside it.",
            valueName: "key"), completion: .file(extensions: ["pem"]))
    var sign: String?

    /// Where they go, and the key that signs the record.
    func destination() throws -> ReportDestination {
        ReportDestination(
            folder: report.map { URL(fileURLWithPath: $0) }, requestID: requestID,
            signingKey: try sign.map { try SigningKey(contentsOf: URL(fileURLWithPath: $0)) })
    }

    /// Checks a request's name, and that there is a record for it and for the signature.
    /// - Parameters:
    ///   - hasRecord: whether there is a record, besides that of --report, whose name can be checked.
    ///   - hasRecordFile: whether that record is a file.
    func checkRequestID(hasRecord: Bool = false, hasRecordFile: Bool = false) throws {
        try refuse(
            [("--sign", sign != nil)], unless: report != nil || hasRecordFile,
            "signs the record; give --report too.")
        guard let requestID else { return }
        try refuse(
            [("--request-id", true)], unless: report != nil || hasRecord,
            "names the request in the record; give --report too.")
        do {
            try AuditRecord.check(requestID: requestID)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// Where an audit's report and record go, and what the record calls the request.
struct ReportDestination: Sendable {
    /// The folder for both; nil writes neither.
    var folder: URL?
    /// The request's name; nil makes a new UUID.
    var requestID: String?
    /// The key that signs the record; nil leaves it unsigned.
    var signingKey: SigningKey?

    var reportFile: URL? { folder?.appendingPathComponent("report.html") }
    var recordFile: URL? { folder?.appendingPathComponent("record.json") }

    /// All files; none without a folder.
    var files: [URL] { [reportFile, recordFile, recordFile.flatMap(signatureFile)].compactMap(\.self) }

    /// The file for the signed form of a record; nil without a key.
    func signatureFile(for record: URL) -> URL? {
        signingKey == nil ? nil : SignedRecord.file(for: record)
    }

    /// Makes the record.
    func record(
        _ result: AuditResult, models: AuditRecord.Models, forgetting: ForgettingRun? = nil
    ) throws -> AuditRecord {
        if let requestID {
            return try AuditRecord(result, models: models, forgetting: forgetting, requestID: requestID)
        }
        return try AuditRecord(result, models: models, forgetting: forgetting)
    }
}

/// A finished audit, ready to be written and printed.
struct AuditFiles: Sendable {
    let report: AuditReport
    let reportFile: URL?
    let recordFiles: [URL]
    /// The signed record, and its files; nil without a key.
    private let signed: SignedRecord?
    let signatureFiles: [URL]

    /// Puts the files together and signs the record; nothing is written yet.
    init(
        _ result: AuditResult, record: AuditRecord, noise: [Noise] = [], destination: ReportDestination,
        otherRecord: URL? = nil
    ) throws {
        report = AuditReport(result, record: record, noise: noise)
        reportFile = destination.reportFile
        recordFiles = [destination.recordFile, otherRecord].compactMap(\.self)
        signed = try destination.signingKey.map { try SignedRecord(record, by: $0) }
        signatureFiles = recordFiles.compactMap(destination.signatureFile)
    }

    /// The exit code: 0 if the model may be handed over, and 2 if not.
    var exitCode: Int32 { report.result.verdict.total.isAcceptable ? 0 : Self.failure }

    /// The exit code for a model that failed its audit, or that too little evidence supports.
    static let failure: Int32 = 2

    /// The verdict and its reasons, a few lines.
    var summary: String { "\(report.result.explanation)\n" }

    /// Writes all files.
    func write() throws {
        for file in recordFiles { try report.record.write(to: file) }
        for file in signatureFiles { try signed?.write(to: file) }
        if let reportFile { try report.write(to: reportFile) }
    }

    /// The lines that say where the files are.
    var text: String {
        ([reportFile].compactMap(\.self) + recordFiles + signatureFiles).map { "Wrote \($0.relativePath)\n" }.joined()
    }
}

/// An audit in another command's JSON.
struct AuditSummary: Encodable {
    let files: AuditFiles

    enum CodingKeys: CodingKey {
        case failed, looserLimits, missingEvidence, partial, record, report, requestID, signature, verdict
    }

    func encode(to encoder: any Encoder) throws {
        let verdict = files.report.result.verdict
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(verdict.failed, forKey: .failed)
        try container.encode(files.report.result.looserLimits, forKey: .looserLimits)
        try container.encode(verdict.missingEvidence, forKey: .missingEvidence)
        try container.encode(verdict.partial, forKey: .partial)
        try container.encode(files.recordFiles.first?.relativePath, forKey: .record)
        try container.encode(files.reportFile?.relativePath, forKey: .report)
        try container.encode(files.report.record.requestID, forKey: .requestID)
        try container.encodeIfPresent(files.signatureFiles.first?.relativePath, forKey: .signature)
        try container.encode(verdict.total, forKey: .verdict)
    }
}
