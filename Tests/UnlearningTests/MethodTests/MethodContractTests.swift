import Foundation
import Synchronization
import TestSupport
import Testing
import Unlearning

@Suite("Every method", .tags(.methods))
struct MethodContractTests {
    @Test(
        "forgets the class as well as it is meant to, leaves the original alone, and reports and times its steps",
        arguments: MethodCase.all)
    func forgets(item: MethodCase) async throws {
        let model = try await Patterns.model
        let before = model.stateDictionary
        let log = ProgressLog()
        let outcome = try await MethodCase.unlearner(item.method, validated: true)
            .forget(classes: MethodCase.classes, progress: log.handler)
        let accuracy = try #require(outcome.accuracyAfter)
        let (forgotten, retained) = (try #require(accuracy.forgotten), try #require(accuracy.retained))
        if ProcessInfo.processInfo.environment["SHOW"] != nil {
            print("SHOW \(item.method.name) forgotten \(forgotten) retained \(retained) steps \(outcome.steps)")
        }
        #expect(forgotten <= item.mostForgotten)
        #expect(retained >= item.leastRetained)
        #expect(model.stateDictionary == before)
        #expect(outcome.model.stateDictionary != before)
        #expect(Set(outcome.model.stateDictionary.keys) == Set(before.keys))
        var remembering = model.metadata
        remembering.forgottenClasses = MethodCase.classes
        remembering.requests = [ForgottenRequest(classes: MethodCase.classes.sorted())]
        // A network that was trained anew saw fewer images than the original.
        if item.method is FullRetraining { remembering.training = outcome.model.metadata.training }
        #expect(outcome.model.metadata == remembering)
        #expect(outcome.method.name == item.method.name && outcome.forgottenClasses == MethodCase.classes)
        expect(log.all, of: outcome)
    }

    /// Every step of a run's phases is reported, in order, and timed.
    private func expect(_ reported: [RunProgress], of outcome: UnlearningOutcome) {
        #expect(reported.first?.phase == .evaluation && reported.last?.phase == .evaluation)
        let worked = Set(reported.map(\.phase)).subtracting([.evaluation])
        #expect(worked == Set(outcome.phaseTimes.keys) && !worked.isEmpty)
        #expect(outcome.phaseTimes.values.allSatisfy { $0 > .zero })
        #expect(reported.allSatisfy { $0.step >= 1 && $0.step <= $0.stepCount && $0.timeLeft >= .zero })
        for (phase, losses) in outcome.losses where phase != .noise {
            #expect(reported.filter { $0.phase == phase }.compactMap(\.loss) == losses)
        }
        #expect(zip(reported, reported.dropFirst()).allSatisfy { $0.elapsed <= $1.elapsed })
    }

    @Test("gives the same model on any number of threads, and another one from another seed", arguments: MethodCase.all)
    func deterministic(item: MethodCase) async throws {
        func model(_ options: RunOptions) async throws -> [String: Tensor] {
            try await MethodCase.unlearner(item.method, options: options).forget(classes: MethodCase.classes)
                .model.stateDictionary
        }
        let first = try await model(RunOptions(seed: 5, threadCount: 1))
        #expect(try await model(RunOptions(seed: 5, threadCount: 3)) == first)
        // Dampening and DAMP draw nothing that shows as long as all examples are looked at and every probe is right.
        let draws = item.method.name != "ssd" && item.method.name != "damp"
        if draws {
            #expect(try await model(RunOptions(seed: 6, threadCount: 1)) != first)
        }
    }

    @Test("stops at its next step when its task is cancelled", arguments: MethodCase.all)
    func cancelled(item: MethodCase) async throws {
        // The row's edit is one step, which is over before anybody can ask.
        guard !(item.method is LastRowEdit) else { return }
        let unlearner = try await MethodCase.unlearner(item.method)
        for phase in try await phases(of: unlearner) {
            let (steps, continuation) = AsyncStream.makeStream(of: Void.self)
            // The run's own thread waits here, so that the wish is there before the next step.
            let gate = DispatchSemaphore(value: 0)
            let isFirst = Mutex(true)
            let task = Task {
                try await unlearner.forget(classes: MethodCase.classes) { progress in
                    guard progress.phase == phase else { return }
                    let holds = isFirst.withLock { first in
                        defer { first = false }
                        return first
                    }
                    guard holds else { return }
                    continuation.yield()
                    gate.wait()
                }
            }
            for await _ in steps { break }
            task.cancel()
            gate.signal()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    /// The phases of a run that have more than one step, so that there is one to stop at.
    private func phases(of unlearner: Unlearner) async throws -> [RunPhase] {
        let log = ProgressLog()
        _ = try await unlearner.forget(classes: MethodCase.classes, progress: log.handler)
        return Set(log.all.filter { $0.stepCount > 1 }.map(\.phase)).sorted { $0.rawValue < $1.rawValue }
    }

    @Test("says what it lacks", arguments: UnlearningMethods.all.map(Named.init))
    func needs(item: Named) async throws {
        let model = try await Patterns.model
        let method = item.method
        let retain = try Patterns.retained(without: [2])
        let forget = try Patterns.train.only(classes: [2])
        for need in method.requirements {
            let lacksRetain = need == .retainData || need == .allRetainData
            let unlearner = Unlearner(
                model: model, retaining: lacksRetain ? nil : retain, forgetting: need == .forgetData ? nil : forget,
                method: method, training: need == .originalTraining ? nil : Patterns.training)
            let expected = need == .allRetainData ? Requirement.retainData : need
            await #expect(throws: UnlearningError.missingNeed(method: method.name, need: expected)) {
                try await unlearner.forget(classes: [2])
            }
        }
        let text = try #require(
            await message { try await Unlearner(model: model, retaining: retain, method: SCRUB()).forget(classes: [2]) }
        )
        #expect(
            text == "method 'scrub' needs examples of what is to be forgotten; give it as 'forgetting', "
                + "or take another method")
    }

