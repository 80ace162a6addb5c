import Foundation
import Synchronization
import TestSupport
import Testing
import Unlearning

@Suite("Runs that go on from a checkpoint", .tags(.unlearning))
struct ResumingTests {
    private static let classes: Set<Int> = [2]

    private func unlearner(
        _ method: any UnlearningMethod, checkpoint: Checkpoint? = nil, threads: Int = 1
    ) async throws -> Unlearner {
        var options = RunOptions(seed: 4, threadCount: threads)
        options.checkpoint = checkpoint
        return Unlearner(
            model: try await Patterns.model,
            retaining: try Patterns.train.samples(perClass: 14, excluding: Self.classes),
            forgetting: try Patterns.train.samples(
                perClass: 14, excluding: Set(0..<Patterns.classes).subtracting(Self.classes)),
            validation: try Patterns.test.samples(perClass: 4), method: method, training: Patterns.training,
            options: options)
    }

    /// What has to be equal: all but times.
    private func expectEqual(_ one: UnlearningOutcome, _ other: UnlearningOutcome, _ comment: Comment) {
        #expect(one.model.stateDictionary == other.model.stateDictionary, comment)
        #expect(one.model.metadata == other.model.metadata, comment)
        #expect(one.losses == other.losses, comment)
        #expect(one.notes == other.notes, comment)
        #expect(one.noise.map(\.images) == other.noise.map(\.images), comment)
        #expect(one.noise.map(\.crossEntropies) == other.noise.map(\.crossEntropies), comment)
        #expect(one.accuracyBefore == other.accuracyBefore, comment)
        #expect(one.accuracyAfter == other.accuracyAfter, comment)
        #expect(Set(one.phaseTimes.keys) == Set(other.phaseTimes.keys), comment)
    }

    @Test("every method ends in the same model, losses and notes, wherever it was killed", arguments: MethodCase.all)
    func everyMethod(example: MethodCase) async throws {
        let whole = try await unlearner(example.method).forget(classes: Self.classes)
        let folders = try CheckpointFolders(copyingAt: [1, 2, 5, 14, 31])
        let first = try await unlearner(
            example.method, checkpoint: try Checkpoint(in: folders.folder, every: .zero)
        ).forget(classes: Self.classes, progress: folders.handler)
        expectEqual(first, whole, "not interrupted")
        #expect(!folders.copies.isEmpty)
        for (number, copy) in folders.copies.enumerated() {
            let warnings = WarningLog()
            let checkpoint = try Checkpoint(in: copy, every: .seconds(60), warning: warnings.handler)
            let resumed = try await unlearner(example.method, checkpoint: checkpoint, threads: 2 - number % 2)
                .forget(classes: Self.classes)
            expectEqual(resumed, whole, "\(copy.lastPathComponent)")
            #expect(warnings.all == [])
        }
    }

