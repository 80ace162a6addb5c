import ArgumentParser
import Foundation
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// `unlearn ledger status`
struct LedgerStatus: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows the requests of a ledger, their states and deadlines.")

    @OptionGroup var ledger: LedgerArgument
    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerStatusReport {
        let ledger = try ledger.open()
        let state = try ledger.state()
        return LedgerStatusReport(
            state: state, folder: ledger.folder, derived: ledger.derivedFiles(in: state),
            isWorking: JobLease.isTaken(in: self.ledger.url), today: Ledger.today)
    }
}

/// `unlearn ledger show`
struct LedgerShow: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows what happened in a ledger, row by row.")

    @OptionGroup var ledger: LedgerArgument

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Only what concerns this request.", valueName: "number"),
        transform: NumberParsing.integer(.samples))
    var request: Int?

    @OptionGroup var flags: PlainFlags

    func perform(_ console: Console) async throws -> LedgerShowReport {
        let ledger = try ledger.open()
        let state = try ledger.state()
        if let request, !state.requests.contains(where: { $0.number == request }) {
            throw CommandError(
                "\(self.ledger.path): has no request \(request); it has \(state.requests.count), numbered from 1")
        }
        let rows = try ledger.rows().filter { row in
            guard let request else { return true }
            return try row.event().concerns(request: request, in: state)
        }
        return LedgerShowReport(state: state, rows: rows)
    }
}

extension LedgerEvent {
    /// Whether an event is about a request, or about a job for it.
    fileprivate func concerns(request number: Int, in state: LedgerState) -> Bool {
        let jobs = state.requests[number - 1].jobs
        return switch self {
        case .requested(let request): request.number == number
        case .started(let start): start.requests.contains(number)
        case .resumed(let job), .abandoned(let job): jobs.contains(job)
        case .finished(let finish): jobs.contains(finish.job)
        case .rolledBack(let rollback): !Set(rollback.jobs).isDisjoint(with: jobs)
        case .created, .policySet, .derived, .pruned: false
        }
    }
}

/// `unlearn ledger verify`
struct LedgerVerify: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Looks for traces of changes in a ledger: in its rows, its models and its records.",
        discussion: """
            Somebody who rewrites every row consistently, or removes the last ones together with SQLite's count of them, is \
            found out only by a head that was noted elsewhere: give it by --head. Exit code 2 means that something was found.
            """)

    @OptionGroup var ledger: LedgerArgument

    @Option(help: ArgumentHelp("The hash of a head that was noted earlier.", valueName: "hash"))
    var head: String?

    @OptionGroup var flags: PlainFlags

    func validate() throws {
        if let head, SHA256Digest(head) == nil {
            throw ValidationError("--head \(head): a hash has 64 hexadecimal digits.")
        }
    }

    func perform(_ console: Console) async throws -> LedgerVerifyReport {
        LedgerVerifyReport(
            verification: try LedgerVerification(of: ledger.url, noted: head.flatMap { SHA256Digest($0) }),
            path: ledger.path)
    }
}
