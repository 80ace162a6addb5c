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

    /// Where they go.
    var destination: ReportDestination {
        ReportDestination(folder: report.map { URL(fileURLWithPath: $0) }, requestID: requestID)
    }

    /// Checks a request's name, and that there is a record for it.
    /// - Parameter hasRecord: whether there is a record for it, besides that of --report.
    func checkRequestID(hasRecord: Bool = false) throws {
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

    var reportFile: URL? { folder?.appendingPathComponent("report.html") }
    var recordFile: URL? { folder?.appendingPathComponent("record.json") }

    /// Both files; none without a folder.
    var files: [URL] { [reportFile, recordFile].compactMap(\.self) }

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

    /// Puts the files together; nothing is written yet.
    init(
        _ result: AuditResult, record: AuditRecord, noise: [Noise] = [], destination: ReportDestination,
        otherRecord: URL? = nil
    ) {
        report = AuditReport(result, record: record, noise: noise)
        reportFile = destination.reportFile
        recordFiles = [destination.recordFile, otherRecord].compactMap(\.self)
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
        if let reportFile { try report.write(to: reportFile) }
    }

    /// The lines that say where the files are.
    var text: String {
        ([reportFile].compactMap(\.self) + recordFiles).map { "Wrote \($0.relativePath)\n" }.joined()
    }
}

/// An audit in another command's JSON.
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
