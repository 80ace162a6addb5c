import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Forgetting", .tags(.unlearning))
struct UnlearnerTests {
    @Test("classes are forgotten and the others kept", arguments: [[2], [0, 4]] as [Set<Int>])
    func forgets(classes: Set<Int>) async throws {
        let model = try await Patterns.model
        let before = model.stateDictionary
        let outcome = try await Patterns.unlearner(forgetting: classes, validated: true).forget(
            classes: classes)
        let (old, new) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        let forgotten = (try #require(old.forgotten), try #require(new.forgotten))
        let retained = (try #require(old.retained), try #require(new.retained))
        // Seeds 0 to 7 leave at most 3 % of the forgotten classes, and take at most 6 points from the others.
        #expect(forgotten.0 > 0.9 && retained.0 > 0.9)
        #expect(forgotten.1 <= 0.05)
        #expect(retained.1 >= retained.0 - 0.1)
        #expect(model.stateDictionary == before)
        #expect(outcome.model.stateDictionary != before)
    }

    @Test("the outcome tells what was done")
    func outcome() async throws {
        let log = ProgressLog()
        let classes: Set<Int> = [1, 3]
        let unlearner = try await Patterns.unlearner(
            forgetting: classes, validated: true, options: RunOptions(seed: 3))
        let outcome = try await unlearner.forget(classes: classes, progress: log.handler)
        // 4 classes of 90 images, and 2 of 64 noise images shown 5 times, in batches of 16.
        let steps: [RunPhase: Int] = [.noise: 20, .impair: (360 + 640 + 15) / 16, .repair: (360 + 15) / 16]
        #expect(outcome.losses.mapValues(\.count) == steps)
        #expect(outcome.steps == 20 + 63 + 23)
        #expect(outcome.forgottenClasses == classes && outcome.noise.map(\.label) == [1, 3])
        #expect(outcome.noise.allSatisfy { $0.images.shape == [64, 12, 12, 1] })
        #expect(Set(outcome.phaseTimes.keys) == [.noise, .impair, .repair])
        #expect(outcome.phaseTimes.values.allSatisfy { $0 > .zero })
        #expect(outcome.totalTime == outcome.phaseTimes.values.reduce(.zero, +))
        #expect(outcome.configuration == Patterns.configuration && outcome.options.seed == 3)
        #expect(outcome.accuracyBefore?.counts == [Int](repeating: 50, count: 6))
        #expect(outcome.accuracyAfter?.forgottenClasses == classes)
        var remembering = unlearner.model.metadata
        remembering.forgottenClasses = classes
        remembering.requests = [ForgottenRequest(classes: classes.sorted())]
        #expect(outcome.model.metadata == remembering)
        #expect(Set(outcome.model.stateDictionary.keys) == Set(unlearner.model.stateDictionary.keys))
        let lines = outcome.summary.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(
            lines[0].hasPrefix("Approximate class unlearning of pattern 1, pattern 3: 106 steps in "))

        let batches = 2  // of up to 250 of the 300 validation images
        let expected: [(RunPhase, Int)] = [
            (.evaluation, batches), (.noise, 20), (.impair, 63), (.evaluation, batches), (.repair, 23),
            (.evaluation, batches),
        ]
        let reported = log.all.map { "\($0.phase) \($0.step)/\($0.stepCount)" }
        #expect(
            reported == expected.flatMap { phase, count in (1...count).map { "\(phase) \($0)/\(count)" } })
        #expect(log.all.filter { $0.phase == .impair }.map(\.loss) == outcome.losses[.impair])
        #expect(log.all.filter { $0.phase == .noise }.map(\.loss) == outcome.losses[.noise])
        #expect(log.all.allSatisfy { ($0.accuracy != nil) == [.impair, .repair].contains($0.phase) })
    }

    @Test("the three steps by hand make the same model")
    func composition() async throws {
        let classes = [0, 5]
        let options = RunOptions(seed: 11)
        let unlearner = try await Patterns.unlearner(forgetting: Set(classes), options: options)
        let outcome = try await unlearner.forget(classes: classes)
        let model = unlearner.model
        let retain = try model.prepare(Patterns.retained(without: Set(classes)))
        let configuration = Patterns.configuration
        let noise = try await NoiseMaximizer(configuration: configuration.noise)
            .noise(classes: classes, model: model, options: options)
        let impaired = try await ImpairStep(configuration: configuration.impair)
            .impair(model, noise: noise, retaining: retain, options: options)
        let repaired = try await RepairStep(configuration: configuration.repair)
            .repair(impaired.model, retaining: retain, options: options)
        #expect(repaired.model.stateDictionary == outcome.model.stateDictionary)
        #expect(noise.map(\.images) == outcome.noise.map(\.images))
        #expect(impaired.losses == outcome.losses[.impair])
        #expect(repaired.losses == outcome.losses[.repair])
    }

    @Test("classes go by name and number, and come as any sequence")
    func names() async throws {
        let unlearner = try await Patterns.unlearner(forgetting: [1, 2])
        let byName = try await unlearner.forget(classesNamed: ["pattern 2", "1"])
        let byNumber = try await unlearner.forget(classes: 1...2)
        #expect(byName.forgottenClasses == [1, 2])
        #expect(byName.model.stateDictionary == byNumber.model.stateDictionary)
        #expect(
            await message { try await unlearner.forget(classesNamed: ["Hat"]) }
                == "the model has no class 'Hat'; its classes are: pattern 0, pattern 1, pattern 2, "
                + "pattern 3, pattern 4, pattern 5")
    }

