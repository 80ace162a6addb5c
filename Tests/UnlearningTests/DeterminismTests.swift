import TestSupport
import Testing
import Unlearning

@Suite("Determinism", .tags(.unlearning))
struct DeterminismTests {
    private func forget(_ options: RunOptions, dropout: Float? = nil) async throws -> UnlearningOutcome {
        let trained = try await Patterns.model
        let model = try Model(
            graph: convolutionalNetwork(Patterns.shape, classes: 6, dropout: dropout),
            metadata: trained.metadata, stateDictionary: trained.stateDictionary)
        var configuration = Patterns.configuration
        configuration.noise.normalization = dropout == nil ? .running : .batch
        return try await Unlearner(
            model: model, retaining: Patterns.retained(without: [0, 3]), method: .unsir(configuration), options: options
        ).forget(classes: [0, 3])
    }

    @Test("models are bit-identical for any number of threads, from run to run", arguments: [nil, 0.2])
    func threads(dropout: Float?) async throws {
        let first = try await forget(RunOptions(seed: 5, threadCount: 1), dropout: dropout)
        for threads in [1, 2, 3, nil] {
            let other = try await forget(RunOptions(seed: 5, threadCount: threads), dropout: dropout)
            #expect(other.model.stateDictionary == first.model.stateDictionary)
            #expect(other.losses == first.losses)
            #expect(other.noise.map(\.images) == first.noise.map(\.images))
        }
    }

    @Test("bfloat16 has bits of its own, the same for any number of threads")
    func bfloat16() async throws {
        let first = try await forget(RunOptions(seed: 5, threadCount: 1, precision: .bfloat16))
        let other = try await forget(RunOptions(seed: 5, threadCount: 3, precision: .bfloat16))
        #expect(other.model.stateDictionary == first.model.stateDictionary)
        #expect(other.losses == first.losses)
        let exact = try await forget(RunOptions(seed: 5))
        for phase in [RunPhase.noise, .impair] { #expect(first.losses[phase] != exact.losses[phase]) }
        // Before its first step the noise is the same; from there on Adam takes both apart.
        let starts = (try #require(first.losses[.noise]?.first), try #require(exact.losses[.noise]?.first))
        #expect(abs(starts.0 - starts.1) < 0.02 * max(1, abs(starts.1)))
        let test = try exact.model.prepare(Patterns.test)
        var accuracies: [Accuracy] = []
        for outcome in [first, exact] {
            accuracies.append(try await Evaluator().accuracy(of: outcome.model, on: test, forgottenClasses: [0, 3]))
        }
        #expect(abs(try #require(accuracies[0].retained) - #require(accuracies[1].retained)) < 0.08)
        #expect(abs(try #require(accuracies[0].forgotten) - #require(accuracies[1].forgotten)) < 0.08)
    }

    @Test("another seed gives another model")
    func seeds() async throws {
        let first = try await forget(RunOptions(seed: 5))
        let other = try await forget(RunOptions(seed: 6))
        #expect(other.model.stateDictionary != first.model.stateDictionary)
        #expect(other.noise[0].images != first.noise[0].images)
    }

    @Test("fast and strict algorithms agree as far as training lets them")
    func algorithms() async throws {
        let fast = try await forget(RunOptions(seed: 5, algorithms: .fast))
        let strict = try await forget(RunOptions(seed: 5, algorithms: .strict))
        for phase in [RunPhase.noise, .impair] {
            let (a, b) = (try #require(fast.losses[phase]), try #require(strict.losses[phase]))
            // Later steps drift apart: Adam divides by gradients that are nearly 0.
            for step in 0..<3 { #expect(abs(a[step] - b[step]) < 1e-3 * max(1, abs(b[step]))) }
        }
        let test = try fast.model.prepare(Patterns.test)
        let options = RunOptions()
        let a = try await Evaluator().accuracy(of: fast.model, on: test, options: options)
        let b = try await Evaluator().accuracy(of: strict.model, on: test, options: options)
        #expect(abs(try #require(a.all) - #require(b.all)) < 0.08)
    }

    @Test("a run leaves another run alone")
    func concurrentRuns() async throws {
        async let first = forget(RunOptions(seed: 5))
        async let second = forget(RunOptions(seed: 6))
        async let third = forget(RunOptions(seed: 5))
        let models = try await [first, second, third].map(\.model.stateDictionary)
        #expect(models[0] == models[2] && models[0] != models[1])
    }
}
