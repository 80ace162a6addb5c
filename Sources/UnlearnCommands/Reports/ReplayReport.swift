import Foundation
import Unlearning
import UnlearningReports

/// The result of `unlearn replay`.
struct ReplayReport: Report {
    let path: String
    let record: AuditRecord
    let result: ReplayResult
    let time: Duration

    /// The exit code where this machine cannot tell.
    static let notReplayable: Int32 = 3

    var exitCode: Int32 {
        switch result.outcome {
        case .same: 0
        case .mismatch: 2
        case .notReplayable: Self.notReplayable
        }
    }

    enum CodingKeys: CodingKey {
        case digest, findings, record, recordedDigest, requestID, result, seconds, steps
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(result.digest?.description, forKey: .digest)
        try container.encode(result.findings, forKey: .findings)
        try container.encode(path, forKey: .record)
        try container.encode(record.models.unlearned.sha256.description, forKey: .recordedDigest)
        try container.encode(record.requestID, forKey: .requestID)
        try container.encode(result.outcome, forKey: .result)
        try container.encode(time.reported, forKey: .seconds)
        try container.encode(result.steps, forKey: .steps)
    }

    var text: String {
        let request = "request \(record.requestID)"
        switch result.outcome {
        case .same:
            return "\(path): the run of \(request) gives the recorded model again, "
                + "\(record.models.unlearned.sha256) (\(result.steps) steps in \(time.secondsText))\n"
        case .mismatch:
            return "\(path): the run of \(request) does not give the recorded model\n"
                + result.findings.map { "  \($0)\n" }.joined()
        case .notReplayable:
            return "\(path): the run of \(request) cannot be replayed here, which says nothing about the record\n"
                + result.findings.map { "  \($0)\n" }.joined()
        }
    }
}