    @Test("without noise steps noise is random, and the run still works")
    func randomNoise() async throws {
        var unlearner = try await Patterns.unlearner(forgetting: [0], validated: true)
        var configuration = Patterns.configuration
        configuration.noise.steps = 0
        unlearner.method = UNSIR(configuration: configuration)
        let log = ProgressLog()
        let outcome = try await unlearner.forget(classes: [0], progress: log.handler)
        #expect(outcome.losses[.noise] == [] && outcome.noise[0].objectives.isEmpty)
        #expect(log.all.allSatisfy { $0.timeLeft >= .zero })
        #expect(outcome.accuracyAfter != nil)
    }

    @Test("a second request goes on from the first one's model")
    func sequence() async throws {
        let first = try await Patterns.unlearner(forgetting: [0]).forget(classes: [0])
        var unlearner = Unlearner(
            model: first.model, retaining: try Patterns.retained(without: [0, 1]), validation: Patterns.test,
            method: .unsir(Patterns.configuration))
        unlearner.guarding = nil
        let second = try await unlearner.forget(classes: [1])
        let accuracy = try #require(second.accuracyAfter)
        #expect(try #require(accuracy.perClass[0]) <= 0.1 && #require(accuracy.perClass[1]) <= 0.1)
        #expect(try #require(accuracy.perClass[5]) >= 0.7)
    }

    @Test("the comparison with retraining trains, forgets and retrains")
    func comparison() async throws {
        let model = Model(graph: try convolutionalNetwork(Patterns.shape, classes: 6), seed: 7)
        let entries = try await RetrainingComparison(
            training: TrainingConfiguration(epochs: 2, batchSize: 32, learningRate: 0.005),
            unlearning: UNSIR(configuration: Patterns.configuration), samplesPerClass: 90
        ).run(model, classes: [2], images: Patterns.train, test: Patterns.test)
        #expect(entries.map(\.stage) == [.original, .unlearned, .retrained])
        #expect(entries.map(\.steps) == [38, 20 + 49 + 29, 32])
        #expect(entries[2].accuracy.forgotten == 0)
        #expect(entries.allSatisfy { ($0.accuracy.retained ?? 0) > 0.7 })
    }
}