    @Test("the names are different, and each finds its method with settings that have a JSON form")
    func names() throws {
        #expect(Set(UnlearningMethods.names).count == UnlearningMethods.all.count)
        for name in UnlearningMethods.names {
            let method = try UnlearningMethods.named(name)
            #expect(method.name == name)
            try method.validate()
            #expect(try JSONEncoder().encode(method).count >= 2)
        }
        #expect(throws: UnlearningError.unknownMethod(name: "amnesia", known: UnlearningMethods.names)) {
            try UnlearningMethods.named("amnesia")
        }
    }

    @Test("what does not belong to the classes is refused")
    func wrongData() async throws {
        let model = try await Patterns.model
        let retain = try Patterns.retained(without: [2])
        await #expect(throws: UnlearningError.forgetsRetainedClass(index: 1, count: 100)) {
            try await Unlearner(
                model: model, retaining: retain, forgetting: try Patterns.train.only(classes: [1, 2]), method: SCRUB()
            ).forget(classes: [2])
        }
        await #expect(throws: UnlearningError.retainsForgottenClass(index: 2, count: 90)) {
            try await Unlearner(model: model, retaining: try Patterns.retained(without: [1]), method: FineTuning())
                .forget(classes: [2])
        }
    }

    @Test("a method of the caller's own composes the steps, and is run like any other")
    func composition() async throws {
        let log = ProgressLog()
        let outcome = try await MethodCase.unlearner(NoiseThenRepair(), validated: true)
            .forget(classes: MethodCase.classes, progress: log.handler)
        #expect(Set(outcome.phaseTimes.keys) == [.noise, .impair, .repair])
        #expect(outcome.noise.map(\.label) == [2] && outcome.configuration == nil)
        #expect(outcome.losses[.repair]?.count == log.all.count { $0.phase == .repair })
        #expect(try #require(outcome.accuracyAfter?.forgotten) < 0.1)
        // With the same settings it is the built-in method.
        var same = Patterns.configuration
        same.repair = NoiseThenRepair.repair
        let builtIn = try await MethodCase.unlearner(UNSIR(configuration: same)).forget(classes: MethodCase.classes)
        #expect(outcome.model.stateDictionary == builtIn.model.stateDictionary)
    }

    @Test("training that diverges ends in an error", arguments: diverging.map(Named.init))
    func diverges(item: Named) async throws {
        await #expect {
            try await MethodCase.unlearner(item.method).forget(classes: MethodCase.classes)
        } throws: { error in
            (error as? UnlearningError)?.code == .diverged
        }
    }

    private static let wild = TrainingConfiguration(
        epochs: 60, batchSize: 20, optimizer: .sgd(momentum: 0.9), learningRate: 1e12)
    private static let diverging: [any UnlearningMethod] = [
        FineTuning(training: wild), NegativeGradient(training: wild), RandomLabels(training: wild),
        AmnesiacRelabeling(training: wild), BoundaryShrink(training: wild), SCRUB(training: wild),
        BadTeacher(training: wild), SaliencyUnlearning(training: wild), MaskedDistillation(training: wild),
        TiltedReweighting(training: wild), LastStages(resetting: false, training: wild),
        MaskedTeacherRepair(training: wild, learningRate: 1e12),
        FisherForgetting(scale: 1e80),
    ]
}

/// A method from outside the package: the paper's steps with another repair.
private struct NoiseThenRepair: UnlearningMethod {
    static let repair = TrainingConfiguration(batchSize: 20, learningRate: 0.003)

    let name = "noise-then-repair"
    let requirements: Set<Requirement> = [.retainData]

    func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model {
        let configuration = Patterns.configuration
        let noise = try run.noise(NoiseMaximizer(configuration: configuration.noise), for: request)
        let impaired = try run.impair(
            ImpairStep(configuration: configuration.impair), request.model, noise: noise,
            retaining: request.retained())
        return try run.train(impaired, on: request.retained(), Self.repair, phase: .repair)
    }
}

/// A method as a test's argument.
struct Named: Sendable, CustomTestStringConvertible {
    let method: any UnlearningMethod
    var testDescription: String { method.name }
}
