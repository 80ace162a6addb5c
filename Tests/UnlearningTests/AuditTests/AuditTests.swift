import Foundation
import Synchronization
import TestSupport
import Testing
import Unlearning

/// Models of the patterns problem that an audit has to tell apart.
enum AuditedModels {
    static let forgotten: Set<Int> = [2]

    private static let first = Task { try await retrained(seed: 7) }
    private static let second = Task { try await retrained(seed: 8) }
    private static let third = Task { try await retrained(seed: 9) }

    /// Trained without the class, from two seeds.
    static var retrained: [Model] { get async throws { [try await first.value, try await second.value] } }

    /// Trained without the class from another seed than those, to be audited against them.
    static var alsoRetrained: Model { get async throws { try await third.value } }

    private static func retrained(seed: UInt64) async throws -> Model {
        try await Retraining(
            training: TrainingConfiguration(epochs: 4, batchSize: 20, learningRate: 0.005), seeds: [seed]
        ).models(like: try await Patterns.model, classes: forgotten, images: Patterns.train)[0]
    }

    static var data: AuditData { AuditData(test: Patterns.test, training: Patterns.train) }

    /// The problem is small: accuracy moves by 0.4 % with each of 250 images, and so do the limits.
    static let configuration: AuditConfiguration = {
        var configuration = AuditConfiguration(
            bootstrap: Bootstrap(resamples: 200), relearning: RelearningConfiguration(stepLimit: 30))
        configuration.thresholds[.retainAccuracyTest] = [
            MeasureThreshold(.below, .retrained, limit: 0.1, finding: .overForgotten),
            MeasureThreshold(.below, .original, limit: 0.1, finding: .overForgotten),
        ]
        return configuration
    }()

    static func audit(
        _ unlearned: Model, retrained: [Model] = [], configuration: AuditConfiguration = configuration,
        options: RunOptions = Patterns.options, progress: ProgressHandler? = nil
    ) async throws -> AuditResult {
        try await Audit(configuration: configuration, options: options).run(
            original: try await Patterns.model, unlearned: unlearned, retrained: retrained, forgotten: forgotten,
            data: data, progress: progress)
    }
}

private final class StepCount: Sendable {
    let value = Mutex(0)
}

@Suite("Audit", .tags(.audit))
struct AuditTests {
    @Test("several retrained models at a time have the bits of one after the other")
    func retrainsTogether() async throws {
        func retraining(threads: Int) -> Retraining {
            Retraining(
                training: TrainingConfiguration(epochs: 1, batchSize: 20, learningRate: 0.005), seeds: [7, 8, 9],
                options: RunOptions(threadCount: threads))
        }
        #expect(retraining(threads: 7).modelsAtOnce == 1)
        #expect(retraining(threads: 8).modelsAtOnce == 2)
        #expect(retraining(threads: 64).modelsAtOnce == 3)
        let (model, steps) = (try await Patterns.model, StepCount())
        func models(threads: Int) async throws -> [Model] {
            try await retraining(threads: threads).models(
                like: model, classes: AuditedModels.forgotten, images: Patterns.train,
                progress: { _ in steps.value.withLock { $0 += 1 } })
        }
        let single = try await models(threads: 1)
        let stepsOfAll = steps.value.withLock { $0 }
        let together = try await models(threads: 8)
        #expect(together.map(\.parameters) == single.map(\.parameters))
        #expect(single[0].parameters != single[1].parameters)
        // The first of two at a time reports, and then the third.
        #expect(steps.value.withLock { $0 } == stepsOfAll * 5 / 3)
    }

