import Foundation
import NeuralGraph
import Synchronization

/// The threads, seed, progress and cancellation of a run; used on the run's own thread.
package final class RunContext: @unchecked Sendable {
    let options: RunOptions
    let threads: ThreadTeam
    private let handler: ProgressHandler?
    private let isCancelled = Atomic<Bool>(false)
    private let start = ContinuousClock.now
    private var phaseStart = ContinuousClock.now
    /// The work of the phases that are still to come, in multiples of this one's, to estimate the time left.
    private var workAhead = 0.0
    private var accuracyWindow = RunningShare()
    /// The seed of an earlier run, while it is repeated.
    private var earlierSeed: UInt64?
    let checkpoint: CheckpointRun?
    /// The processes that share the run, all of which take the same steps.
    let processes: any ProcessGroup
    /// The depth of parts within parts.
    var partDepth = 0
    /// Whether process 0 has a checkpoint, whose content it hands to the others.
    var sharesCheckpoint = false

    package init(options: RunOptions, handler: ProgressHandler?) {
        self.options = options
        self.handler = handler
        threads = ThreadTeam(workers: options.threadCount ?? ThreadTeam.processorCount)
        checkpoint = options.checkpoint.map { CheckpointRun($0) }
        processes = options.processes ?? SingleProcess()
    }

    /// A context for a task that this process does on its own while the others do other ones.
    func alone() -> RunContext { RunContext(options: options.alone, handler: nil) }

    /// Runs blocking work on a thread of its own, which leaves Swift's cooperative pool free.
    ///
    /// Cancelling the calling task makes the work throw `CancellationError` at its next step.
    package static func run<Result: Sendable>(
        _ options: RunOptions, progress: ProgressHandler?,
        _ body: @escaping @Sendable (RunContext) throws -> Result
    ) async throws -> Result {
        try options.validate()
        let context = RunContext(options: options, handler: progress)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isStarted = startDetachedThread(stackSize: 8 << 20) {
                    continuation.resume(with: Swift.Result { try context.savingIfCancelled(body) })
                }
                if !isStarted { continuation.resume(throwing: UnlearningError.noThread) }
            }
        } onCancel: {
            context.isCancelled.store(true, ordering: .relaxed)
        }
    }

    /// An executor with the run's threads.
    /// - Parameters:
    ///   - modes: the modes that passes will run in.
    ///   - nodes: nodes of the model whose outputs are to be read.
    /// - Throws: ``UnlearningError`` instead of asking for memory that is not there,
    ///   and `GraphError` if there is no such node.
    func executor(
        model: Model, batchCapacity: Int, computing request: GradientRequest = .nothing,
        modes: Set<Mode> = [.training, .inference], keeping nodes: Set<String> = []
    ) throws -> Executor {
        let plan = try ExecutionSummary(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes,
            workers: threads.workers, algorithms: options.algorithms, precision: options.precision, keeping: nodes,
            sharding: options.sharding)
        let available = MemoryLimit.byteCount
        guard plan.byteCount <= available else {
            throw UnlearningError.outOfMemory(
                batch: batchCapacity, needed: plan.byteCount, available: available)
        }
        // Adam keeps two numbers for each parameter.
        let moments = request.parameters ? 2 * model.parameterCount * MemoryLayout<Float>.stride : 0
        if let needed = AddressSpace.missing(plan.byteCount + moments, workers: threads.workers) {
            throw UnlearningError.addressSpaceExhausted(needed: needed, limit: AddressSpace.limit ?? 0)
        }
        return try Executor(
            model: model, batchCapacity: batchCapacity, computing: request, modes: modes, threads: threads,
            algorithms: options.algorithms, precision: options.precision, keeping: nodes, sharding: options.sharding)
    }

    /// The places in a batch that this process computes, and whose inputs it reads; nil for all.
    var ownPart: (@Sendable (_ batchSize: Int) -> Range<Int>)? {
        guard processes.count > 1, let sharding = options.sharding else { return nil }
        return { sharding.ownExamples(ofBatch: $0) }
    }

    /// Whether the run was cancelled, and ends at its next step. Of several processes the first decides for all.
    var isCancelledNow: Bool { processes.agree(isCancelled.load(ordering: .relaxed)) }

    func checkCancellation() throws {
        if isCancelledNow { throw CancellationError() }
    }

    private func savingIfCancelled<Result>(_ body: (RunContext) throws -> Result) throws -> Result {
        do {
            return try body(self)
        } catch let error as CancellationError {
            try checkpoint?.save()
            throw error
        }
    }

    /// A seed for one part of the run, independent of the others.
    func seed(_ stream: String) -> UInt64 {
        var random = SeededRandom(seed: earlierSeed ?? options.seed, stream: stream)
        return random.next()
    }

    /// Runs a part that draws the numbers of an earlier run, which it repeats.
    /// - Parameter seed: the earlier run's.
    func drawing<Result>(fromSeed seed: UInt64, _ body: () throws -> Result) rethrows -> Result {
        earlierSeed = seed
        defer { earlierSeed = nil }
        return try body()
    }

    /// Runs one phase and returns what it returns and how long it took.
    /// - Parameter workAhead: how much work the phases after this one are, in multiples of it.
    package func phase<Result>(workAhead: Double = 0, _ body: () throws -> Result) throws -> (Result, Duration) {
        try checkCancellation()
        phaseStart = .now
        self.workAhead = workAhead
        accuracyWindow = RunningShare()
        let restoredBefore = checkpoint?.restoredTime ?? .zero
        let result = try body()
        return (result, ContinuousClock.now - phaseStart + (checkpoint?.restoredTime ?? .zero) - restoredBefore)
    }

    /// Reports a finished step, and throws if the run was cancelled.
    package func finished(
        _ step: Int, of stepCount: Int, in phase: RunPhase, loss: Double? = nil, correct: Int? = nil,
        examples: Int = 0
    ) throws {
        try checkCancellation()
        guard let handler else { return }
        if let correct { accuracyWindow.add(correct, of: examples) }
        let now = ContinuousClock.now
        let stepsLeft = Double(stepCount - step) + Double(stepCount) * workAhead
        handler(
            RunProgress(
                phase: phase, step: step, stepCount: stepCount, loss: loss,
                accuracy: correct == nil ? nil : accuracyWindow.value, elapsed: now - start,
                timeLeft: (now - phaseStart) * (stepsLeft / Double(max(1, step)))))
    }
}

/// The share of correct answers among about the last twenty batches.
private struct RunningShare {
    private var correct = 0.0
    private var examples = 0.0

    mutating func add(_ correct: Int, of examples: Int) {
        self.correct = 0.95 * self.correct + Double(correct)
        self.examples = 0.95 * self.examples + Double(examples)
    }

    var value: Double { examples > 0 ? correct / examples : 0 }
}
