import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Methods with teachers, and methods on parts of the network", .tags(.methods))
struct TeacherTests {
    /// A model's probabilities, `[examples][classes]`.
    private func answers(_ model: Model, _ examples: any ExampleSource, masking: Set<Int> = []) async throws
        -> [[Double]]
    {
        let logits = try await Predictor().logits(of: examples, by: model).masking(masking)
        let probabilities = try Softmax.probabilities(of: logits)
        let K = model.classCount
        return (0..<examples.count).map { row in (0..<K).map { Double(probabilities[row * K + $0]) } }
    }

    /// The mean total variation of two lists of distributions.
    private func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
        var sum = 0.0
        for (first, second) in zip(a, b) {
            for (p, q) in zip(first, second) { sum += abs(p - q) / 2 }
        }
        return sum / Double(max(1, a.count))
    }

    private func data() async throws -> (model: Model, retain: any ExampleSource, forget: any ExampleSource) {
        let model = try await Patterns.model
        return (
            model, try model.prepare(Patterns.retained(without: [2])),
            try model.prepare(Patterns.train.only(classes: [2]))
        )
    }

    private func unlearned(_ method: any UnlearningMethod) async throws -> Model {
        try await MethodCase.unlearner(method).forget(classes: MethodCase.classes).model
    }

    @Test("SCRUB leaves the original on the forget data and keeps to it on the retain data")
    func scrub() async throws {
        let (model, retain, forget) = try await data()
        let new = try await unlearned(SCRUB(training: MethodCase.training(epochs: 3)))
        let far = distance(try await answers(new, forget), try await answers(model, forget))
        let near = distance(try await answers(new, retain), try await answers(model, retain))
        #expect(far > 0.8 && near < 0.15)
        // With the divergence on the retain data alone nothing drives it away.
        let kept = try await unlearned(
            SCRUB(
                divergenceWeight: 1, labelWeight: 0, maximizingEpochs: 0,
                training: MethodCase.training(epochs: 3, rate: 5e-4)))
        #expect(distance(try await answers(kept, forget), try await answers(model, forget)) < 0.5 * far)
    }

    @Test("a student of a bad teacher answers like random weights to what it forgets")
    func badTeacher() async throws {
        let (model, retain, forget) = try await data()
        let new = try await unlearned(BadTeacher(training: MethodCase.training(epochs: 4, rate: 0.002)))
        var seeds = SeededRandom(seed: 0, stream: "bad-teacher.weights")
        let bad = try await answers(Model(graph: model.graph, seed: seeds.next()), forget)
        #expect(distance(try await answers(model, forget), bad) > 0.6)
        #expect(distance(try await answers(new, forget), bad) < 0.3)
        #expect(distance(try await answers(new, retain), try await answers(model, retain)) < 0.2)
    }

    @Test("masked distillation answers what the original would without the class")
    func maskedDistillation() async throws {
        let (model, _, forget) = try await data()
        let masked = try await answers(model, forget, masking: [2])
        #expect(masked.allSatisfy { $0[2] == 0 && abs($0.reduce(0, +) - 1) < 1e-5 })
        let new = try await unlearned(MaskedDistillation(training: MethodCase.descent(epochs: 10, rate: 0.002)))
        #expect(distance(try await answers(model, forget), masked) > 0.9)
        #expect(distance(try await answers(new, forget), masked) < 0.4)
    }

    @Test("the masked teacher's answers are learned with the labels, as far as the share goes")
    func maskedTeacher() async throws {
        let (model, retain, _) = try await data()
        func distances(_ share: Float) async throws -> Double {
            let method = MaskedTeacherRepair(
                labelShare: share,
                training: TrainingConfiguration(epochs: 4, batchSize: 20, schedule: .cosine), learningRate: 0.002)
            let new = try await unlearned(method)
            return distance(try await answers(new, retain), try await answers(model, retain, masking: [2]))
        }
        let (teacher, label) = (try await distances(0), try await distances(1))
        #expect(teacher < 0.7 * label)
    }

    @Test("its rate is half the original's, or fits batch norm")
    func maskedTeacherRate() throws {
        let method = MaskedTeacherRepair()
        var model = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 0)
        #expect(method.rate(for: model) == 1e-3)
        #expect(
            method.rate(for: Model(graph: try vectorNetwork(features: 2, classes: 3, normalizes: true), seed: 0))
                == 5e-3)
        model.metadata.learningRate = 0.08
        #expect(method.rate(for: model) == 0.04)
        #expect(MaskedTeacherRepair(learningRate: 0.3).rate(for: model) == 0.3)
    }

    @Test("the row edit reinitializes the forgotten rows and touches nothing else")
    func lastRow() async throws {
        let model = try await Patterns.model
        let new = try await unlearned(LastRowEdit())
        let (old, row) = (try #require(model.parameters["fc.weight"]), try #require(new.parameters["fc.weight"]))
        let width = old.shape[1]
        let changed = Set((0..<old.count).filter { old[$0] != row[$0] }.map { $0 / width })
        #expect(changed == MethodCase.classes)
        let bound = 1 / Float(width).squareRoot()
        #expect((2 * width..<3 * width).allSatisfy { abs(row[$0]) <= bound })
        #expect(new.parameters["fc.bias"]?[2] == 0)
        for (key, tensor) in model.stateDictionary where !key.hasPrefix("fc.") {
            #expect(new.stateDictionary[key] == tensor)
        }
    }

    @Test("methods on the last row say so if there is none")
    func noHead() async throws {
        var builder = GraphBuilder(inputShape: [12, 12, 1])
        let x = try builder.convolution(builder.input, named: "conv", channels: 6, kernelSize: 3)
        _ = try builder.globalAveragePool(x, named: "pool")
        let model = Model(graph: try builder.graph(), seed: 0)
        await #expect(throws: UnlearningError.noLinearHead(method: "last-row")) {
            try await Unlearner(model: model, method: LastRowEdit()).forget(classes: [2])
        }
    }

    @Test("the stages before the last stay to the bit; a reset forgets what the last ones knew", arguments: [0, 1, 2])
    func lastStages(stages: Int) async throws {
        let model = try await Patterns.model
        let trained = [["fc"], ["fc", "conv2", "bn2"], ["fc", "conv2", "bn2", "conv1", "bn1"]][stages]
        for resets in [true, false] {
            let method = LastStages(resetting: resets, stages: stages, training: MethodCase.training(epochs: 1))
            let new = try await unlearned(method)
            for (key, tensor) in model.stateDictionary where !key.hasSuffix("tracked") {
                let moves = trained.contains { key.hasPrefix("\($0).") }
                #expect((new.stateDictionary[key] != tensor) == moves, "\(key)")
            }
            // What a reset starts from does not depend on what was there.
            let other = try Patterns.perturbed(model, trained)
            var from = Unlearner(model: other, retaining: try Patterns.retained(without: [2]), method: method)
            from.guarding = nil
            let again = try await from.forget(classes: [2]).model
            #expect((again.stateDictionary == new.stateDictionary) == resets)
        }
        await #expect(
            throws: UnlearningError.invalidSetting(
                name: "stages", value: "3", remedy: "the network can be cut before its last 2 stages at most")
        ) { try await unlearned(LastStages(resetting: true, stages: 3)) }
    }

    @Test("retraining knows nothing of the original but its architecture")
    func retraining() async throws {
        let model = try await Patterns.model
        let retain = try Patterns.retained(without: [2])
        func retrained(_ original: Model) async throws -> Model {
            try await Unlearner(
                model: original, retaining: retain, method: FullRetraining(),
                training: TrainingConfiguration(batchSize: 20, learningRate: 0.005)
            ).forget(classes: [2]).model
        }
        #expect(try await retrained(model).stateDictionary == retrained(model.perturbed(seed: 4)).stateDictionary)
    }

    @Test("retraining changes images at random as the original's training did, and notes what it was trained on")
    func retrainingAugments() async throws {
        let training = TrainingConfiguration(batchSize: 20, learningRate: 0.005)
        let augmentation = try Augmentation(padding: 1, horizontalFlipProbability: 0.5)
        func retrained(_ original: Model, augmentation: Augmentation? = nil) async throws -> Model {
            let retain = try original.prepare(Patterns.train.excluding(classes: [2]), augmentation: augmentation)
            return try await Unlearner(model: original, retaining: retain, method: FullRetraining(), training: training)
                .forget(classes: [2]).model
        }
        var plain = try await Patterns.model
        plain.trainingRecord = nil
        var augmented = plain
        augmented.trainingRecord = TrainingRecord(training, examples: 7, augmentation: augmentation)
        let model = try await retrained(augmented)
        let byHand = try await retrained(plain, augmentation: augmentation)
        #expect(model.stateDictionary == byHand.stateDictionary)
        #expect(model.trainingRecord == byHand.trainingRecord)
        let unchanged = try await retrained(plain)
        #expect(model.stateDictionary != unchanged.stateDictionary)
        let record = try #require(model.trainingRecord)
        #expect(record.examples == Patterns.train.labels.count { $0 != 2 })
        #expect(record.augmentation == augmentation && record.configuration == training)
    }

    @Test("fine-tuning is repair alone")
    func fineTuning() async throws {
        let (model, retain, _) = try await data()
        let training = MethodCase.training(epochs: 1)
        let repaired = try await RepairStep(configuration: training).repair(model, retaining: retain)
        #expect(try await unlearned(FineTuning(training: training)).stateDictionary == repaired.model.stateDictionary)
    }
}

extension Patterns {
    /// The model with the numbers of some nodes changed.
    static func perturbed(_ model: Model, _ nodes: [String]) throws -> Model {
        let other = try model.perturbed(seed: 9).stateDictionary.filter { key, _ in
            nodes.contains { key.hasPrefix("\($0).") }
        }
        return try model.replacing(other)
    }
}
