import Foundation
import TestSupport
import Testing
import Unlearning

@Suite(
    "Fashion-MNIST", .tags(.unlearning),
    .enabled(if: FileManager.default.fileExists(atPath: FashionMNIST.defaultDirectory.path)))
struct FashionMNISTTests {
    @Test("a small network forgets a class of real images")
    func forgets() async throws {
        let train = try FashionMNIST(split: .train).first(6000)
        let test = try FashionMNIST(split: .test).first(2000)
        let metadata = ModelMetadata(classNames: train.classNames, normalization: train.normalization)
        let untrained = Model(
            graph: try convolutionalNetwork([28, 28, 1], classes: 10), metadata: metadata, seed: 0)
        let model = try await Trainer(
            configuration: TrainingConfiguration(batchSize: 50, learningRate: 0.005)
        ).train(untrained, on: untrained.prepare(train)).model
        let outcome = try await Unlearner(
            model: model, retaining: train.samples(perClass: 100, excluding: [0]), validation: test,
            method: UNSIR(
                configuration: UNSIR.Configuration(
                    noise: NoiseMaximizer.Configuration(imagesPerClass: 64, steps: 20),
                    impair: ImpairStep.Configuration(
                        noiseRepetitions: 8, training: TrainingConfiguration(batchSize: 64, learningRate: 0.002)),
                    repair: TrainingConfiguration(batchSize: 64, learningRate: 0.001)))
        ).forget(classesNamed: ["T-shirt/top"])
        let (old, new) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        #expect(try #require(old.forgotten) > 0.5 && #require(old.retained) > 0.7)
        #expect(try #require(new.forgotten) <= 0.05)
        #expect(try #require(new.retained) >= #require(old.retained) - 0.1)
    }
}
