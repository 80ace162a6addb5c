package import Foundation
package import UnlearningReports

extension LedgerState {
    /// The requests that the next job is for: all waiting ones about classes, or else one about samples, since a run forgets
    /// either.
    ///
    /// Those of a job that has not ended wait too: the caller has the lease, so that no process works on it any more.
    /// - Parameter retrying: whether requests whose job failed or was refused count too.
    package func waiting(retrying: Bool) -> [Request] {
        let waiting = requests.filter {
            $0.state == .queued || $0.state == .running
                || (retrying && ($0.state == .failed || $0.state == .refused))
        }
        let classes = waiting.filter { $0.event.classes != nil }
        guard classes.isEmpty else { return classes }
        // Lists of samples are files of their own, so each is a job. One that fails must not keep others waiting.
        return waiting.min { $0.jobs.count < $1.jobs.count }.map { [$0] } ?? []
    }

    /// The open job's requests, if its settings are those of now.
    package func resumable(_ settings: [String: String]) -> Job? {
        openJob.flatMap { $0.start.settings == settings ? $0 : nil }
    }
}

extension Ledger {
    /// Starts a job, or goes on with the one that a killed process left. The caller has the lease.
    /// - Parameters:
    ///   - requests: the requests' numbers.
    ///   - settings: what the result depends on besides the model and the requests.
    /// - Returns: the job.
    /// - Throws: ``LedgerError`` if the requests are no longer waiting, or the ledger cannot be written.
    package func start(
        requests: [Int], settings: [String: String], at date: Date = Date()
    ) throws -> LedgerState.Job {
        let state = try append(at: date) { state in
            if let open = state.openJob {
                if open.start.settings == settings, open.start.requests == requests {
                    return [.resumed(job: open.number)]
                }
                return [
                    .abandoned(job: open.number),
                    .started(Self.start(state, requests, settings)),
                ]
            }
            return [.started(Self.start(state, requests, settings))]
        }
        guard let job = state.openJob else { throw LedgerError(store.path, "has lost the job") }
        return job
    }

    private static func start(
        _ state: LedgerState, _ requests: [Int], _ settings: [String: String]
    ) -> LedgerEvent.Start {
        LedgerEvent.Start(
            job: state.jobs.count + 1, requests: requests, model: state.currentModel.sha256, settings: settings)
    }

    /// Ends a job with a new model.
    /// - Parameters:
    ///   - model: the model's path in the folder.
    ///   - files: the paths of the record, the report and the signature.
    ///   - decision: whether the model may leave.
    package func finish(
        _ job: Int, model: String, files: [String], decision: LedgerPolicy.Decision
    ) throws -> LedgerState {
        let finish = LedgerEvent.Finish(
            job: job, outcome: decision.isPassed ? .passed : .refused, model: try folder.stored(model),
            files: try files.map { path throws(LedgerError) in try folder.stored(path) },
            verdict: decision.verdict?.rawValue, reasons: decision.reasons)
        return try append { _ in [.finished(finish)] }
    }

    /// Ends a job that failed.
    package func fail(_ job: Int, reason: String) throws {
        let finish = LedgerEvent.Finish(
            job: job, outcome: .failed, model: nil, files: [], verdict: nil, reasons: [String(reason.prefix(2000))])
        try append { _ in [.finished(finish)] }
    }
}

