import Synchronization
import TestSupport
import Testing
import Unlearning

@Suite("The guard of retained accuracy", .tags(.methods))
struct GuardTests {
    private func unlearner(_ method: any UnlearningMethod, guarded: Bool = true) async throws -> Unlearner {
        var unlearner = try await MethodCase.unlearner(method, validated: true)
        unlearner.guarding = guarded ? RetainGuard() : nil
        return unlearner
    }

    private func retained(_ outcome: UnlearningOutcome) throws -> Double {
        try #require(outcome.accuracyAfter?.retained)
    }

    @Test("a rate that destroys the network is lowered, and what is lowered is said")
    func lowers() async throws {
        let method = NegativeGradient(training: MethodCase.descent(epochs: 5, rate: 0.05))
        let free = try await unlearner(method, guarded: false).forget(classes: MethodCase.classes)
        #expect(try retained(free) < 0.5)
        #expect(free.notes.isEmpty && !free.isRuined)
        var careful = try await unlearner(method)
        careful.guarding?.divisor = 16
        let guarded = try await careful.forget(classes: MethodCase.classes)
        #expect(try retained(guarded) > retained(free) + 0.2)
        let note = try #require(guarded.notes.first)
        #expect(note.hasPrefix("retain accuracy on 450 held-out examples fell from 100.00 % to "))
        #expect(
            note.hasSuffix("'negative-gradient' is repeated with gentler settings, rates divided by 16"))
    }

    @Test("training that diverges is repeated too")
    func diverges() async throws {
        let method = FineTuning(training: MethodCase.descent(epochs: 2, rate: 1e6))
        await #expect { try await unlearner(method, guarded: false).forget(classes: MethodCase.classes) } throws: {
            ($0 as? UnlearningError)?.code == .diverged
        }
        var guarded = try await unlearner(FineTuning(training: MethodCase.descent(epochs: 2, rate: 1e6)))
        guarded.guarding?.divisor = 1e5
        let outcome = try await guarded.forget(classes: MethodCase.classes)
        #expect(outcome.notes.count >= 1 && outcome.notes[0].contains("repeated with gentler settings"))
        #expect(!outcome.isRuined)
    }

    @Test("a method without gentler settings leaves ruins, and the outcome says so")
    func ruins() async throws {
        let outcome = try await unlearner(Demolition()).forget(classes: MethodCase.classes)
        #expect(outcome.isRuined)
        #expect(
            outcome.notes.count == 1 && outcome.notes[0].hasSuffix("'demolition' has no gentler settings left to try"))
        #expect(outcome.summary.hasSuffix("the retained classes are in ruins; do not use this model"))
    }

    @Test("ruins are found with few images too: by those that the method has seen, or by validation data")
    func ruinsOfFew() async throws {
        let model = try await Patterns.model
        let few = try Patterns.train.samples(perClass: 4, excluding: MethodCase.classes)
        let seen = try await Unlearner(model: model, retaining: few, method: Demolition(requirements: [.retainData]))
            .forget(classes: MethodCase.classes)
        #expect(seen.isRuined)
        #expect(
            seen.notes.count == 1 && seen.notes[0].hasPrefix("retain accuracy on 20 examples fell from 100.00 % to "))
        let validated = try await Unlearner(model: model, validation: Patterns.test, method: Demolition())
            .forget(classes: MethodCase.classes)
        #expect(validated.isRuined)
        var free = Unlearner(model: model, retaining: few, validation: Patterns.test, method: Demolition())
        free.guarding = nil
        #expect(try await !free.forget(classes: MethodCase.classes).isRuined)
    }

    @Test("a method that does well runs once, without the examples that it is watched on")
    func watches() async throws {
        let counter = Counter()
        let outcome = try await unlearner(Counting(counter: counter)).forget(classes: MethodCase.classes)
        // A twentieth of 450, rounded, is held out.
        #expect(counter.counts.withLock { $0 } == [427])
        #expect(outcome.notes.isEmpty && !outcome.isRuined)
        // Too few to be watched.
        let few = try Patterns.train.samples(perClass: 30, excluding: MethodCase.classes)
        let unwatched = try await Unlearner(
            model: try await Patterns.model, retaining: few, method: Counting(counter: counter)
        ).forget(classes: MethodCase.classes)
        #expect(unwatched.notes.isEmpty && !unwatched.isRuined)
        #expect(counter.counts.withLock { $0 } == [427, 150])
    }

    @Test("gentler settings have lower rates, and every trained method has them")
    func gentler() throws {
        let model = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 0)
        for case let method as any TrainedMethod in UnlearningMethods.all {
            let gentler = try #require(method.gentler(by: 4, for: model) as? any TrainedMethod)
            #expect(gentler.training.learningRate == method.training.learningRate / 4)
        }
        let unsir = try #require(UNSIR(configuration: .paper).gentler(by: 2, for: model) as? UNSIR).configuration
        #expect(unsir.impair.training.learningRate == 0.01 && unsir.repair.learningRate == 0.005)
        #expect((MaskedTeacherRepair().gentler(by: 2, for: model) as? MaskedTeacherRepair)?.learningRate == 5e-4)
        #expect((FisherForgetting(scale: 4).gentler(by: 2, for: model) as? FisherForgetting)?.scale == 1)
        #expect(LastRowEdit().gentler(by: 2, for: model) == nil)
    }
}

/// Sets every weight of the last layer to 0.
private struct Demolition: UnlearningMethod {
    let name = "demolition"
    var requirements: Set<Requirement> = []

    func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        try run.phase(.forgetting) {
            let head = request.model.parameters.filter { $0.key.hasPrefix("fc.") }
            return try request.model.replacing(head.mapValues { Tensor(repeating: 0, shape: $0.shape) })
        }
    }
}

private final class Counter: Sendable {
    let counts = Mutex<[Int]>([])
}

/// Draws a head row again, and counts the examples that it could have seen.
private struct Counting: UnlearningMethod {
    let counter: Counter
    let name = "counting"
    let requirements: Set<Requirement> = [.retainData]

    func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let count = try request.retained().count
        counter.counts.withLock { $0.append(count) }
        return try LastRowEdit().run(request, run)
    }

    func encode(to encoder: any Encoder) throws { try name.encode(to: encoder) }
}
