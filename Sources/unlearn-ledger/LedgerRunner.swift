import Foundation
import Logging
import UnlearnCommands
import Unlearning
import UnlearningLedger
import UnlearningReports

/// Runs the jobs of a ledger by the code of `unlearn forget`. The caller has the ledger's lease.
struct LedgerRunner: Sendable {
    let ledger: Ledger
    let forgetting: ForgettingRunFlags
    /// The paths of retrained models to compare with.
    let retrained: [String]
    /// How many such models to train instead.
    let retrainings: Int
    let auditFlags: AuditFlags
    let key: SigningKey?
    /// The names that take the place of those of forgotten classes.
    let renaming: Renaming?
    let options: RunOptions
    /// Which of the options win over a configuration's file.
    let given: GivenSettings

    /// A job that ended.
    struct EndedJob: Sendable {
        let number: Int
        let requests: [Int]
        let outcome: LedgerEvent.Finish.Outcome
        let reasons: [String]
        let verdict: MeasureVerdict?
        /// What forgetting was like; nil if the job failed.
        let report: ForgetReport?
    }

    /// Runs jobs until nothing waits, or one does not pass.
    func run(retrying: Bool, _ console: Console) async throws -> [EndedJob] {
        var ended: [EndedJob] = []
        while true {
            try Task.checkCancellation()
            guard let job = try await next(retrying: retrying, console) else { break }
            ended.append(job)
            if job.outcome != .passed { break }
        }
        return ended
    }

    private func next(retrying: Bool, _ console: Console) async throws -> EndedJob? {
        let state = try ledger.state()
        let file = try forgetting.methods.configuration.read(for: "forget")
        let choice = try forgetting.choice(file)
        let settings = try settings(choice, file)
        let interrupted = state.resumable(settings)
        let requests = interrupted?.start.requests ?? state.waiting(retrying: retrying).map(\.number)
        guard !requests.isEmpty else { return nil }
        try check(choice, against: state.policy)
        let model = try ledger.currentModel()
        let number = interrupted?.number ?? state.jobs.count + 1
        // The record's time is that of the job's start, so that a job that goes on ends in the same bytes.
        let start = try interrupted.map { try Date($0.started, strategy: .iso8601) } ?? ReportDestination.now
        var job = try forgettingJob(
            number, requests, state, auditing: auditPlan(state.policy, like: model), at: start)
        let checkpoint = try checkpoint(of: number, console)
        job.options.checkpoint = checkpoint
        func begin() throws {
            let started = try ledger.start(
                requests: requests, settings: settings, at: interrupted == nil ? start : Date())
            guard started.number == number else {
                throw CommandError("\(ledger.folder.url.path): another process has started job \(started.number)")
            }
        }
        let ended: EndedJob
        do {
            // What is wrong with the options or the data shows here, before the job is on record.
            let material = try job.prepared(console)
            try begin()
            ended = try await run(job, with: material, number, requests, state.policy, console)
        } catch let error as SampleListError {
            // Such a list stays wrong, and the requests after it must not wait for ever.
            try begin()
            ended = try fail(number, requests, reason: "\(error)")
        }
        try checkpoint.finish()
        try? FileManager.default.removeItem(at: checkpointFolder(number))
        return ended
    }

    private func checkpointFolder(_ number: Int) -> URL {
        ledger.folder.url(of: "\(ledger.folder.jobPath(number))/checkpoint")
    }

    /// The state that a job keeps while it runs, from which it goes on after a kill.
    private func checkpoint(of number: Int, _ console: Console) throws -> Checkpoint {
        try Checkpoint(in: checkpointFolder(number), every: .seconds(30), resuming: true) { console.warnOnce($0) }
    }

    /// Refuses what the policy would not let leave whatever comes out.
    private func check(_ choice: MethodChoice, against policy: LedgerPolicy?) throws {
        guard let policy else { return }
        if let objection = policy.objection(toMethod: choice.name) {
            throw CommandError("\(ledger.folder.url.path): \(objection); give an allowed one by --method or --preset")
        }
        if policy.requiresRetraining, retrained.isEmpty, retrainings == 0 {
            throw CommandError(
                "\(ledger.folder.url.path): the policy requires a retrained model to compare with; give --retrained or "
                    + "--retrain")
        }
    }