extension Ledger {
    /// Makes the model from before a job the current one, and marks the job's requests and those of later jobs.
    /// - Parameters:
    ///   - job: the job's number; nil for the last one that passed.
    ///   - reason: why, for the rows.
    /// - Throws: ``LedgerError`` if no such job passed, or the earlier model is gone.
    package func rollBack(job: Int? = nil, reason: String? = nil) throws -> LedgerState {
        try append { state in
            guard state.openJob == nil else {
                throw LedgerError(store.path, "has a job that has not ended; end it by 'unlearn ledger run' first")
            }
            let models = state.models
            guard let last = models.last else {
                throw LedgerError(store.path, "has no job that passed and could be rolled back")
            }
            let number = job ?? last.job
            guard let position = models.firstIndex(where: { $0.job == number }) else {
                throw LedgerError(
                    store.path,
                    "has no passed job \(number); those that passed are \(models.map { "\($0.job)" }.joined(separator: ", "))"
                )
            }
            let target = position == 0 ? state.creation.model : models[position - 1].model
            if let fault = folder.fault(of: target) {
                let remedy = state.pruned.contains(target.sha256) ? "it was pruned" : "bring the file back"
                throw LedgerError(store.path, "cannot be rolled back: \(fault); \(remedy)")
            }
            return [
                .rolledBack(
                    LedgerEvent.Rollback(
                        jobs: models[position...].map(\.job).reversed(), model: target.sha256, reason: reason))
            ]
        }
    }

    /// Removes the models of before, which still know what was to be forgotten. They cannot be restored after that.
    /// - Returns: the files that were removed.
    package func prune() throws -> [LedgerEvent.StoredFile] {
        let state = try append { state in
            guard state.openJob == nil else {
                throw LedgerError(store.path, "has a job that has not ended; end it by 'unlearn ledger run' first")
            }
            let files = formerModels(in: state).filter { !state.pruned.contains($0.sha256) }
            return files.isEmpty ? [] : [.pruned(files: files)]
        }
        // Also what an interrupted call left.
        let files = formerModels(in: state).filter {
            FileManager.default.fileExists(atPath: folder.url(of: $0.path).path)
        }
        for file in files {
            do {
                try FileManager.default.removeItem(at: folder.url(of: file.path))
            } catch {
                throw LedgerError(folder.url(of: file.path).path, "cannot be removed; check the folder's permissions")
            }
        }
        return files
    }

    private func formerModels(in state: LedgerState) -> [LedgerEvent.StoredFile] {
        let models = [state.creation.model] + state.jobs.compactMap { $0.finish?.model }
        return models.filter { $0.sha256 != state.currentModel.sha256 && $0.isInside }
    }
}

extension Ledger {
    /// What became of a file that was made from a model.
    package enum DerivedState: String, Sendable, Codable {
        /// It was made from the current model.
        case current
        /// It is still there, and was made from a model that is no longer the current one.
        case outdated
        /// Another file is in its place.
        case replaced
        /// It is gone.
        case gone
    }

    /// Notes files that were made from one of the ledger's models.
    /// - Parameter model: the digest of the model; nil for the current one.
    package func derive(_ files: [URL], from model: SHA256Digest? = nil) throws -> LedgerState {
        let found = try files.map { file in (file.standardizedFileURL.path, try SHA256Digest(ofFile: file)) }
        return try append { state in
            let source = model ?? state.currentModel.sha256
            let known = [state.creation.model] + state.jobs.compactMap { $0.finish?.model }
            guard known.contains(where: { $0.sha256 == source }) else {
                throw LedgerError(
                    store.path, "has no model with the digest \(source); 'unlearn ledger show' lists them")
            }
            return found.map { path, digest in
                .derived(LedgerEvent.Derivation(path: path, sha256: digest, model: source))
            }
        }
    }

    /// The files that were made from the ledger's models, the last entry for each path, with what became of them.
    package func derivedFiles(in state: LedgerState) -> [(file: LedgerEvent.Derivation, state: DerivedState)] {
        let latest = Dictionary(state.derivations.map { ($0.path, $0) }, uniquingKeysWith: { $1 })
        return latest.values.sorted { $0.path < $1.path }.map { file in
            guard let digest = try? SHA256Digest(ofFile: URL(fileURLWithPath: file.path)) else { return (file, .gone) }
            if digest != file.sha256 { return (file, .replaced) }
            return (file, file.model == state.currentModel.sha256 ? .current : .outdated)
        }
    }
}
