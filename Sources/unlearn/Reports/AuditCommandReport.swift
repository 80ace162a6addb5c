import Unlearning
import UnlearningReports

/// What `unlearn audit` has to say.
enum AuditCommandReport: Report {
    case audit(AuditFiles)
    case verification(Verification)

    /// How the program ends when a model fails its audit, or is not its record's.
    static let failure: Int32 = 2

    var exitCode: Int32 {
        switch self {
        case .audit(let files): files.report.result.verdict.total == .fail ? Self.failure : 0
        case .verification(let verification): verification.match == .unlearned ? 0 : Self.failure
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
        var text = "Audit of approximate class unlearning of \(names)\n\n" + table.text
        let omitted = result.measures.filter(\.isOmitted)
        if !omitted.isEmpty {
            text += "\nLeft out\n"
            for entry in omitted { text += "  \(entry.measure.identifier): \(entry.omission ?? "")\n" }
        }
        return text + "\n\(result.summary)\n"
    }
}

/// A file compared with a record.
struct Verification: Sendable {
    let record: AuditRecord
    let model: String
    let match: AuditRecord.Match

    enum CodingKeys: CodingKey {
        case match, model, requestID, verdict
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .match)
        try container.encode(model, forKey: .model)
        try container.encode(record.requestID, forKey: .requestID)
        try container.encode(record.audit.verdict.total, forKey: .verdict)
    }

    private var name: String {
        switch match {
        case .unlearned: "unlearned"
        case .original: "original"
        case .retrained: "retrained"
        case .none: "none"
        }
    }

    var text: String {
        let request = "request \(record.requestID)"
        switch match {
        case .unlearned:
            return
                "\(model) is the unlearned model of \(request); its verdict was: \(record.audit.verdict.total.title)\n"
        case .original:
            return "\(model) is the original of \(request), before forgetting, and not the unlearned model\n"
        case .retrained:
            return "\(model) is a retrained model of \(request), and not the unlearned one\n"
        case .none:
            return "\(model) is no model of \(request): it is another one, or was changed\n"
        }
    }
}
