import TestSupport
import Testing
import Unlearning

@Suite("Searching for a method's rate", .tags(.methods))
struct RateSearchTests {
    @Test("the best of four rates forgets and retains, on images that the method did not see")
    func search() async throws {
        let method = NegativeGradient(training: MethodCase.descent(epochs: 2, rate: 0.05))
        var search = RateSearch(method, samplesPerClass: 60, heldOutPerClass: 40)
        let model = try await Patterns.model
        let trials = try await search.run(model, forgetting: [2], images: Patterns.train)
        let rates: [Double] = [0.003125, 0.0125, 0.05, 0.2]
        #expect(zip(trials, rates).allSatisfy { abs(($0.learningRate ?? 0) - $1) < 1e-12 } && trials.count == 4)
        for trial in trials where trial.failure == nil {
            #expect(trial.accuracy?.counts == [40, 40, 40, 40, 40, 40])
        }
        let best = trials[try #require(RateSearch.best(of: trials))]
        #expect(try #require(best.score) > 0.8)
        #expect(trials.allSatisfy { ($0.score ?? -1) <= (best.score ?? -1) })
        // A class has 100 images.
        search.samplesPerClass = 100
        let all = search
        let text = await message { try await all.run(model, forgetting: [2], images: Patterns.train) }
        #expect(text?.hasPrefix("samples per class cannot be 100; class pattern 0 has no more images") == true)
    }

    @Test("settings without a rate are tried too; those that select nothing are a trial without a model")
    func settings() async throws {
        let methods = [10, 2].map { SelectiveSynapticDampening(selection: $0, examplesPerGradient: 4) }
        let search = RateSearch(trying: methods, samplesPerClass: 60, heldOutPerClass: 40)
        let trials = try await search.run(Patterns.model, forgetting: [2], images: Patterns.train)
        #expect(trials[0].failure?.hasPrefix("selection cannot be 10; ") == true && trials[0].score == nil)
        #expect(trials[1].accuracy?.counts == [40, 40, 40, 40, 40, 40] && trials[1].learningRate == nil)
        #expect(RateSearch.best(of: trials) == 1)
        // Of equal ones the first, which are the method's own settings.
        #expect(RateSearch.best(of: [trials[0], trials[1], trials[1]]) == 1)
    }

    @Test("a rate at which training diverges is a trial without a model")
    func diverges() async throws {
        let method = FineTuning(training: MethodCase.descent(epochs: 2, rate: 1e12))
        let trials = try await RateSearch(method, samplesPerClass: 60).run(
            Patterns.model, forgetting: [2], images: Patterns.train)
        #expect(trials.count == 4 && trials.allSatisfy { $0.score == nil && $0.failure?.contains("diverged") == true })
        #expect(RateSearch.best(of: trials) == nil)
    }
}
