import TestSupport
import Testing
import Unlearning

@Suite("Runs that several processes share", .tags(.unlearning), .deadlockLimit)
struct ProcessTests {
    private static let classes: Set<Int> = [2]

    private func options(_ processes: (any ProcessGroup)? = nil, shardSize: Int = 5, seed: UInt64 = 4) -> RunOptions {
        var options = RunOptions(seed: seed, threadCount: 1)
        (options.shardSize, options.processes) = (shardSize, processes)
        return options
    }

    /// Runs the same work on every process.
    private func onProcesses<Result: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (any ProcessGroup) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for member in ThreadGroup.members(count) { group.addTask { (member.rank, try await body(member)) } }
            return try await group.reduce(into: [(Int, Result)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func forget(_ method: any UnlearningMethod, _ options: RunOptions) async throws -> UnlearningOutcome {
        try await Unlearner(
            model: try await Patterns.model,
            retaining: try Patterns.train.samples(perClass: 14, excluding: Self.classes),
            forgetting: try Patterns.train.samples(
                perClass: 14, excluding: Set(0..<Patterns.classes).subtracting(Self.classes)),
            validation: try Patterns.test.samples(perClass: 4), method: method, training: Patterns.training,
            options: options
        ).forget(classes: Self.classes)
    }

    @Test("every method ends in the same model and losses on one process and on three", arguments: MethodCase.all)
    func everyMethod(example: MethodCase) async throws {
        let alone = try await forget(example.method, options())
        for other in try await onProcesses(3, { try await forget(example.method, options($0)) }) {
            #expect(other.model.stateDictionary == alone.model.stateDictionary)
            #expect(other.losses == alone.losses)
            #expect(other.notes == alone.notes)
            #expect(other.accuracyAfter == alone.accuracyAfter)
        }
    }

    @Test("shards change a training by rounding alone")
    func rounding() async throws {
        let model = try await Patterns.model
        let trainer = Trainer(configuration: TrainingConfiguration(epochs: 1, batchSize: 12))
        let whole = try await trainer.train(model, on: Patterns.train, options: RunOptions(seed: 4))
        let shards = try await trainer.train(model, on: Patterns.train, options: options())
        // Later steps drift apart.
        for (one, other) in zip(shards.losses.prefix(3), whole.losses) {
            #expect(abs(one - other) < 1e-3 * max(1, other))
        }
        #expect(shards.losses != whole.losses || shards.model.stateDictionary != whole.model.stateDictionary)
    }

    @Test("processes that see other data, models or settings all end with an error that names the rank")
    func disagreement() async throws {
        let model = try await Patterns.model
        func error(
            _ configuration: TrainingConfiguration = TrainingConfiguration(), fewer: Int = 0, seed: UInt64 = 4
        ) async throws -> [String] {
            try await onProcesses(2) { process in
                let isOther = process.rank == 1
                let images = try Patterns.train.samples(perClass: isOther ? 9 - fewer : 9, excluding: [])
                let trainer = Trainer(configuration: isOther ? configuration : TrainingConfiguration())
                do {
                    _ = try await trainer.train(
                        model, on: images, options: options(process, seed: isOther ? seed : 4))
                    return "no error"
                } catch let error as UnlearningError where error.code == .processesDiffer {
                    return error.description
                }
            }
        }
        for (errors, field) in [
            (try await error(fewer: 1), "training data"),
            (try await error(TrainingConfiguration(learningRate: 1)), "training settings"),
            (try await error(seed: 5), "seed"),
        ] {
            #expect(errors[0] == errors[1])
            #expect(errors[0].hasPrefix("rank 1 differs from rank 0 in the \(field)"), "\(errors[0])")
        }
    }

    @Test("a checkpoint of one process goes on with two, and another shard size is refused")
    func checkpoint() async throws {
        let folders = try CheckpointFolders(copyingAt: [2, 9])
        let method = MethodCase.all[0].method
        var first = options()
        first.checkpoint = try Checkpoint(in: folders.folder, every: .zero)
        let whole = try await Unlearner(
            model: try await Patterns.model, retaining: Patterns.train.samples(perClass: 14, excluding: Self.classes),
            method: method, options: first
        ).forget(classes: Self.classes, progress: folders.handler)
        #expect(folders.copies.count == 2)
        for copy in folders.copies {
            let resumed = try await onProcesses(2) { process in
                var options = options(process)
                // The first process alone has the files.
                if process.rank == 0 { options.checkpoint = try Checkpoint(in: copy, every: .seconds(60)) }
                return try await Unlearner(
                    model: try await Patterns.model,
                    retaining: Patterns.train.samples(perClass: 14, excluding: Self.classes), method: method,
                    options: options
                ).forget(classes: Self.classes)
            }
            for outcome in resumed {
                #expect(outcome.model.stateDictionary == whole.model.stateDictionary)
                #expect(outcome.losses == whole.losses)
            }
            var other = options(shardSize: 6)
            other.checkpoint = try Checkpoint(in: copy, every: .seconds(60))
            await #expect(throws: UnlearningError.self) {
                try await Unlearner(
                    model: try await Patterns.model,
                    retaining: Patterns.train.samples(perClass: 14, excluding: Self.classes), method: method,
                    options: other
                ).forget(classes: Self.classes)
            }
        }
    }

    @Test("what a checkpoint holds arrives whole at another process")
    func content() {
        var content = CheckpointContent(floats: ["b": [1, -2.5, .infinity], "a": []], doubles: ["c": [0.1]])
        content.integers["n"] = -7
        content.seconds = 1.5
        #expect(CheckpointContent(bytes: content.bytes) == content)
        #expect(CheckpointContent(bytes: Array(content.bytes.dropLast(9))) == nil)
        #expect(CheckpointContent(bytes: [1, 2]) == nil)
    }

    @Test("shards of no images are refused")
    func invalid() async throws {
        await #expect(throws: UnlearningError.self) {
            try await forget(MethodCase.all[0].method, options(shardSize: 0))
        }
    }
}
