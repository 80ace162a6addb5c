import ArgumentParser
import Foundation
import Unlearning
import UnlearningReports

/// Where an audit's report and record go.
struct ReportFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A folder that report.html, an audit to read, and record.json go to.", valueName: "folder"))
    var report: String?

    @Option(
        name: .customLong("request-id"),
        help: ArgumentHelp(
            "What the record calls the request, such as a ticket's number. (default: a new UUID)",
            valueName: "name"))
    var requestID: String?

    /// Where the report goes; nil if there is none.
    var reportFile: URL? { file("report.html") }

    /// Where the record beside it goes; nil if there is none.
    var recordFile: URL? { file("record.json") }

    /// Checks that a request's name has something to stand in.
    /// - Parameter hasRecord: whether there is a record for it, besides that of --report.
    func checkRequestID(hasRecord: Bool = false) throws {
        guard requestID != nil, report == nil, !hasRecord else { return }
        throw ValidationError("--request-id names the request in the record; give --report too.")
    }

    /// Both files, once the request's name is checked.
    func files() throws -> [URL] {
        if let requestID { try AuditRecord.check(requestID: requestID) }
        return [reportFile, recordFile].compactMap(\.self)
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

    private func file(_ name: String) -> URL? {
        report.map { URL(fileURLWithPath: $0).appendingPathComponent(name) }
    }
}

/// A finished audit, ready to be written and told about.
struct AuditFiles: Sendable {
    let report: AuditReport
    let reportFile: URL?
    let recordFiles: [URL]

    /// Puts the files together; nothing is written yet.
    init(
        _ result: AuditResult, record: AuditRecord, noise: [Noise] = [], flags: ReportFlags,
        otherRecord: URL? = nil
    ) {
        report = AuditReport(result, record: record, noise: noise)
        reportFile = flags.reportFile
        recordFiles = [flags.recordFile, otherRecord].compactMap(\.self)
    }

    /// How a command ends with this audit: 0 if the model may be handed over, and 2 if not.
    var exitCode: Int32 { report.result.verdict.total.isAcceptable ? 0 : Self.failure }

    /// How the program ends when a model failed its audit, or could not be shown to have forgotten.
    static let failure: Int32 = 2

    /// The verdict and what it rests on, a few lines.
    var summary: String { "\(report.result.explanation)\n" }

    /// Writes all files.
    func write() throws {
        for file in recordFiles { try report.record.write(to: file) }
        if let reportFile { try report.write(to: reportFile) }
    }

    /// The lines that say where the files are.
    var text: String {
        ([reportFile].compactMap(\.self) + recordFiles).map { "Wrote \($0.relativePath)\n" }.joined()
    }
}

/// The part about an audit in another command's JSON.
struct AuditSummary: Encodable {
    let files: AuditFiles

    enum CodingKeys: CodingKey {
        case failed, looserLimits, missingEvidence, partial, record, report, requestID, verdict
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
        try container.encode(verdict.total, forKey: .verdict)
    }
}
