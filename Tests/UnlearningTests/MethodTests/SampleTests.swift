import TestSupport
import Testing
import Unlearning

@Suite("Forgetting samples", .tags(.methods))
struct SampleTests {
    /// Thirty examples of class 1 with wrong labels, which a network can know by heart alone, and the rest of the images.
    private static let first = Task { () throws -> (model: Model, samples: TensorExamples, retain: any ExampleSource) in
        let untrained = Model(graph: try convolutionalNetwork(Patterns.shape, classes: Patterns.classes), seed: 7)
        let images = try untrained.prepare(Patterns.train)
        let odd = images.labels.indices.filter { images.label(at: $0) == 1 }.prefix(30)
        let samples = try TensorExamples(
            images.tensor(at: Array(odd)).inputs, labels: [Int](repeating: 4, count: odd.count))
        let retain = try ExampleSubset(images, indices: images.labels.indices.filter { !odd.contains($0) })
        let model = try await Trainer(
            configuration: TrainingConfiguration(epochs: 12, batchSize: 20, learningRate: 0.005)
        ).train(untrained, on: CombinedExamples([samples, retain])).model
        return (model, samples, retain)
    }

    @Test(
        "what a model knows of some examples by heart goes, and their class stays",
        arguments: [
            NegativeGradient(retainWeight: 0.95, training: MethodCase.descent(epochs: 2, rate: 0.005)),
            RandomLabels(training: MethodCase.training()), AmnesiacRelabeling(training: MethodCase.training()),
            SCRUB(training: MethodCase.training(epochs: 3)), BadTeacher(training: MethodCase.training(epochs: 2)),
            SaliencyUnlearning(training: MethodCase.descent(epochs: 3, rate: 0.02)),
            FineTuning(training: MethodCase.training(epochs: 3)),
            LastStages(resetting: true, stages: 2, training: MethodCase.training(epochs: 4)),
            FullRetraining(),
        ].map(Named.init))
    func forgets(item: Named) async throws {
        let (model, samples, retain) = try await Self.first.value
        let unlearner = Unlearner(
            model: model, retaining: retain, validation: Patterns.test, method: item.method, training: Patterns.training
        )
        let outcome = try await unlearner.forget(samples: samples)
        let (before, after) = (try #require(outcome.samplesBefore?.all), try #require(outcome.samplesAfter?.all))
        #expect(before > 0.6)
        #expect(after < 0.5 * before)
        #expect(outcome.forgottenSamples == 30 && outcome.forgottenClasses.isEmpty)
        let classes = try #require(outcome.accuracyAfter)
        #expect(classes.forgotten == nil)
        #expect(try #require(classes.all) > 0.85)
        // Wrong labels for nearly a third of a class's images cost the class itself.
        let relabels =
            item.method is RandomLabels || item.method is SaliencyUnlearning || item.method is AmnesiacRelabeling
        #expect(try #require(classes.perClass[1]) > (relabels ? 0.3 : 0.6))
        #expect(outcome.summary.hasPrefix("Approximate unlearning of 30 samples: "))
        #expect(outcome.summary.contains("forgotten samples: "))
    }

    @Test("methods for classes alone refuse samples")
    func refused() async throws {
        let (model, samples, retain) = try await Self.first.value
        for method in UnlearningMethods.all where !method.supportsSamples {
            await #expect(throws: UnlearningError.forgetsNoSamples(method: method.name)) {
                try await Unlearner(model: model, retaining: retain, method: method)
                    .forget(samples: samples)
            }
        }
        #expect(
            UnlearningMethods.all.filter { !$0.supportsSamples }.map(\.name)
                == [
                    "default", "noiseless", "fast", "thorough", "unsir", "unsir-paper", "masked-teacher", "zero-shot",
                    "last-row", "svd", "damp", "damp-stand-in", "trew",
                ])
    }

    @Test("an audit measures on the samples, and says what makes sense for classes alone")
    func audit() async throws {
        let (model, samples, retain) = try await Self.first.value
        let method = FullRetraining()
        var unlearner = Unlearner(model: model, retaining: retain, method: method, training: Patterns.training)
        let data = AuditData(test: try model.prepare(Patterns.test), training: retain)
        unlearner.audit = FinalAudit(on: data, configuration: .full)
        let outcome = try await unlearner.forget(samples: samples)
        let own = try #require(outcome.audit)
        #expect(own.forgottenSamples == 30 && own.forgottenClasses.isEmpty)
        unlearner.options = RunOptions(seed: 9)
        unlearner.audit = nil
        let other = try await unlearner.forget(samples: samples).model
        let result = try await Audit().run(
            original: model, unlearned: outcome.model, retrained: [other], forgottenSamples: samples,
            data: data)
        #expect(result.samples.forgottenTraining == 30 && result.samples.retainedTraining == retain.count)
        let memorized = try #require(result[.forgetAccuracyTraining])
        #expect(memorized.original?.value == outcome.samplesBefore?.all)
        #expect(memorized.unlearned?.value == outcome.samplesAfter?.all)
        let apart = try #require(result[.totalVariation])
        #expect(try #require(apart.original).value > #require(apart.unlearned).value)
        let told = try #require(result[.membershipConfidence])
        #expect(try #require(told.original).value > #require(told.unlearned).value + 0.2)
        for measure in [
            MeasureIdentifier.forgetAccuracyTest, .adjacentAccuracy, .linearProbe, .relearnTime, .headShareLayer,
            .predictionEntropy, .zeroRetrainForgetting,
        ] {
            #expect(
                result[measure]?.omission == "it applies to whole classes, and samples were forgotten",
                "\(measure)")
        }
        for measure in [
            MeasureIdentifier.retainAccuracyTest, .membershipEntropy, .membershipLoss, .weightDistance,
        ] { #expect(result[measure]?.unlearned != nil, "\(measure)") }
    }
}
