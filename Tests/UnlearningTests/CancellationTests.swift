import Synchronization
import TestSupport
import Testing
import Unlearning

@Suite("Cancellation", .tags(.unlearning))
struct CancellationTests {
    /// An unlearner whose phase of that name does not end in this life, and whose data holds a token.
    private func endless(_ phase: RunPhase, token: Token = Token()) async throws -> Unlearner {
        let model = try await Patterns.model
        var configuration = Patterns.configuration
        var validation: (any ExampleSource)?
        switch phase {
        case .noise: configuration.noise.steps = 1_000_000
        case .impair: configuration.impair.training.epochs = 100_000
        case .repair: configuration.repair.epochs = 100_000
        default: validation = try RepeatedExamples(model.prepare(Patterns.test), times: 20_000)
        }
        let retain = try model.prepare(Patterns.retained(without: [0]))
        return Unlearner(
            model: model, retaining: TokenExamples(source: retain, token: token), validation: validation,
            method: .unsir(configuration))
    }

    @Test(
        "a cancelled task stops at the next step of any phase, and nothing stays behind",
        arguments: [RunPhase.noise, .impair, .repair, .evaluation])
    func cancelled(phase: RunPhase) async throws {
        weak var token: Token?
        let isCancelled = Atomic(false)
        let reportsAfter = Atomic(0)
        do {
            let held = Token()
            token = held
            let unlearner = try await endless(phase, token: held)
            let (phases, continuation) = AsyncStream.makeStream(of: RunPhase.self)
            let task = Task {
                try await unlearner.forget(classes: [0]) { progress in
                    _ = held
                    if isCancelled.load(ordering: .acquiring) { reportsAfter.add(1, ordering: .relaxed) }
                    continuation.yield(progress.phase)
                }
            }
            for await reached in phases where reached == phase { break }
            task.cancel()
            isCancelled.store(true, ordering: .releasing)
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        // The step that was being taken may end and be reported.
        #expect(reportsAfter.load(ordering: .relaxed) <= 1)
        // The run's thread, its loader's and its team's are gone when nothing holds the data any more.
        #expect(try await eventually { token == nil })
    }

    @Test("a task that is cancelled before does not start")
    func cancelledBefore() async throws {
        let unlearner = try await endless(.noise)
        let log = ProgressLog()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await unlearner.forget(classes: [0], progress: log.handler)
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(log.all.isEmpty)
    }

    @Test("the steps on their own stop as well")
    func steps() async throws {
        let unlearner = try await endless(.noise)
        let model = unlearner.model
        let retain = try model.prepare(Patterns.retained(without: [0]))
        let noise = Noise(label: 0, images: Tensor(repeating: 0, shape: [4, 12, 12, 1]))
        let long = TrainingConfiguration(epochs: 100_000)
        let runs: [@Sendable (@escaping ProgressHandler) async throws -> Void] = [
            { progress in
                _ = try await NoiseMaximizer(configuration: NoiseMaximizer.Configuration(steps: 100_000))
                    .noise(classes: [0, 1, 2], model: model, progress: progress)
            },
            { progress in
                _ = try await ImpairStep(configuration: ImpairStep.Configuration(training: long))
                    .impair(model, noise: [noise], retaining: retain, progress: progress)
            },
            { progress in
                _ = try await RepairStep(configuration: long)
                    .repair(model, retaining: retain, progress: progress)
            },
            { progress in
                _ = try await Trainer(configuration: long).train(model, on: retain, progress: progress)
            },
        ]
        for run in runs {
            let (steps, continuation) = AsyncStream.makeStream(of: Int.self)
            let task = Task { try await run { continuation.yield($0.step) } }
            for await step in steps where step == 2 { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}

@Suite("Events", .tags(.unlearning))
struct EventTests {
    @Test("progress comes first, then the outcome, then the end")
    func complete() async throws {
        let unlearner = try await Patterns.unlearner(forgetting: [0])
        var steps = 0
        var outcome: UnlearningOutcome?
        for try await event in unlearner.events(classes: [0]) {
            switch event {
            case .progress:
                #expect(outcome == nil)
                steps += 1
            case .finished(let finished): outcome = finished
            }
        }
        #expect(try #require(outcome).steps == steps)
        let plain = try await unlearner.forget(classes: [0])
        #expect(outcome?.model.stateDictionary == plain.model.stateDictionary)
    }

    @Test("an error ends the stream")
    func error() async throws {
        let unlearner = try await Patterns.unlearner(forgetting: [0])
        await #expect(throws: UnlearningError.unknownClass(index: 9, classCount: 6)) {
            for try await _ in unlearner.events(classes: [9]) {}
        }
    }

    /// Starts a run that has no end, and lets `body` take from its events.
    private func start(
        _ body: @escaping @Sendable (AsyncThrowingStream<UnlearningEvent, any Error>) async throws -> Void
    ) async throws -> Bool {
        weak var token: Token?
        do {
            let held = Token()
            token = held
            let model = try await Patterns.model
            var configuration = Patterns.configuration
            configuration.repair.epochs = 100_000
            let retain = try model.prepare(Patterns.retained(without: [0]))
            let unlearner = Unlearner(
                model: model, retaining: TokenExamples(source: retain, token: held), method: .unsir(configuration))
            try await body(unlearner.events(classes: [0]))
        }
        return try await eventually { token == nil }
    }

    @Test("a loop that is left ends the run")
    func left() async throws {
        let ended = try await start { events in
            for try await event in events {
                if case .progress(let progress) = event, progress.phase == .repair { break }
            }
        }
        #expect(ended)
    }

    @Test("a stream that nobody reads ends the run when it is let go")
    func unread() async throws {
        #expect(try await start { _ in try await Task.sleep(for: .milliseconds(50)) })
    }

    @Test("cancelling the task that reads ends the run")
    func readerCancelled() async throws {
        let ended = try await start { events in
            let task = Task {
                for try await _ in events {}
            }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            _ = await task.result
        }
        #expect(ended)
    }
}
