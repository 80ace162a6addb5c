import Foundation
package import UnlearningReports

/// What a ledger's rows add up to.
public struct LedgerState: Sendable {
    /// The state of a request.
    public enum RequestState: String, Sendable, Codable, CaseIterable {
        case queued, running, passed, failed, refused
        case rolledBack = "rolled back"

        /// Whether the request still waits for a model without its classes or samples.
        public var isOpen: Bool { self == .queued || self == .running || self == .failed || self == .refused }
    }

    /// A request to forget.
    public struct Request: Sendable {
        package let event: LedgerEvent.Request
        /// The time when it was added.
        package let added: String
        /// Its state.
        public internal(set) var state: RequestState
        /// The jobs that have worked on it, by number.
        package internal(set) var jobs: [Int] = []

        /// The request's number.
        public var number: Int { event.number }
        /// The requester's own reference.
        public var reference: String? { event.reference }
        /// The classes to forget; empty if it is about samples.
        public var classes: [Int] { event.classes ?? [] }
        /// The day by which it has to be done, as `2026-12-31`.
        public var due: String? { event.due }

        /// Whether it is open although its day has passed.
        /// - Parameter today: the day in UTC, as `2026-12-31`.
        package func isOverdue(on today: String) -> Bool {
            // ISO 8601 days compare as text.
            state.isOpen && event.due.map { $0 < today } ?? false
        }
    }

    /// A job: one run for one or several requests.
    package struct Job: Sendable {
        package let start: LedgerEvent.Start
        package let started: String
        package internal(set) var finish: LedgerEvent.Finish?
        package internal(set) var ended: String?
        package internal(set) var isAbandoned = false
        package internal(set) var isRolledBack = false

        package var number: Int { start.job }
        package var isOpen: Bool { finish == nil && !isAbandoned }
    }

    /// The first event.
    package let creation: LedgerEvent.Creation
    package internal(set) var policy: LedgerPolicy?
    /// The requests in the order of their numbers.
    public internal(set) var requests: [Request] = []
    package internal(set) var jobs: [Job] = []
    package internal(set) var derivations: [LedgerEvent.Derivation] = []
    /// The digests of files that were removed on purpose.
    package internal(set) var pruned: Set<SHA256Digest> = []
    /// The last row; every state has at least the first.
    package internal(set) var head: LedgerRow

    /// The hash of the last row, to be noted where the ledger's keeper cannot change it.
    public var headHash: String { head.hash }

    /// The model that forgets next and may leave: that of the last job that passed and was not rolled back.
    package var currentModel: LedgerEvent.StoredFile { models.last?.model ?? creation.model }

    /// The models of the jobs that passed and were not rolled back, in order.
    package var models: [(job: Int, model: LedgerEvent.StoredFile)] {
        jobs.compactMap { job in
            guard job.finish?.outcome == .passed, !job.isRolledBack, let model = job.finish?.model else { return nil }
            return (job.number, model)
        }
    }

    /// The job that was started and has not ended.
    package var openJob: Job? { jobs.last { $0.isOpen } }

    /// Every file that the rows name.
    package var files: [LedgerEvent.StoredFile] {
        [creation.model] + requests.compactMap(\.event.samples)
            + jobs.flatMap { job in (job.finish?.files ?? []) + [job.finish?.model].compactMap(\.self) }
    }
}

extension LedgerState {
    /// Adds up rows, whose chain was checked.
    /// - Throws: ``LedgerFault`` that names the first row that cannot follow those before.
    package init(_ rows: [LedgerRow]) throws(LedgerFault) {
        guard let first = rows.first else { throw LedgerFault("it has no rows") }
        guard case .created(let creation) = try Self.located(first, { () throws(LedgerFault) in try first.event() })
        else { throw LedgerFault("row 1 is no creation of a ledger") }
        self.creation = creation
        head = first
        for row in rows.dropFirst() { try append(row) }
    }

    /// Takes one more row.
    package mutating func append(_ row: LedgerRow) throws(LedgerFault) {
        try Self.located(row) { () throws(LedgerFault) in try apply(try row.event(), at: row.time) }
        head = row
    }

    private static func located<Result>(
        _ row: LedgerRow, _ body: () throws(LedgerFault) -> Result
    ) throws(LedgerFault) -> Result {
        do {
            return try body()
        } catch {
            throw LedgerFault("row \(row.sequence) cannot be what happened: \(error.description)")
        }
    }

