import TestSupport
import Testing
import Unlearning

@Suite("Relearning", .tags(.audit))
struct RelearningTests {
    /// All examples in every step, so that their order does not matter.
    private func trial(
        target: Double, limit: Int? = nil, options: RunOptions = RunOptions()
    ) async throws -> (RelearnTime.Trial, RelearningFixture) {
        let fixture = try AuditFixture.read(RelearningFixture.self, "relearning.json")
        let configuration = RelearningConfiguration(
            forgottenPerStep: 24, retainedPerStep: 40, learningRate: fixture.rate,
            stepLimit: limit ?? fixture.steps)
        let trial = try await RelearnTime(configuration: configuration).trial(
            of: fixture.model(), forgotten: fixture.examples(fixture.forgotten),
            retained: fixture.examples(fixture.retained, labels: fixture.retainedLabels),
            measuring: fixture.examples(fixture.measured), target: target, options: options)
        return (trial, fixture)
    }

    @Test("accuracy rises as in PyTorch")
    func curve() async throws {
        let (trial, fixture) = try await trial(target: 1.1)
        #expect(trial.steps == Array(stride(from: 0, through: fixture.steps, by: 2)))
        #expect(largestDifference(trial.accuracies, fixture.accuracies) < 1e-12)
        #expect(trial.time == nil)
    }

    @Test("the first measurement at the target counts", arguments: [0, 0.3, 0.6, 0.95])
    func time(target: Double) async throws {
        let (trial, fixture) = try await trial(target: target)
        let first = try #require(fixture.accuracies.firstIndex { $0 >= target })
        #expect(trial.time == 2 * first && trial.steps.count == first + 1)
    }

    @Test("a limit between two measurements is measured, too")
    func limit() async throws {
        let (trial, _) = try await trial(target: 1.1, limit: 3)
        #expect(trial.steps == [0, 2, 3] && trial.time == nil)
    }

    @Test("one seed, one outcome, on any number of threads")
    func deterministic() async throws {
        let model = try await Patterns.model
        let forgotten = try model.prepare(Patterns.train.only(classes: [1]))
        let retained = try model.prepare(Patterns.train.excluding(classes: [1]))
        let measured = try model.prepare(Patterns.test.only(classes: [1]))
        let untrained = Model(graph: model.graph, seed: 3)
        func run(_ threads: Int, seed: UInt64) async throws -> RelearnTime.Trial {
            try await RelearnTime(configuration: RelearningConfiguration(stepLimit: 8)).trial(
                of: untrained, forgotten: forgotten, retained: retained, measuring: measured, target: 1.1,
                options: RunOptions(seed: seed, threadCount: threads))
        }
        let first = try await run(1, seed: 5)
        #expect(try await run(3, seed: 5) == first)
        #expect(try await run(1, seed: 6) != first)
    }

    @Test("the anamnesis index is 1 for the retrained time, and finite for 0")
    func index() {
        #expect(AnamnesisIndex.value(time: 24, retrained: 24) == 1)
        #expect(AnamnesisIndex.value(time: 0, retrained: 0) == 1)
        #expect(abs(AnamnesisIndex.value(time: 0, retrained: 24) - 0.01 / 24.01) < 1e-15)
    }

    @Test("of several forgotten classes each is measured, in whatever order they come")
    func stratified() async throws {
        // All images of class 1 come before those of class 2, which alone is still known.
        let sorted = try ImageSubset(
            Patterns.test, indices: (0..<Patterns.test.count).sorted { ($0 % 6, $0) < ($1 % 6, $1) })
        let unlearned = try await Patterns.model.replacing("fc.bias", at: 1, with: -1000)
        let configuration = AuditConfiguration(
            bootstrap: nil, relearning: RelearningConfiguration(stepLimit: 1, measuredExamples: 40),
            examinesRepresentation: false)
        let result = try await Audit(configuration: configuration).run(
            original: try await Patterns.model, unlearned: unlearned, forgotten: [1, 2],
            data: AuditData(test: sorted, training: Patterns.train))
        let curve = try #require(result.figures.relearning.first { $0.model == .unlearned })
        #expect((0.4...0.5).contains(try #require(curve.accuracies.first)))
    }

    @Test("an index of times that were given up is a bound, and is not judged where it leaves all open")
    func givenUp() async throws {
        let configuration = AuditConfiguration(
            bootstrap: nil, relearning: RelearningConfiguration(target: .accuracy(0.9999), stepLimit: 1),
            examinesRepresentation: false)
        let result = try await AuditedModels.audit(
            try await AuditedModels.alsoRetrained, retrained: AuditedModels.retrained, configuration: configuration)
        let time = try #require(result[.relearnTime])
        #expect(time.unlearned?.isLowerBound == true && time.retrained?.isLowerBound == true)
        let index = try #require(result[.anamnesisIndex])
        #expect(index.unlearned?.value == 1 && index.verdict == .notJudged)
        #expect(index.unlearned?.isLowerBound == true && index.unlearned?.isUpperBound == true)
        #expect(index.retrained?.mean == 1 && index.retrained?.isLowerBound == false)
    }

    @Test("settings are checked")
    func settings() async {
        func failure(_ change: (inout RelearningConfiguration) -> Void) async -> String? {
            var configuration = RelearningConfiguration()
            change(&configuration)
            return await message { try configuration.validate() }
        }
        #expect(await failure { _ in } == nil)
        #expect(
            await failure { $0.target = .accuracy(1) }
                == "relearning accuracy cannot be 1.0; use a number between 0 and 1")
        #expect(
            await failure { $0.forgottenPerStep = 0 }
                == "forgotten examples a step cannot be 0; use a number from 1 to 100000")
        #expect(
            await failure { $0.learningRate = 0 }
                == "relearning rate cannot be 0.0; use a finite number above 0")
    }
}
