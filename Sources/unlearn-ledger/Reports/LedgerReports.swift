import Foundation
import UnlearnCommands
import Unlearning
import UnlearningLedger

/// What a command did to a ledger, with the head to be noted.
struct LedgerReport: Report {
    let state: LedgerState
    let message: String

    init(_ state: LedgerState, _ message: String) {
        (self.state, self.message) = (state, message)
    }

    var text: String { message + "\n" + state.headText }

    enum CodingKeys: CodingKey {
        case head, ledger, message, rows
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state.headHash, forKey: .head)
        try container.encode(state.creation.ledger, forKey: .ledger)
        try container.encode(message, forKey: .message)
        try container.encode(state.head.sequence, forKey: .rows)
    }
}

extension LedgerState {
    /// The line with the head's hash.
    var headText: String { "Head: row \(head.sequence), \(headHash)\n" }
}

/// A request that was added.
struct LedgerAddReport: Report {
    let state: LedgerState
    let request: LedgerState.Request

    init(_ state: LedgerState, _ request: LedgerState.Request) {
        (self.state, self.request) = (state, request)
    }

    var text: String { "Added request \(request.number): \(request.subject)\n" + state.headText }

    enum CodingKeys: CodingKey {
        case head, request, rows
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state.headHash, forKey: .head)
        try container.encode(request.number, forKey: .request)
        try container.encode(state.head.sequence, forKey: .rows)
    }
}

extension LedgerState.Request {
    /// What is to be forgotten.
    var subject: String {
        if event.samples != nil { return "samples" }
        return (classes.count == 1 ? "class " : "classes ") + classes.map(String.init).joined(separator: ", ")
    }
}

/// The jobs of one run.
struct LedgerRunReport: Report {
    let state: LedgerState
    let jobs: [LedgerRunner.EndedJob]
    /// The file that the current model was written to.
    let output: String?
    /// Whether a file was asked for and not written, because of requests that failed or were refused earlier.
    let isWithheld: Bool

    var exitCode: Int32 {
        if jobs.contains(where: { $0.outcome == .failed }) { return 1 }
        return isWithheld || jobs.contains { $0.outcome == .refused } ? AuditFiles.failure : 0
    }

    var error: String? {
        jobs.first { $0.outcome == .failed }.map { "job \($0.number) failed: \($0.reasons.joined(separator: "; "))" }
    }

    var text: String {
        var text = jobs.isEmpty ? "Nothing waits.\n" : ""
        for job in jobs {
            text += job.report?.text ?? ""
            let numbers = job.requests.map(String.init).joined(separator: ", ")
            text += "Job \(job.number), request \(numbers): \(job.outcome.rawValue)"
            if job.outcome == .passed, job.verdict == nil { text += ", not audited" }
            text += "\n" + job.reasons.map { "  \($0)\n" }.joined()
        }
        if let output { text += "Wrote \(output)\n" }
        return text + state.headText
    }

    enum CodingKeys: CodingKey {
        case head, jobs, output, rows
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state.headHash, forKey: .head)
        try container.encode(jobs.map(EncodedJob.init), forKey: .jobs)
        try container.encode(output, forKey: .output)
        try container.encode(state.head.sequence, forKey: .rows)
    }

    private struct EncodedJob: Encodable {
        let forget: ForgetReport?
        let job: Int
        let outcome: String
        let reasons: [String]
        let requests: [Int]
        let verdict: String?

        init(_ job: LedgerRunner.EndedJob) {
            (forget, self.job, outcome) = (job.report, job.number, job.outcome.rawValue)
            (reasons, requests, verdict) = (job.reasons, job.requests, job.verdict?.rawValue)
        }
    }
}
