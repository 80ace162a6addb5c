import Unlearning
import UnlearningReports

/// The result of `unlearn audit`: an audit, or a record's verification.
enum AuditCommandReport: Report {
    case audit(AuditFiles)
    case verification(Verification)

    var exitCode: Int32 {
        switch self {
        case .audit(let files): files.exitCode
        case .verification(let verification): verification.exitCode
        }
    }

    /// A record has a version of its own.
    var schemaVersion: Int {
        switch self {
        case .audit: AuditRecord.currentVersion
        case .verification: StandardOutput.schemaVersion
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .audit(let files): try files.report.record.encode(to: encoder)
        case .verification(let verification): try verification.encode(to: encoder)
        }
    }

    var text: String {
        switch self {
        case .audit(let files): AuditTable(files.report.result).text + files.text
        case .verification(let verification): verification.text
        }
    }
}

/// An audit's measures in columns, and its verdict.
struct AuditTable {
    private let result: AuditResult

    init(_ result: AuditResult) {
        self.result = result
    }

    var text: String {
        var table = TextTable()
        table.add(["measure", "original", "unlearned", "retrained", "gap", "verdict"])
        for entry in result.measures where !entry.isOmitted {
            let measure = entry.measure
            table.add([
                measure.identifier.rawValue, measure.text(entry.original), measure.text(entry.unlearned),
                measure.text(entry.retrained), measure.gapText(entry.gap),
                entry.verdict == .notJudged ? "-" : entry.verdict.title,
            ])
        }
        let names =
            result.forgottenSamples.map { "\($0) samples" }
            ?? result.classNames.names(of: Set(result.forgottenClasses))
        let format = result.configuration.weights.map { ", weights rounded to \($0.rawValue)" } ?? ""
        var text = "Audit of approximate class unlearning of \(names)\(format)\n\n" + table.text
        let omitted = result.measures.filter(\.isOmitted)
        if !omitted.isEmpty {
            text += "\nLeft out\n"
            for entry in omitted { text += "  \(entry.measure.identifier): \(entry.omission ?? "")\n" }
        }
        return text + "\n\(result.explanation)\n"
    }
}