    @Test("classes that earlier requests had the model forget are judged too")
    func earlierRequests() async throws {
        var unlearned = try await AuditedModels.alsoRetrained
        unlearned.metadata.forgottenClasses = [2]
        let kept = try await AuditedModels.audit(unlearned)
        #expect(kept.forgottenClasses == [2] && !kept.verdict.leaks.contains(.forgetAccuracyTest))
        // It knows class 4, as a model does that an earlier class has come back to.
        unlearned.metadata.forgottenClasses = [2, 4]
        let back = try await AuditedModels.audit(unlearned)
        #expect(back.forgottenClasses == [2, 4])
        #expect(
            back.verdict.leaks.contains(.forgetAccuracyTest) && back.verdict.leaks.contains(.forgetAccuracyWorstClass)
        )
    }

    @Test("the original audited as unlearned fails, with a retrained model and without")
    func original() async throws {
        let model = try await Patterns.model
        let alone = try await AuditedModels.audit(model)
        #expect(alone.verdict.total == .leak && alone.verdict.leaks.contains(.forgetAccuracyTest))
        #expect(!alone.verdict.comparesWithRetraining)
        let beside = try await AuditedModels.audit(model, retrained: AuditedModels.retrained)
        #expect(beside.verdict.total == .leak)
        for identifier in [.forgetAccuracyTest, .forgetConfidence, .totalVariation] as [MeasureIdentifier] {
            #expect(beside.verdict.leaks.contains(identifier), "\(identifier)")
        }
        #expect(beside[.relearnTime]?.unlearned?.value == 0 && beside[.retainAccuracyTest]?.verdict == .pass)
    }

    @Test("a retrained model audited as unlearned passes what retraining is the yardstick for")
    func retrained() async throws {
        let result = try await AuditedModels.audit(
            try await AuditedModels.alsoRetrained, retrained: AuditedModels.retrained)
        for identifier in [.forgetAccuracyTest, .retainAccuracyTest] as [MeasureIdentifier] {
            #expect(result[identifier]?.verdict == .pass, "\(identifier)")
        }
        // Three networks of this size differ by as much as two do, give or take.
        #expect(result[.totalVariation]?.verdict == .pass)
        #expect(result.verdict.missingEvidence.isEmpty)
        // No model puts one of 50 images into the class: the true share is not 0 for certain.
        let accuracy = try #require(result[.forgetAccuracyTest])
        for value in [accuracy.unlearned, accuracy.retrained?.values[0]] {
            #expect(value?.value == 0 && value?.interval?.lower == 0)
            #expect(abs(try #require(value?.interval?.upper) - (1 - pow(0.025, 1.0 / 50))) < 1e-12)
        }
        let gap = try #require(accuracy.gap?.interval)
        #expect(gap.lower < -0.05 && gap.upper > 0.05 && accuracy.gap?.value == 0)
    }

    @Test("shuffled weights are caught on retain accuracy")
    func shuffled() async throws {
        let model = try await Patterns.model
        var random = SeededRandom(seed: 1, stream: "shuffle")
        var tensors: [String: Tensor] = [:]
        for (name, tensor) in model.parameters.sorted(by: { $0.key < $1.key }) {
            tensors[name] = try Tensor(tensor.elements.shuffled(using: &random), shape: tensor.shape)
        }
        let result = try await AuditedModels.audit(try model.replacing(tensors))
        #expect(result.verdict.overForgotten.contains(.retainAccuracyTest))
    }

    @Test("values are what an evaluation says, gaps their differences, distances between retrained models symmetric")
    func values() async throws {
        let retrained = try await AuditedModels.retrained
        let model = try await Patterns.model
        let result = try await AuditedModels.audit(model, retrained: retrained)
        let evaluated = try await Evaluator().accuracy(
            of: model, on: model.prepare(Patterns.test), forgottenClasses: AuditedModels.forgotten)
        #expect(result[.forgetAccuracyTest]?.original?.value == evaluated.forgotten)
        let retain = try #require(result[.retainAccuracyTest])
        #expect(abs(try #require(retain.original?.value) - #require(evaluated.retained)) < 1e-12)
        let reference = try #require(retain.retrained)
        #expect(
            reference.values.count == 2 && reference.lowest <= reference.mean && reference.mean <= reference.highest)
        let gap = try #require(retain.gap)
        #expect(abs(gap.value - (try #require(retain.unlearned?.value) - reference.mean)) < 1e-12)
        let interval = try #require(gap.interval)
        #expect(interval.lower <= gap.value && gap.value <= interval.upper)
        let between = try #require(result[.totalVariation]?.retrained)
        #expect(between.values[0].value == between.values[1].value && between.mean > 0)
        let classes = try #require(result[.classAccuracy])
        #expect(classes.rows.map(\.values.original) == evaluated.perClass)
        #expect(result.adjacentClasses.count == 3 && !result.adjacentClasses.contains(2))
    }

    @Test("without a retrained model what cannot be said is left out by name, with the reason")
    func omissions() async throws {
        let result = try await AuditedModels.audit(try await Patterns.model)
        let compared: [MeasureIdentifier] = [
            .totalVariation, .jensenShannon, .softmaxDistance, .predictionAgreement, .anamnesisIndex,
        ]
        for identifier in compared {
            #expect(result[identifier]?.omission == "there is no retrained model to compare with; give one or more")
            #expect(result.verdict.omitted.contains(identifier))
        }
        for attack in [MeasureIdentifier.likelihoodRatioAttack, .rectifiedLikelihoodAttack] {
            #expect(result[attack]?.omission?.hasPrefix("the settings leave it out") == true)
        }
        #expect(result.measures.allSatisfy { $0.retrained == nil && $0.gap == nil })
        #expect(result[.relearnTime]?.isOmitted == false)
    }

    @Test("without training data, or with too little, measures are left out with the reason")
    func tooFew() async throws {
        let model = try await Patterns.model
        let none = try await Audit(configuration: AuditedModels.configuration).run(
            original: model, unlearned: model, forgotten: [2], data: AuditData(test: Patterns.test))
        let withTraining: [MeasureIdentifier] = [
            .forgetAccuracyTraining, .retainAccuracyTraining, .membershipEntropy, .membershipLoss, .relearnTime,
            .linearProbe,
        ]
        for identifier in withTraining {
            #expect(
                none[identifier]?.omission
                    == "there is no training data; give the images that the original learned from", "\(identifier)")
        }
        #expect(none[.forgetAccuracyTest]?.isOmitted == false)
        let few = try await Audit(configuration: AuditedModels.configuration).run(
            original: model, unlearned: model, forgotten: [2],
            data: AuditData(
                test: Patterns.test.samples(perClass: 29), training: Patterns.train.samples(perClass: 12)))
        #expect(
            few[.forgetAccuracyTest]?.omission
                == "29 test examples of the forgotten classes are too few; give 30 or more")
        #expect(
            few[.membershipLoss]?.omission
                == "12 training examples of the forgotten classes are too few; give 30 or more")
        #expect(few[.retainAccuracyTest]?.isOmitted == false)
        // The audited model is the original, and nothing was looked at that could have shown it.
        #expect(few.verdict.total == .incomplete && few.verdict.passed.contains(.retainAccuracyTest))
    }

    @Test("one seed gives the same bytes on any number of threads, but for the times, and JSON gives it back")
    func deterministic() async throws {
        let unlearned = try await Patterns.unlearner(forgetting: [2]).forget(classes: [2]).model
        func audit(_ threads: Int) async throws -> AuditResult {
            try await AuditedModels.audit(unlearned, options: RunOptions(seed: 4, threadCount: threads))
        }
        let (one, two) = (try await audit(1), try await audit(2))
        #expect(one.measures == two.measures && one.figures == two.figures && one.verdict == two.verdict)
        #expect(one.seconds.keys.sorted() == two.seconds.keys.sorted())
        let json = try one.json()
        let decoded = try JSONDecoder().decode(AuditResult.self, from: json)
        #expect(decoded == one)
        #expect(try decoded.json() == json)
        #expect(one.schemaVersion == AuditResult.schemaVersion && one.samples.forgottenTraining == 100)
    }

    @Test("figures are complete, or left out on request")
    func figures() async throws {
        let result = try await AuditedModels.audit(try await Patterns.model, retrained: AuditedModels.retrained)
        let figures = result.figures
        #expect(figures.classAccuracy.count { $0.relation == .forgotten } == 1)
        #expect(figures.membershipScores.count == 9)
        for histogram in figures.membershipScores {
            for shares in [histogram.members, histogram.nonMembers, histogram.forgotten] {
                #expect(abs(shares.reduce(0, +) - 1) < 1e-9 && shares.count == histogram.edges.count - 1)
            }
        }
        let confusion = try #require(figures.forgottenConfusion.first)
        #expect(abs(try #require(confusion.shares.retrained).reduce(0, +) - 1) < 1e-9)
        #expect(figures.relearning.map(\.model) == [.original, .unlearned, .retrained, .retrained])
        #expect(figures.relearning.allSatisfy { $0.steps.count == $0.accuracies.count })
        var configuration = AuditConfiguration.quick
        configuration.makesFigures = false
        let bare = try await AuditedModels.audit(try await Patterns.model, configuration: configuration)
        #expect(bare.figures == AuditFigures())
        #expect(bare[.relearnTime]?.omission == "the settings leave relearning out")
    }

    @Test("progress rises to the end, and a cancelled audit stops")
    func progress() async throws {
        let log = ProgressLog()
        let model = try await Patterns.model
        _ = try await AuditedModels.audit(model, progress: log.handler)
        let steps = log.all.filter { $0.phase == .audit }
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.step <= $1.step })
        #expect(steps.last.map { $0.step == $0.stepCount } == true && steps.count > 5)
        var configuration = AuditedModels.configuration
        configuration.relearning = RelearningConfiguration(target: .accuracy(0.9999), stepLimit: 100_000)
        let endless = try await AuditedModels.retrained[0]
        let (events, continuation) = AsyncStream.makeStream(of: Int.self)
        let task = Task { [configuration] in
            try await AuditedModels.audit(endless, configuration: configuration) { continuation.yield($0.step) }
        }
        for await _ in events { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite("Likelihood ratio attack", .tags(.audit))
struct LikelihoodRatioAttackTests {
    @Test("shadow models attack every model; the original gives more away than a retrained one")
    func attack() async throws {
        // Few images, learned by heart.
        let images = PatternImages(classes: 6, perClass: 40, shape: Patterns.shape, seed: 21)
        let training = TrainingConfiguration(epochs: 12, batchSize: 20, learningRate: 0.01)
        let untrained = Model(graph: try convolutionalNetwork(Patterns.shape, classes: 6), seed: 5)
        let original = try await Trainer(configuration: training)
            .train(untrained, on: untrained.prepare(images)).model
        let retrained = try await Retraining(training: training, seeds: [6])
            .models(like: original, classes: [2], images: images)
        var configuration = AuditConfiguration(
            bootstrap: nil, relearning: nil, examinesRepresentation: false, makesFigures: false)
        configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(
            shadowModels: 6, training: training, unlearning: Patterns.configuration)
        let result = try await Audit(configuration: configuration).run(
            original: original, unlearned: original, retrained: retrained, forgotten: [2],
            data: AuditData(test: Patterns.test, training: images))
        let attack = try #require(result[.likelihoodRatioAttack])
        #expect(attack.note == "6 shadow models, half of which saw each example")
        #expect(attack.rows.map(\.name) == ["TPR at 0.1 % FPR", "TPR at 1 % FPR"])
        let seen = try #require(attack.original?.value)
        let unseen = try #require(attack.retrained?.mean)
        #expect((0...1).contains(seen) && seen > unseen && abs(unseen - 0.5) < 0.2, "\(seen) against \(unseen)")
        let rectified = try #require(result[.rectifiedLikelihoodAttack])
        // A tenth of 40 training images and of the test images.
        let vulnerable = try 4 + (Patterns.test.only(classes: [2]).count + 9) / 10
        #expect(rectified.note?.contains("; \(vulnerable) of ") == true, "\(rectified.note ?? "")")
        #expect(rectified.rows.map(\.name).last == "vulnerable images: TPR at 1 % FPR")
        let known = try #require(rectified.original?.value)
        let never = try #require(rectified.retrained?.mean)
        #expect(known > never && abs(never - 0.5) < 0.2, "\(known) against \(never)")
    }
}

@Suite("Bad input of audits", .tags(.audit))
struct AuditInputTests {
    private func failure(
        original: Model? = nil, unlearned: Model? = nil, retrained: [Model] = [], forgotten: Set<Int> = [2],
        data: AuditData? = nil, configuration: AuditConfiguration = .quick
    ) async throws -> String? {
        let model = try await Patterns.model
        return await message {
            try await Audit(configuration: configuration).run(
                original: original ?? model, unlearned: unlearned ?? model, retrained: retrained,
                forgotten: forgotten, data: data ?? AuditedModels.data)
        }
    }

    @Test("models that do not belong together")
    func models() async throws {
        let fewer = Model(graph: try convolutionalNetwork(Patterns.shape, classes: 5), seed: 0)
        #expect(
            try await failure(unlearned: fewer)
                == "the unlearned model has 5 classes, but the original has 6; give models of the same classes")
        let wider = Model(graph: try convolutionalNetwork([12, 12, 3], classes: 6), seed: 0)
        #expect(
            try await failure(retrained: [wider])
                == "the retrained model takes 12x12x3, but the original takes 12x12x1; "
                + "give models of the same input")
    }

    @Test("undefined weights, in any of the models", arguments: [Float.nan, .infinity])
    func weights(value: Float) async throws {
        let broken = try await Patterns.model.replacing("fc.bias", at: 1, with: value)
        for (name, text) in [
            ("original", try await failure(original: broken)), ("unlearned", try await failure(unlearned: broken)),
            ("retrained", try await failure(retrained: [broken])),
        ] {
            #expect(
                text == "the \(name) model's "
                    + "\(ModelFault.notFinite(tensor: "fc.bias", value: value))")
        }
        let variance = try await Patterns.model.replacing("bn1.running_var", at: 3, with: -0.25)
        #expect(
            try await failure(retrained: [variance])
                == "the retrained model's tensor 'bn1.running_var' has the variance -0.25, which is below 0; "
                + "use a model whose training ended well")
        let huge = try await Patterns.model.replacing("fc.bias", at: 1, with: 3e38).replacing(
            "bn0.weight", at: 0, with: 3e38)
        #expect(
            try await failure(unlearned: huge)?.hasPrefix("the unlearned model gives ") == true)
    }

    @Test("classes and data that an audit cannot work with")
    func data() async throws {
        #expect(try await failure(forgotten: []) == "\(UnlearningError.noClasses)")
        #expect(try await failure(forgotten: [6]) == "\(UnlearningError.unknownClass(index: 6, classCount: 6))")
        // Without a test image of the class the audit is incomplete, which is no error.
        #expect(try await failure(data: AuditData(test: Patterns.test.excluding(classes: [2]))) == nil)
        #expect(
            try await failure(data: AuditData(test: Patterns.test.only(classes: [2])))
                == "the test data has no example of a retained class; give some of every class")
        let wide = try blobs(classes: 6, perClass: 1, features: 5, seed: 1)
        #expect(
            try await failure(data: AuditData(test: wide))
                == "\(UnlearningError.wrongExampleShape(data: "test", found: [5], expected: [12, 12, 1]))")
        let prepared = try await Patterns.model.prepare(Patterns.test)
        #expect(
            try await failure(data: AuditData(test: prepared, training: wide))
                == "\(UnlearningError.wrongExampleShape(data: "training", found: [5], expected: [12, 12, 1]))")
    }

    @Test("settings out of range")
    func settings() async throws {
        var configuration = AuditConfiguration.quick
        configuration.testSamples = 0
        #expect(
            try await failure(configuration: configuration)
                == "test samples cannot be 0; use a number from 1 to 100000000")
        configuration = .quick
        configuration.thresholds[.linearProbe] = [MeasureThreshold(.above, .retrained, limit: -0.1)]
        #expect(
            try await failure(configuration: configuration)
                == "limit of linear-probe cannot be -0.1; use a finite number, 0 or more")
        configuration = .quick
        configuration.likelihoodRatioAttack = LikelihoodRatioAttackConfiguration(shadowModels: 3)
        #expect(
            try await failure(configuration: configuration)
                == "shadow models cannot be 3; use an even number from 2 to 1000")
    }
}