    @Test("a run that was cancelled keeps its latest step, and goes on from there")
    func cancelled() async throws {
        let folders = try CheckpointFolders()
        let method = MethodCase.all[0].method
        let whole = try await unlearner(method).forget(classes: Self.classes)
        do {
            let (steps, continuation) = AsyncStream.makeStream(of: Void.self)
            // The run waits after its first impair step, so the cancellation comes before the end however busy the machine is.
            let gate = DispatchSemaphore(value: 0)
            let isFirst = Mutex(true)
            // The interval is never over: only the cancellation has the state written.
            let run = try await unlearner(method, checkpoint: try Checkpoint(in: folders.folder, every: .seconds(3600)))
            let task = Task {
                try await run.forget(classes: Self.classes) { progress in
                    let waits = isFirst.withLock { first in
                        defer { if progress.phase == .impair { first = false } }
                        return first && progress.phase == .impair
                    }
                    guard waits else { return }
                    continuation.yield()
                    gate.wait()
                }
            }
            for await _ in steps { break }
            task.cancel()
            gate.signal()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        let names = try CheckpointFolders.names(folders.folder)
        #expect(names.contains { $0.hasSuffix("-noise.part") })
        #expect(names.contains { $0.contains("-impair.progress-") })
        let log = ProgressLog()
        let resumed = try await unlearner(method, checkpoint: folders.reopened()).forget(
            classes: Self.classes, progress: log.handler)
        expectEqual(resumed, whole, "resumed")
        #expect(log.all.first { $0.phase == .impair }?.step ?? 0 > 1)
        #expect(!log.all.contains { $0.phase == .noise })
    }

    @Test("training, with augmentation and dropout, ends in the same bits")
    func training() async throws {
        let model = Model(
            graph: try convolutionalNetwork(Patterns.shape, classes: Patterns.classes, dropout: 0.2),
            metadata: ModelMetadata(classNames: Patterns.train.classNames), seed: 3)
        let data = try model.prepare(
            Patterns.train.samples(perClass: 11),
            augmentation: try Augmentation(padding: 2, horizontalFlipProbability: 0.5))
        for optimizer in [OptimizerConfiguration.adam, .sgd(momentum: 0.9), .adamW] {
            let trainer = Trainer(
                configuration: TrainingConfiguration(
                    epochs: 3, batchSize: 16, optimizer: optimizer, learningRate: 0.003, schedule: .oneCycle))
            let whole = try await trainer.train(model, on: data)
            let folders = try CheckpointFolders(copyingAt: [1, 4, 5, 6, 11, 14])
            var options = RunOptions()
            options.checkpoint = try Checkpoint(in: folders.folder, every: .zero)
            _ = try await trainer.train(model, on: data, options: options, progress: folders.handler)
            #expect(folders.copies.count == 6)
            for copy in folders.copies {
                let log = ProgressLog()
                options.checkpoint = try Checkpoint(in: copy)
                let resumed = try await trainer.train(model, on: data, options: options, progress: log.handler)
                #expect(resumed.model.stateDictionary == whole.model.stateDictionary)
                #expect(resumed.losses == whole.losses)
                #expect(log.all.count < whole.losses.count)
            }
        }
    }

    @Test("an audit keeps each shadow model's answers", .tags(.slow), .slow)
    func shadowModels() async throws {
        let model = try await Patterns.model
        let unlearned = try await unlearner(FineTuning(training: MethodCase.training(epochs: 1)))
            .forget(classes: Self.classes).model
        var configuration = AuditConfiguration.quick
        configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
            shadowModels: 2, training: MethodCase.training(epochs: 1), unlearning: Patterns.configuration)
        let data = AuditData(
            test: try Patterns.test.samples(perClass: 40), training: try Patterns.train.samples(perClass: 40))
        func audit(_ checkpoint: Checkpoint?, _ progress: ProgressHandler? = nil) async throws -> AuditResult {
            var options = RunOptions()
            options.checkpoint = checkpoint
            return try await Audit(configuration: configuration, options: options).run(
                original: model, unlearned: unlearned, forgotten: Self.classes, data: data, progress: progress)
        }
        let whole = try await audit(nil)
        let folders = try CheckpointFolders()
        _ = try await audit(try Checkpoint(in: folders.folder, every: .zero))
        let names = try CheckpointFolders.names(folders.folder).filter { $0.hasSuffix(".part") }
        #expect(names.filter { $0.hasSuffix("-shadow.part") }.count == 2)
        // What a finished shadow model was made of is gone.
        #expect(!names.contains { $0.hasSuffix("-training.part") })
        // The second one is computed again.
        let last = try #require(names.filter { $0.hasSuffix("-shadow.part") }.last)
        try FileManager.default.removeItem(at: folders.folder.appendingPathComponent(last))
        let again = try await audit(try await folders.reopened())
        #expect(again.measures == whole.measures)
        #expect(again.verdict == whole.verdict)
    }

    @Test("a comparison of methods goes on within a method", .tags(.slow), .slow)
    func comparison() async throws {
        var audit = AuditConfiguration(bootstrap: nil, makesFigures: false)
        audit.relearning = RelearningConfiguration(
            forgottenPerStep: 8, retainedPerStep: 8, stepLimit: 10, stepsBetweenMeasurements: 5)
        let graph = try convolutionalNetwork(Patterns.shape, classes: Patterns.classes)
        func compare(_ checkpoint: Checkpoint?, keepingIn folder: URL?, _ progress: ProgressHandler? = nil) async throws
            -> [ComparedRun]
        {
            var options = RunOptions()
            options.checkpoint = checkpoint
            let result = try await MethodComparison(
                methods: [FineTuning(training: MethodCase.training(epochs: 1)), LastRowEdit()], seeds: [1],
                training: MethodCase.training(epochs: 1), samplesPerClass: 20, audit: audit, options: options
            ).run(
                { Model(graph: graph, metadata: ModelMetadata(classNames: Patterns.train.classNames), seed: $0) },
                forgetting: Self.classes, images: Patterns.train, test: Patterns.test, keepingIn: folder
            ) { _, report in progress?(report) }
            return result.runs.map { run in
                var run = run
                (run.figures[.seconds], run.figures[.peakMemory]) = (nil, nil)
                return run
            }
        }
        let whole = try await compare(nil, keepingIn: nil)
        // In the folder of the checkpoint, so that both are copied as of one moment.
        let folders = try CheckpointFolders(copyingAt: [10, 33, 50, 70, 100])
        let first = try await compare(
            try Checkpoint(in: folders.folder, every: .zero),
            keepingIn: folders.folder.appendingPathComponent("comparison"), folders.handler)
        #expect(first == whole)
        #expect(folders.copies.count >= 3)
        for copy in folders.copies {
            let resumed = try await compare(
                try Checkpoint(in: copy, every: .zero), keepingIn: copy.appendingPathComponent("comparison"))
            #expect(resumed == whole, "\(copy.lastPathComponent)")
        }
    }
}
