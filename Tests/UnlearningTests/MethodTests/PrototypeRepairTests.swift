import Foundation
import ImageDatasets
import NeuralGraph
import TestSupport
import Testing
import Unlearning

@Suite("Repair towards prototypes", .tags(.methods))
struct PrototypeRepairTests {
    /// Small batches, as the small problem has few images.
    private static let training = TrainingConfiguration(
        epochs: 3, batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2))

    private func outcome(_ method: PrototypeRepair) async throws -> UnlearningOutcome {
        try await MethodCase.unlearner(method, validated: true).forget(classes: MethodCase.classes)
    }

    /// The variance of penultimate features within the retained classes, in multiples of the whole.
    private func spread(_ model: Model) async throws -> Double {
        let retain = try model.prepare(Patterns.test.samples(perClass: 50, excluding: MethodCase.classes))
        let body = try model.cut(at: #require(model.graph.penultimate)).head
        let features = try await Predictor().logits(of: retain, by: body)
        let d = features.shape[1]
        func variance(_ rows: [Int]) -> Double {
            (0..<d).reduce(0) { sum, column in
                let values = rows.map { Double(features[$0 * d + column]) }
                let mean = values.reduce(0, +) / Double(values.count)
                return sum + values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            }
        }
        let labels = retain.labels
        let within = Set(labels).reduce(0) { sum, label in
            sum + variance(labels.indices.filter { labels[$0] == label })
        }
        return within / variance(Array(labels.indices))
    }

    @Test("features gather at the prototypes, the more the more that weighs")
    func gathers() async throws {
        let loose = try await outcome(PrototypeRepair(featureWeight: 0, trainedShare: 1, training: Self.training))
        let tight = try await outcome(PrototypeRepair(featureWeight: 4, trainedShare: 1, training: Self.training))
        #expect(try await spread(tight.model) < 0.7 * spread(loose.model))
        for outcome in [loose, tight] {
            #expect(try #require(outcome.accuracyAfter?.forgotten) < 0.05)
            #expect(try #require(outcome.accuracyAfter?.retained) > 0.93)
            #expect(outcome.notes.isEmpty)
        }
    }

    @Test("blocks that start from new weights do not depend on the old ones, and the class is forgotten all the same")
    func reinitialized() async throws {
        let model = try await Patterns.model
        let method = PrototypeRepair(
            trainedShare: 0.7, reinitializedShare: 0.34,
            training: TrainingConfiguration(epochs: 6, batchSize: 20, schedule: .oneCycle), guarding: nil)
        let outcome = try await outcome(method)
        let (old, new) = (try #require(model.parameters["conv2.weight"]), outcome.model.parameters["conv2.weight"])
        let moved = euclideanNorm(zip(try #require(new).elements, old.elements).map { Double($0) - Double($1) })
        // Independent weights are about as far apart as they are long together.
        #expect(moved > euclideanNorm(old.elements.map(Double.init)))
        #expect(outcome.model.parameters["conv0.weight"] == model.parameters["conv0.weight"])
        #expect(try #require(outcome.accuracyAfter?.forgotten) < 0.05)
        #expect(try #require(outcome.accuracyAfter?.retained) > 0.88)
    }

    @Test("noise is learned and impairs the trained blocks before the repair, in bounded steps")
    func damage() async throws {
        var method = PrototypeRepair(trainedShare: 0.5, training: Self.training, guarding: nil)
        method.damage = PrototypeRepair.NoiseDamage(
            noise: NoiseMaximizer.Configuration(imagesPerClass: 16, steps: 5),
            impair: ImpairStep.Configuration(
                noiseRepetitions: 2, retainLimit: 48,
                training: TrainingConfiguration(batchSize: 20, learningRate: 0.005)))
        let damaged = try await outcome(method)
        #expect(damaged.noise.map(\.label) == [2])
        #expect(damaged.losses[.noise]?.count == 5)
        // 32 images of noise and 48 to retain, in batches of 20.
        #expect(damaged.losses[.impair]?.count == 4)
        #expect(try #require(damaged.accuracyAfter?.forgotten) < 0.05)
        #expect(try #require(damaged.accuracyAfter?.retained) > 0.9)
        let model = try await Patterns.model
        for key in ["conv0.weight", "conv1.weight"] {
            #expect(damaged.model.parameters[key] == model.parameters[key])
        }
    }

    @Test("the three steps by hand make the same weights as the method that is made of them")
    func byHand() async throws {
        let damage = PrototypeRepair.NoiseDamage(
            noise: NoiseMaximizer.Configuration(imagesPerClass: 16, steps: 5),
            impair: ImpairStep.Configuration(
                noiseRepetitions: 2, retainLimit: 48,
                training: TrainingConfiguration(batchSize: 20, learningRate: 0.005, freezesBatchNorm: true)))
        var training = Self.training
        training.learningRate = 0.005
        let method = PrototypeRepair(
            labelShare: 0.25, featureWeight: 2, trainedShare: 1, training: training, learningRate: 0.005,
            guarding: nil, damage: damage)
        let outcome = try await outcome(method)

        let model = try await Patterns.model
        let retain = try Patterns.retained(without: MethodCase.classes)
        let noise = try await NoiseMaximizer(configuration: damage.noise).noise(
            classes: MethodCase.classes, model: model)
        let impaired = try await ImpairStep(configuration: damage.impair).impair(
            model, noise: noise, retaining: retain)
        let step = RepairStep(
            configuration: training, targets: RepairTargets(labelShare: 0.25, featureWeight: 2))
        let repaired = try await step.repair(
            impaired.model, toward: model, forgetting: MethodCase.classes, retaining: retain)
        #expect(repaired.model.stateDictionary == outcome.model.stateDictionary)
        #expect(repaired.losses == outcome.losses[.repair])
        #expect(outcome.model.stateDictionary != model.stateDictionary)
    }

    @Test(
        "one image of each class forgets too: nothing is held out, and the model is not in ruins",
        arguments: [false, true])
    func oneImage(freezesBatchNorm: Bool) async throws {
        var method = PrototypeRepair.default
        method.training.freezesBatchNorm = freezesBatchNorm
        let retain = try Patterns.train.samples(perClass: 1, excluding: MethodCase.classes)
        #expect(retain.count == 5)
        let outcome = try await Unlearner(
            model: try await Patterns.model, retaining: retain, validation: Patterns.test, method: method
        ).forget(classes: MethodCase.classes)
        // Five images of noise, each shown once beside the five to retain.
        #expect(outcome.noise.map(\.images.shape.dimensions.first) == [5])
        #expect(outcome.losses.mapValues(\.count) == [.noise: 10, .impair: 1, .repair: 120])
        #expect(try #require(outcome.accuracyAfter?.forgotten) < 0.05)
        #expect(try #require(outcome.accuracyAfter?.retained) > 0.7)
        #expect(!outcome.isRuined)
    }

    @Test("a repair toward the original takes neither classes that it is to forget nor wrong settings")
    func wrongRepair() async throws {
        let model = try await Patterns.model
        let retain = try Patterns.retained(without: [3])
        #expect(
            await message {
                try await RepairStep().repair(model, toward: model, forgetting: [2], retaining: retain)
            }?.contains("class 2") == true)
        let other = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 1)
        #expect(
            await message {
                try await RepairStep().repair(model, toward: other, forgetting: [2], retaining: retain)
            }?.hasPrefix("original cannot be a network with other features or classes") == true)
        let wrong = RepairStep(targets: RepairTargets(labelShare: 2))
        #expect(
            await message { try await wrong.repair(model, toward: model, forgetting: [3], retaining: retain) }
                == "label share cannot be 2.0; use a number from 0 to 1")
    }

    @Test("the noise of many classes is as much as that of a few, and no more than there are retain examples")
    func boundedNoise() {
        let damage = PrototypeRepair.NoiseDamage()
        // Classes, retain examples, noise images of each class, how often each is shown.
        for (classes, retained, images, shown) in [
            (1, 9000, 128, 4), (2, 9000, 128, 4), (4, 9000, 64, 4), (100, 9000, 2, 4), (1000, 9000, 1, 1),
            (1, 192, 128, 1),
            (2, 192, 96, 1), (8, 3, 1, 1), (1, 600, 128, 4), (1, 300, 128, 2),
        ] {
            let bounded = damage.bounded(classes: classes, retained: retained)
            #expect(bounded.noise.imagesPerClass == images)
            #expect(bounded.impair.noiseRepetitions == shown, "\(classes) \(retained)")
        }
    }

    @Test("retain examples are drawn evenly over the classes, and a small class's part goes to the others")
    func evenDraw() throws {
        let labels = [(0, 100), (1, 3), (2, 10), (3, 60)].flatMap { [Int](repeating: $0.0, count: $0.1) }
        let examples = try TensorExamples(Tensor(repeating: 0, shape: [labels.count, 2]), labels: labels)
        func counts(_ limit: Int?, seed: UInt64 = 1) throws -> [Int] {
            let drawn = try examples.drawn(atMost: limit, seed: seed).labels
            return (0..<4).map { label in drawn.count { $0 == label } }
        }
        #expect(try counts(nil) == [100, 3, 10, 60] && counts(173) == [100, 3, 10, 60])
        #expect(try counts(53) == [20, 3, 10, 20])
        #expect(try counts(4) == [1, 1, 1, 1])
        #expect(try counts(2).reduce(0, +) == 2)
        func positions(_ seed: UInt64) throws -> [Int]? {
            (try examples.drawn(atMost: 53, seed: seed) as? ExampleSubset)?.indices
        }
        #expect(try positions(1) == positions(1) && positions(1) != positions(2))
        #expect(try positions(1) == positions(1)?.sorted())
    }

    @Test("a limit on retain examples bounds the steps")
    func limited() async throws {
        var method = PrototypeRepair(training: Self.training, retainLimit: 100, guarding: nil)
        // Three epochs of 100 images in batches of 20.
        #expect(try await outcome(method).losses[.repair]?.count == 15)
        method.retainLimit = nil
        // Of all 450, with a smaller batch at the end of each.
        #expect(try await outcome(method).losses[.repair]?.count == 3 * 23)
    }

    @Test("the outcome has the accuracy after the impair step where there are validation data")
    func accuracyAfterImpair() async throws {
        var method = PrototypeRepair(training: Self.training, guarding: nil)
        method.damage = PrototypeRepair.NoiseDamage(
            noise: NoiseMaximizer.Configuration(imagesPerClass: 32, steps: 10),
            impair: ImpairStep.Configuration(
                noiseRepetitions: 20, training: TrainingConfiguration(batchSize: 20, learningRate: 0.02)))
        let measured = try await outcome(method)
        let impaired = try #require(measured.accuracies[.impair])
        #expect(measured.accuracies[.repair]?.correct == measured.accuracyAfter?.correct)
        // So large a rate hurts the retained classes, until they are repaired.
        #expect(try #require(impaired.retained) < #require(measured.accuracyAfter?.retained))
        let unmeasured = try await MethodCase.unlearner(method, validated: false).forget(classes: MethodCase.classes)
        #expect(unmeasured.accuracies.isEmpty)
        #expect(unmeasured.model.stateDictionary == measured.model.stateDictionary)
    }

    @Test("blocks that are not trained stay to the bit", arguments: [(0.0, 1), (0.5, 1), (0.7, 2), (1.0, 3)])
    func share(share: Double, blocks: Int) async throws {
        let model = try await Patterns.model
        let new = try await outcome(
            PrototypeRepair(trainedShare: share, training: Self.training, guarding: nil)
        ).model
        let trained = ["conv2", "bn2", "conv1", "bn1", "conv0", "bn0"].prefix(2 * blocks) + ["fc"]
        for (key, tensor) in model.stateDictionary where !key.hasSuffix("tracked") {
            let moves = trained.contains { key.hasPrefix("\($0).") }
            #expect((new.stateDictionary[key] != tensor) == moves, "\(key)")
        }
    }

    @Test("a rate that costs retain accuracy is lowered, and the outcome says so")
    func backsOff() async throws {
        let wild = PrototypeRepair(
            training: Self.training, learningRate: 3,
            guarding: RetainGuard(share: 0.2, tolerance: 0, attempts: 4, divisor: 20))
        var unguarded = wild
        unguarded.guarding = nil
        let (kept, lost) = (try await outcome(wild), try await outcome(unguarded))
        #expect(try #require(lost.accuracyAfter?.retained) < 0.8)
        #expect(try #require(kept.accuracyAfter?.retained) > 0.9)
        #expect(lost.notes.isEmpty && !kept.notes.isEmpty)
        #expect(kept.notes.allSatisfy { $0.contains("backed off to") })
        #expect(kept.notes[0].hasPrefix("retain accuracy on 90 watched examples fell from "))
        #expect(kept.notes[0].hasSuffix("at a rate of 3; backed off to 0.15"))
        #expect(kept.summary.contains("\nnote: retain accuracy"))
        // Every attempt's steps are counted.
        #expect(kept.steps == (kept.notes.count + 1) * 54)
    }

    @Test("a run that diverges is tried again at a lower rate; one that always does is an error", .tags(.slow), .slow)
    func divergence() async throws {
        let endless = TrainingConfiguration(epochs: 60, batchSize: 20, optimizer: .sgd(momentum: 0.9))
        func method(_ attempts: Int) -> PrototypeRepair {
            PrototypeRepair(
                trainedShare: 1, training: endless, learningRate: 1e12,
                guarding: RetainGuard(attempts: attempts, divisor: 1e15))
        }
        let saved = try await outcome(method(2))
        #expect(saved.notes.count == 1 && saved.notes[0].contains("diverged"))
        await #expect {
            try await outcome(method(1))
        } throws: { error in
            (error as? UnlearningError)?.code == .diverged && "\(error)".hasPrefix("repair diverged")
        }
    }

    @Test("where no attempt will do, the best one is handed over")
    func best() async throws {
        let run = try await RunContext.run(RunOptions(), progress: nil) { context in
            let run = UnlearningSession(context: context)
            let model = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 1)
            var (rates, found) = ([Double](), [40, 55, 50].makeIterator())
            let kept = try RetainGuard(attempts: 3, divisor: 10).train(at: 1, after: Self.answers(95), run) { rate in
                rates.append(rate)
                return try model.replacing("fc1.bias", at: 0, with: Float(rate))
            } answers: { _ in
                Self.answers(found.next() ?? 0)
            }
            return (rates, kept.parameters["fc1.bias"]?[0], run.notes)
        }
        #expect(run.0.map { ($0 * 1000).rounded() } == [1000, 100, 10])
        #expect(run.1 == 0.1)
        #expect(run.2.count == 3 && run.2[2].hasSuffix("no more attempts"))
    }

    private static func answers(_ correct: Int, loss: Double = 0.2, count: Int = 100) -> WatchedAnswers {
        WatchedAnswers(count: count, correct: correct, loss: loss, guess: log(3))
    }

    /// What a guard keeps of attempts that end in a model with these answers, or in an error where there are none.
    private func kept(
        _ attempts: [WatchedAnswers?], after before: WatchedAnswers = answers(95), weights: [Float]? = nil
    ) async throws -> (bias: Float?, notes: [String], isRuined: Bool) {
        try await RunContext.run(RunOptions(), progress: nil) { context in
            let run = UnlearningSession(context: context)
            let model = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 1)
            var attempt = -1
            let kept = try RetainGuard(attempts: attempts.count, divisor: 10).train(at: 1, after: before, run) { _ in
                attempt += 1
                if attempts[attempt] == nil { throw UnlearningError.unsoundModel(.notFinite(tensor: "x", value: .nan)) }
                return try model.replacing("fc1.bias", at: 0, with: weights?[attempt] ?? Float(attempt))
            } answers: { _ in
                try #require(attempts[attempt])
            }
            return (kept.parameters["fc1.bias"]?[0], run.notes, run.isRuined)
        }
    }

    @Test("a loss above a guess's is objected to, as are weights that are no numbers")
    func losses() async throws {
        // The accuracy holds; the loss is above ln 3, and above the original's.
        let calmed = try await kept([Self.answers(95, loss: 1.2), Self.answers(94)])
        #expect(calmed.bias == 1 && !calmed.isRuined)
        #expect(
            calmed.notes == [
                "the loss on 100 watched examples of retained classes rose from 0.2 to 1.2, above that of a guess at a rate of "
                    + "1; backed off to 0.1"
            ])
        #expect(try await kept([Self.answers(95, loss: 1.2)]).isRuined)
        #expect(try await kept([Self.answers(95, loss: 1.2)], after: Self.answers(95, loss: 1.3)).notes.isEmpty)
        // One answer can make the loss of a few.
        #expect(
            try await kept([Self.answers(4, loss: 1.2, count: 5)], after: Self.answers(5, count: 5)).notes.isEmpty)
        let undefined = try await kept([Self.answers(95, loss: .nan), Self.answers(93)])
        #expect(undefined.bias == 1 && undefined.notes.count == 1)
        let broken = try await kept([Self.answers(95), Self.answers(95)], weights: [.nan, 3])
        #expect(broken.bias == 3 && broken.notes.count == 1 && broken.notes[0].contains("tensor 'fc1.bias'"))
        let thrown = try await kept([nil, Self.answers(95)])
        #expect(thrown.bias == 1 && thrown.notes.count == 1 && thrown.notes[0].hasSuffix("; backed off to 0.1"))
        await #expect(throws: UnlearningError.self) { try await kept([nil]) }
    }

    @Test("guard and synthesizer are read from records that lack settings")
    func earlierRecords() throws {
        let decoder = JSONDecoder()
        let early = try decoder.decode(RetainGuard.self, from: Data("{\"share\":0.1,\"unknown\":1}".utf8))
        #expect(early == RetainGuard(share: 0.1))
        let inputs = try decoder.decode(InputSynthesizer.self, from: Data("{\"steps\":7}".utf8))
        #expect(inputs == InputSynthesizer(steps: 7))
        for value in [RetainGuard(), RetainGuard(share: 0.2, tolerance: 0.1, attempts: 2, divisor: 3)] {
            #expect(try decoder.decode(RetainGuard.self, from: JSONEncoder().encode(value)) == value)
        }
    }

    @Test("few watched examples have to be far worse before they count")
    func objections() {
        let guarding = RetainGuard(tolerance: 0.02)
        #expect(!guarding.objects(to: 9, original: 10, of: 10))
        #expect(!guarding.objects(to: 7, original: 9, of: 10))
        #expect(guarding.objects(to: 6, original: 9, of: 10))
        // Of a thousand, 0.9 is known to a hundredth.
        #expect(!guarding.objects(to: 865, original: 900, of: 1000))
        #expect(guarding.objects(to: 855, original: 900, of: 1000))
        #expect(!guarding.objects(to: 0, original: 0, of: 0))
    }

    @Test("what is watched is not trained on", arguments: [1, 2, 7, 100, 100_000])
    func split(count: Int) {
        let guarding = RetainGuard(share: 0.1)
        let (shown, watched) = guarding.split(count, seed: 3)
        #expect(Set(shown).union(watched) == Set(0..<count) && shown.count + watched.count == count)
        #expect(!shown.isEmpty)
        #expect(watched.count == [1: 0, 2: 0, 7: 1, 100: 10, 100_000: 1000][count])
        #expect(guarding.split(count, seed: 3).watched == watched)
        #expect(count < 100 || guarding.split(count, seed: 4).watched != watched)
    }

    @Test("the rate follows the original's, within limits, and whether there is batch norm")
    func rate() throws {
        let plain = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 0)
        var normalized = Model(graph: try vectorNetwork(features: 2, classes: 3, normalizes: true), seed: 0)
        let method = PrototypeRepair()
        #expect(method.rate(for: plain) == 1e-3)
        for (trained, rate) in [(nil, 2e-3), (5e-4, 1e-3), (0.1, 5e-3), (1e-6, 5e-4)] as [(Double?, Double)] {
            normalized.metadata.learningRate = trained
            #expect(method.rate(for: normalized) == rate)
        }
        #expect(PrototypeRepair(learningRate: 0.3).rate(for: plain) == 0.3)
        #expect(PrototypeRepair(rateFactor: 0.5).rate(for: plain) == 5e-4)
    }

    @Test("a network without a last linear layer is refused by name")
    func noHead() async throws {
        var builder = GraphBuilder(inputShape: [12, 12, 1])
        let x = try builder.convolution(builder.input, named: "conv", channels: 6, kernelSize: 3)
        _ = try builder.globalAveragePool(x, named: "pool")
        let model = Model(graph: try builder.graph(), seed: 0)
        await #expect(throws: UnlearningError.noLinearHead(method: "default")) {
            try await Unlearner(model: model, retaining: Patterns.retained(without: [2])).forget(classes: [2])
        }
        // One that reads the input itself has no features.
        let linear = try undecidedModel(features: 4, classes: 3)
        let points = try blobs(classes: 2, perClass: 20, features: 4, seed: 1)
        await #expect(throws: UnlearningError.noLinearHead(method: "default")) {
            try await Unlearner(model: linear, retaining: points).forget(classes: [2])
        }
    }

    @Test("one retain example is enough to run, and a network without blocks before the last works")
    func small() async throws {
        let model = Model(graph: try vectorNetwork(features: 4, classes: 3), seed: 0)
        let point = try TensorExamples(Tensor([1, 2, 3, 4], shape: [1, 4]), labels: [1])
        for preset in [UnlearningPreset.default, .noiseless, .fast, .thorough] {
            let outcome = try await Unlearner(model: model, retaining: point, method: preset.method).forget(classes: [0]
            )
            #expect(outcome.model.firstNonFiniteTensor == nil)
        }
    }

    @Test("settings out of range are named with value and remedy")
    func settings() async {
        for (method, text) in [
            (PrototypeRepair(labelShare: 2), "label share cannot be 2.0; use a number from 0 to 1"),
            (PrototypeRepair(trainedShare: -1), "trained share cannot be -1.0; use a number from 0 to 1"),
            (PrototypeRepair(featureWeight: .nan), "feature weight cannot be nan; use a finite number of at least 0"),
            (PrototypeRepair(learningRate: 0), "learning rate cannot be 0.0; use a finite number above 0"),
            (PrototypeRepair(rateFactor: 0), "rate factor cannot be 0.0; use a finite number above 0"),
            (PrototypeRepair(retainLimit: 0), "retain limit cannot be 0; use a number from 1 to 100000000"),
            (
                PrototypeRepair(damage: PrototypeRepair.NoiseDamage(imageLimit: 0)),
                "noise image limit cannot be 0; use a number from 1 to 1000000"
            ),
            (
                PrototypeRepair(guarding: RetainGuard(share: 0)),
                "guard's share cannot be 0.0; use a number above 0, at most 0.5"
            ),
            (
                PrototypeRepair(guarding: RetainGuard(tolerance: 2)),
                "guard's tolerance cannot be 2.0; use a number from 0 to 1"
            ),
            (
                PrototypeRepair(guarding: RetainGuard(attempts: 0)),
                "guard's attempts cannot be 0; use a number from 1 to 100"
            ),
            (
                PrototypeRepair(guarding: RetainGuard(divisor: 1)),
                "guard's divisor cannot be 1.0; use a finite number above 1"
            ),
        ] as [(PrototypeRepair, String)] {
            #expect(await message { try method.validate() } == text)
        }
    }
}