@Suite("Samples of audits", .tags(.audit))
struct AuditSampleTests {
    @Test("every class gets its share, the forgotten ones a tenth at least")
    func quotas() {
        func quotas(_ counts: [Int], _ limit: Int, _ forgotten: Set<Int>) -> [Int] {
            AuditSamples.quotas(counts: counts, limit: limit, forgotten: forgotten)
        }
        #expect(quotas([10, 20, 30], 60, [0]) == [10, 20, 30] && quotas([10, 20, 30], 100, [0]) == [10, 20, 30])
        #expect(quotas([100, 100, 100, 100], 40, [3]) == [10, 10, 10, 10])
        #expect(quotas([1000, 1000, 100], 200, [2]) == [90, 90, 20])
        #expect(quotas([1000, 1000, 5], 200, [2]) == [98, 97, 5])
        #expect(quotas([3, 3, 3], 4, [0]) == [1, 2, 1])
        #expect(quotas([0, 50, 50], 10, [1]) == [0, 5, 5])
    }

    @Test("the draw depends on the seed, has no example twice, and tells the groups apart")
    func draw() throws {
        let source = try blobs(classes: 4, perClass: 50, features: 2, seed: 1)
        func draw(_ seed: UInt64) throws -> AuditSamples {
            try AuditSamples(from: source, limit: 40, forgotten: [1], classCount: 4, seed: seed)
        }
        let samples = try draw(1)
        #expect(try samples.subset.indices == draw(1).subset.indices)
        #expect(try samples.subset.indices != draw(2).subset.indices)
        #expect(Set(samples.subset.indices).count == 40 && samples.labels.count == 40)
        #expect(samples.forgotten.allSatisfy { samples.labels[$0] == 1 } && samples.forgotten.count == 10)
        #expect(samples.retained.allSatisfy { samples.labels[$0] != 1 } && samples.retained.count == 30)
    }
}