    private func run(
        _ job: ForgettingJob, with material: ForgettingMaterial, _ number: Int, _ requests: [Int],
        _ policy: LedgerPolicy?, _ console: Console
    ) async throws -> EndedJob {
        let report: ForgetReport
        do {
            report = try await job.perform(material, console)
        } catch let error as CancellationError {
            throw error
        } catch {
            return try fail(number, requests, reason: "\(error)")
        }
        guard report.output != nil else {
            return try fail(
                number, requests,
                reason: "the retained classes are in ruins; take another method, or give --keep-ruined", report)
        }
        // Without a policy the audit decides, if there was one.
        let policy = policy ?? LedgerPolicy(requiresAudit: false)
        let decision = policy.decision(on: report.audit?.report.record, method: material.choice.name)
        let files = job.reporting.files.filter { FileManager.default.fileExists(atPath: $0.path) }.map {
            "\(ledger.folder.jobPath(number))/\($0.lastPathComponent)"
        }
        _ = try ledger.finish(
            number, model: modelPath(number, try ledger.state()), files: report.audit == nil ? [] : files,
            decision: decision)
        return EndedJob(
            number: number, requests: requests, outcome: decision.isPassed ? .passed : .refused,
            reasons: decision.reasons, verdict: decision.verdict, report: report)
    }

    private func fail(
        _ number: Int, _ requests: [Int], reason: String, _ report: ForgetReport? = nil
    ) throws -> EndedJob {
        try ledger.fail(number, reason: reason)
        return EndedJob(
            number: number, requests: requests, outcome: .failed, reasons: [reason], verdict: nil, report: report)
    }

    private func modelPath(_ number: Int, _ state: LedgerState) -> String {
        ledger.folder.modelPath(ofJob: number, like: state.currentModel.path)
    }

    /// The run that does a job's work.
    private func forgettingJob(
        _ number: Int, _ requests: [Int], _ state: LedgerState, auditing: AuditPlan, at date: Date
    ) throws -> ForgettingJob {
        let folder = ledger.folder
        let model = modelPath(number, state)
        let report = folder.url(of: folder.jobPath(number))
        try folder.makeFolder(for: model)
        try folder.makeFolder(for: "\(folder.jobPath(number))/record.json")
        let classes = Set(requests.flatMap { state.requests[$0 - 1].classes }).sorted()
        let samples = requests.compactMap { state.requests[$0 - 1].event.samples }.first
        return ForgettingJob(
            model: try ledger.modelFlags(state.currentModel, in: state),
            classes: ClassList(parsing: classes.map { "index:\($0)" }.joined(separator: ",")), run: forgetting,
            options: options, output: folder.url(of: model).path,
            reporting: ReportDestination(
                folder: forgetting.validation == nil ? nil : report, requestID: identifier(requests, state),
                signingKey: key, date: date),
            given: given,
            details: RequestDetails(
                renaming: renaming,
                samples: try samples.map { try SampleList(contentsOf: folder.url(of: $0.path).path) }),
            auditing: auditing)
    }

    /// The audit that is asked for, with the policy's limits.
    private func auditPlan(_ policy: LedgerPolicy?, like model: Model) throws -> AuditPlan {
        var configuration = try auditFlags.configuration(training: forgetting.training(like: model))
        policy?.apply(to: &configuration.thresholds)
        return AuditPlan(configuration: configuration, retrained: retrained, retrainings: retrainings)
    }

    /// What the record calls the request: its reference, or its number in this ledger.
    private func identifier(_ requests: [Int], _ state: LedgerState) -> String {
        let references = requests.compactMap { state.requests[$0 - 1].reference }
        let joined = references.joined(separator: ", ")
        if references.count == requests.count, joined.count <= 200 { return joined }
        let numbers = requests.map(String.init).joined(separator: ", ")
        return String("ledger \(state.creation.ledger.prefix(8)), requests \(numbers)".prefix(200))
    }

    /// What the result depends on besides the model and the requests.
    private func settings(_ choice: MethodChoice, _ file: ConfigurationFile) throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var settings = forgetting.settings
        settings["method"] = choice.name
        settings["methodSettings"] = String(decoding: try encoder.encode(choice.method), as: UTF8.self)
        settings["samplesPerClass"] = String(choice.samplesPerClass)
        let options = given.options(options, file)
        settings["seed"] = String(options.seed)
        // Ledgers of earlier versions have jobs without it.
        if options.precision != .float32 { settings["precision"] = options.precision.rawValue }
        settings["audit"] = try auditFlags.settings
        settings["retrain"] = String(retrainings)
        settings["retrained"] = try retrained.map {
            try SHA256Digest(ofFile: URL(fileURLWithPath: $0)).description
        }.joined(separator: " ")
        settings["key"] = key?.identifier.description
        settings["renaming"] = renaming?.text
        settings["keepRuined"] = forgetting.keepRuined ? "true" : nil
        return settings
    }
}
