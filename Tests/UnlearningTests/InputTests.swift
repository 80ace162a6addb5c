import TestSupport
import Testing
import Unlearning

@Suite("Any number of classes and any input", .tags(.unlearning))
struct InputTests {
    /// Trains a network on all classes, forgets some with what is left, and measures.
    private func forget(
        _ classes: Set<Int>, graph: Graph, train: any ExampleSource, test: any ExampleSource,
        retain: any ExampleSource, configuration: UNSIR.Configuration = Patterns.configuration
    ) async throws -> UnlearningOutcome {
        let trained = try await Trainer(
            configuration: TrainingConfiguration(epochs: 6, batchSize: 32, learningRate: 0.01)
        ).train(Model(graph: graph, seed: 1), on: train)
        return try await Unlearner(
            model: trained.model, retaining: retain, validation: test, method: .unsir(configuration)
        ).forget(classes: classes)
    }

    @Test("feature vectors", arguments: [true, false])
    func vectors(normalizes: Bool) async throws {
        let classes = 5
        func data(_ seed: UInt64, only: (Int) -> Bool = { _ in true }) throws -> TensorExamples {
            let all = try blobs(classes: classes, perClass: 60, features: 7, seed: seed)
            let kept = all.labels.indices.filter { only(all.labels[$0]) }
            let (inputs, labels) = try all.tensor(at: kept)
            return try TensorExamples(inputs, labels: labels)
        }
        let outcome = try await forget(
            [4], graph: vectorNetwork(features: 7, classes: classes, normalizes: normalizes), train: data(1),
            test: data(2), retain: data(1) { $0 != 4 })
        #expect(outcome.noise[0].images.shape == [64, 7])
        let accuracy = try #require(outcome.accuracyAfter)
        // Noise lies far out, where points need not be; how well few dimensions are forgotten is not judged.
        #expect(try #require(accuracy.retained) >= 0.85)
        let crossEntropies = outcome.noise[0].crossEntropies
        #expect(crossEntropies[19] > crossEntropies[0] + 1)
    }

    @Test("gray images of another size than the network's, not square, in three channels")
    func preparedImages() async throws {
        let images = PatternImages(classes: 4, perClass: 100, shape: [7, 10, 1], seed: 1)
        let model = try await Trainer(
            configuration: TrainingConfiguration(epochs: 4, batchSize: 32, learningRate: 0.01)
        ).train(
            Model(graph: convolutionalNetwork([9, 12, 3], classes: 4), seed: 1),
            on: Model(graph: convolutionalNetwork([9, 12, 3], classes: 4), seed: 1).prepare(images)
        ).model
        let outcome = try await Unlearner(
            model: model, retaining: images.samples(perClass: 90, excluding: [1]),
            validation: PatternImages(classes: 4, perClass: 30, shape: [7, 10, 1], seed: 2),
            method: .unsir(Patterns.configuration)
        ).forget(classes: [1])
        #expect(outcome.noise[0].images.shape == [64, 9, 12, 3])
        let accuracy = try #require(outcome.accuracyAfter)
        #expect(try #require(accuracy.forgotten) <= 0.1 && #require(accuracy.retained) >= 0.7)
    }

    @Test("images that do not fit the network are refused by their reader")
    func unfitImages() async throws {
        let model = try await Patterns.model
        let unlearner = Unlearner(
            model: model, retaining: PatternImages(classes: 6, perClass: 2, shape: [13, 12, 1], seed: 1))
        await #expect(throws: DatasetError.self) { try await unlearner.forget(classes: [0]) }
    }

    @Test("color images, with dropout in the network")
    func dropout() async throws {
        let images = PatternImages(classes: 4, perClass: 80, shape: [8, 8, 3], seed: 1)
        let graph = try convolutionalNetwork([8, 8, 3], classes: 4, dropout: 0.1)
        let examples = try PreparedImages(images)
        let outcome = try await forget(
            [0], graph: graph, train: examples,
            test: PreparedImages(PatternImages(classes: 4, perClass: 30, shape: [8, 8, 3], seed: 2)),
            retain: PreparedImages(images.samples(perClass: 75, excluding: [0])))
        let accuracy = try #require(outcome.accuracyAfter)
        #expect(try #require(accuracy.forgotten) <= 0.1 && #require(accuracy.retained) >= 0.7)
    }

    @Test("two classes, of which one is left")
    func twoClasses() async throws {
        let data = try blobs(classes: 2, perClass: 60, features: 3, seed: 1)
        let (inputs, labels) = try data.tensor(at: data.labels.indices.filter { data.labels[$0] == 0 })
        let outcome = try await forget(
            [1], graph: vectorNetwork(features: 3, classes: 2), train: data, test: data,
            retain: TensorExamples(inputs, labels: labels))
        #expect(try #require(outcome.accuracyBefore?.all) > 0.9)
        #expect(outcome.accuracyAfter?.retained == 1)
    }

    @Test("a hundred classes, of which seven go in as many noise steps as one")
    func manyClasses() async throws {
        let forgotten = Set([0, 10, 20, 30, 40, 50, 99])
        let data = try blobs(classes: 100, perClass: 8, features: 12, seed: 1)
        let kept = data.labels.indices.filter { !forgotten.contains(data.labels[$0]) }
        let (inputs, labels) = try data.tensor(at: kept)
        let outcome = try await forget(
            forgotten, graph: vectorNetwork(features: 12, classes: 100), train: data, test: data,
            retain: TensorExamples(inputs, labels: labels),
            configuration: UNSIR.Configuration(
                noise: NoiseMaximizer.Configuration(imagesPerClass: 8, steps: 20),
                impair: ImpairStep.Configuration(
                    noiseRepetitions: 4, training: TrainingConfiguration(batchSize: 32, learningRate: 0.01)),
                repair: TrainingConfiguration(batchSize: 32, learningRate: 0.005)))
        #expect(outcome.noise.map(\.label) == forgotten.sorted())
        #expect(outcome.losses[.noise]?.count == 20)
        let (old, new) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        #expect(try #require(new.forgotten) <= #require(old.forgotten) - 0.5)
        #expect(try #require(new.retained) >= #require(old.retained) - 0.1)
    }

    @Test("retain data smaller than a batch")
    func fewExamples() async throws {
        let model = try await Patterns.model
        let outcome = try await Unlearner(
            model: model, retaining: try Patterns.train.samples(perClass: 2, excluding: [1]),
            method: UNSIR(
                configuration: UNSIR.Configuration(
                    noise: NoiseMaximizer.Configuration(imagesPerClass: 4, steps: 2),
                    impair: ImpairStep.Configuration(noiseRepetitions: 1), repair: TrainingConfiguration()))
        ).forget(classes: [1])
        #expect(outcome.losses.mapValues(\.count) == [.noise: 2, .impair: 1, .repair: 1])
    }
}