    private mutating func apply(_ event: LedgerEvent, at time: String) throws(LedgerFault) {
        switch event {
        case .created: throw LedgerFault("the ledger exists already")
        case .policySet(let policy): self.policy = policy
        case .requested(let request): try add(request, at: time)
        case .started(let start): try begin(start, at: time)
        case .resumed(let job): _ = try indexOfOpen(job)
        case .abandoned(let job):
            let index = try indexOfOpen(job)
            jobs[index].isAbandoned = true
            jobs[index].ended = time
            set(.queued, ofRequests: jobs[index].start.requests)
        case .finished(let finish): try end(finish, at: time)
        case .rolledBack(let rollback): try undo(rollback)
        case .derived(let derivation): derivations.append(derivation)
        case .pruned(let files):
            guard !files.contains(where: { $0.sha256 == currentModel.sha256 }) else {
                throw LedgerFault("it removes the current model")
            }
            pruned.formUnion(files.map(\.sha256))
        }
    }

    private mutating func add(_ request: LedgerEvent.Request, at time: String) throws(LedgerFault) {
        guard request.number == requests.count + 1 else {
            throw LedgerFault("request \(request.number) is added after \(requests.count) requests")
        }
        guard (request.classes == nil) != (request.samples == nil) else {
            throw LedgerFault("request \(request.number) is about classes and samples, or about neither")
        }
        requests.append(Request(event: request, added: time, state: .queued))
    }

    private mutating func begin(_ start: LedgerEvent.Start, at time: String) throws(LedgerFault) {
        guard start.job == jobs.count + 1, openJob == nil else {
            throw LedgerFault("job \(start.job) starts after \(jobs.count) jobs, or while one runs")
        }
        guard start.model == currentModel.sha256 else {
            throw LedgerFault("job \(start.job) starts from a model that is not the current one")
        }
        guard !start.requests.isEmpty, Set(start.requests).count == start.requests.count,
            start.requests.allSatisfy({ requests.indices.contains($0 - 1) })
        else { throw LedgerFault("job \(start.job) is for requests that do not exist") }
        if let done = start.requests.first(where: { ![.queued, .failed, .refused].contains(requests[$0 - 1].state) }) {
            throw LedgerFault("job \(start.job) is for request \(done), which is \(requests[done - 1].state.rawValue)")
        }
        jobs.append(Job(start: start, started: time))
        set(.running, ofRequests: start.requests)
        for number in start.requests { requests[number - 1].jobs.append(start.job) }
    }

    private mutating func end(_ finish: LedgerEvent.Finish, at time: String) throws(LedgerFault) {
        let index = try indexOfOpen(finish.job)
        guard (finish.model == nil) == (finish.outcome == .failed) else {
            throw LedgerFault("job \(finish.job) \(finish.outcome.rawValue) with or without a model")
        }
        jobs[index].finish = finish
        jobs[index].ended = time
        let state: RequestState =
            switch finish.outcome {
            case .passed: .passed
            case .failed: .failed
            case .refused: .refused
            }
        set(state, ofRequests: jobs[index].start.requests)
    }

    private mutating func undo(_ rollback: LedgerEvent.Rollback) throws(LedgerFault) {
        let undone = models.suffix(rollback.jobs.count).map(\.job).reversed()
        guard !rollback.jobs.isEmpty, Array(undone) == rollback.jobs else {
            throw LedgerFault("it undoes the jobs \(rollback.jobs), which are not the last that passed")
        }
        for number in rollback.jobs {
            jobs[number - 1].isRolledBack = true
            set(.rolledBack, ofRequests: jobs[number - 1].start.requests)
        }
        guard currentModel.sha256 == rollback.model else {
            throw LedgerFault("it restores another model than the one before job \(rollback.jobs.last ?? 0)")
        }
    }

    private mutating func set(_ state: RequestState, ofRequests numbers: [Int]) {
        for number in numbers { requests[number - 1].state = state }
    }

    private func indexOfOpen(_ job: Int) throws(LedgerFault) -> Int {
        guard let index = jobs.firstIndex(where: { $0.number == job && $0.isOpen }) else {
            throw LedgerFault("job \(job) is not running")
        }
        return index
    }
}
