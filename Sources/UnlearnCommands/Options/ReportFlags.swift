import ArgumentParser
package import Foundation
import Logging
import Unlearning
package import UnlearningReports

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

    @Flag(help: "Do not look for the same picture in forget, retain and test data, for which every one is read.")
    var skipDuplicateCheck = false

    /// Where they go, and the key that signs the record.
    func destination() throws -> ReportDestination {
        ReportDestination(
            folder: report.map { URL(fileURLWithPath: $0) }, requestID: requestID,
            signingKey: try sign.map { try SigningKey(contentsOf: URL(fileURLWithPath: $0)) },
            looksForDuplicates: !skipDuplicateCheck)
    }

    /// Checks a request's name, and that there is a record for it and for the signature.
    /// - Parameters:
    ///   - hasRecord: whether there is a record, besides that of --report, whose name can be checked.
    ///   - hasRecordFile: whether that record is a file.
    func checkRequestID(hasRecord: Bool = false, hasRecordFile: Bool = false) throws {
        try refuse(
            [("--sign", sign != nil)], unless: report != nil || hasRecordFile,
            "signs the record; give --report too.")
        try refuse(
            [("--skip-duplicate-check", skipDuplicateCheck)], unless: report != nil || hasRecord,
            "is for the record; give --report too.")
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
package struct ReportDestination: Sendable {
    /// The folder for both; nil writes neither.
    var folder: URL?
    /// The request's name; nil makes a new UUID.
    var requestID: String?
    /// The key that signs the record; nil leaves it unsigned.
    var signingKey: SigningKey?
    /// Whether the same picture is looked for in several parts of the data.
    var looksForDuplicates = true
    /// The time in the record; nil takes the time when it is made.
    var date: Date?
    /// Where a run that goes on keeps the request's name and the record's date.
    var checkpoint: Checkpoint?

    package init(
        folder: URL? = nil, requestID: String? = nil, signingKey: SigningKey? = nil, looksForDuplicates: Bool = true,
        date: Date? = nil
    ) {
        (self.folder, self.requestID, self.signingKey) = (folder, requestID, signingKey)
        (self.looksForDuplicates, self.date) = (looksForDuplicates, date)
    }

    var reportFile: URL? { folder?.appendingPathComponent("report.html") }
    var recordFile: URL? { folder?.appendingPathComponent("record.json") }

    /// All files; none without a folder.
    package var files: [URL] { [reportFile, recordFile, recordFile.flatMap(signatureFile)].compactMap(\.self) }

    /// The file for the signed form of a record; nil without a key.
    func signatureFile(for record: URL) -> URL? {
        signingKey == nil ? nil : SignedRecord.file(for: record)
    }

    /// Makes the record.
    /// - Parameters:
    ///   - samples: the samples that were to be forgotten, if classes were not.
    ///   - duplicates: pictures that occur twice, if they were looked for.
    func record(
        _ result: AuditResult, models: AuditRecord.Models, forgetting: ForgettingRun? = nil,
        samples: RetainList? = nil, duplicates: DuplicatePictures? = nil
    ) throws -> AuditRecord {
        try AuditRecord(
            result, models: models, forgetting: forgetting, samples: samples, duplicates: duplicates,
            requestID: requestID ?? kept("requestID") { UUID().uuidString.lowercased() },
            date: date
                ?? Date(timeIntervalSince1970: Double(kept("date") { "\(Self.now.timeIntervalSince1970)" }) ?? 0))
    }

    /// A value that all processes of a run that goes on share.
    private func kept(_ name: String, make: () -> String) throws -> String {
        try checkpoint?.value(name, make: make) ?? make()
    }

    /// Looks for pictures that are in several parts of the data, and warns of them.
    /// - Returns: nil if that is not wanted.
    func duplicates(
        forget: (any ImageDataset)?, retain: (any ImageDataset)?, test: (any ImageDataset)?, options: RunOptions,
        _ console: Console
    ) throws -> DuplicatePictures? {
        guard looksForDuplicates else { return nil }
        let parts: [(DuplicatePictures.Part, (any ImageDataset)?)] = [
            (.forget, forget), (.retain, retain), (.test, test),
        ]
        let found = try DuplicatePictures(
            parts.compactMap { part, images in images.map { (part: part, images: $0) } }, threads: options.threadCount)
        if !found.isEmpty { console.logger.warning("\(found.findings.joined(separator: " "))") }
        return found
    }

    /// Now, or the time that builds use where they have to be repeatable (reproducible-builds.org).
    package static var now: Date {
        let variable = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"]
        return variable.flatMap { Int($0) }.map { Date(timeIntervalSince1970: Double($0)) } ?? Date()
    }
}

/// A finished audit, ready to be written and printed.
package struct AuditFiles: Sendable {
    package let report: AuditReport
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

    /// The exit code of the verdict.
    var exitCode: Int32 { Self.exitCode(of: report.result.verdict.total) }

    /// The exit code for a model that leaks or is over-forgotten, and for a record or file that does not verify.
    package static let failure: Int32 = 2
    /// The exit code for too little evidence.
    static let incomplete: Int32 = 3

    static func exitCode(of verdict: MeasureVerdict) -> Int32 {
        switch verdict {
        case .pass: 0
        case .incomplete, .notJudged: incomplete
        case .leak, .overForgotten: failure
        }
    }

    /// The verdict and its reasons, a few lines.
    var summary: String { "\(report.result.explanation)\n" }

    /// All files.
    var files: [URL] { recordFiles + [reportFile].compactMap(\.self) }

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
        case carriedBy, leaks, looserLimits, missingEvidence, overForgotten, record, report, requestID, signature,
            verdict
    }

    func encode(to encoder: any Encoder) throws {
        let verdict = files.report.result.verdict
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(verdict.carriedBy, forKey: .carriedBy)
        try container.encode(verdict.leaks, forKey: .leaks)
        try container.encode(files.report.result.looserLimits, forKey: .looserLimits)
        try container.encode(verdict.missingEvidence, forKey: .missingEvidence)
        try container.encode(verdict.overForgotten, forKey: .overForgotten)
        try container.encode(files.recordFiles.first?.relativePath, forKey: .record)
        try container.encode(files.reportFile?.relativePath, forKey: .report)
        try container.encode(files.report.record.requestID, forKey: .requestID)
        try container.encodeIfPresent(files.signatureFiles.first?.relativePath, forKey: .signature)
        try container.encode(verdict.total, forKey: .verdict)
    }
}
