import TestSupport
import Testing
import Unlearning

/// A narrow network of every family learns four patterns and forgets one of them.
@Suite("Forgetting with every architecture", .tags(.unlearning))
struct ArchitectureTests {
    @Test(
        "a class is forgotten and the others kept", .tags(.slow), .slow,
        arguments: [
            ("resnet34:stem=small,width=0.25", 16, 12), ("resnet50:stem=small,width=0.25", 16, 12),
            ("mobilenet_v2:stem=small,width=0.35", 16, 12), ("vgg16_bn:width=0.125", 32, 12),
            ("efficientnet_lite0:width=0.5", 32, 24), ("tf_efficientnet_lite0:width=0.5", 32, 24),
        ])
    func forgets(network: String, side: Int, epochs: Int) async throws {
        func images(_ perClass: Int, seed: UInt64) -> PatternImages {
            PatternImages(classes: 4, perClass: perClass, shape: [side, side, 3], seed: seed)
        }
        let (train, test) = (images(100, seed: 1), images(25, seed: 2))
        let architecture = try Architectures.named(ArchitectureIdentifier(parsing: network))
        let untrained = try Model(untrained: architecture, for: train, imageSize: side, channels: 3, seed: 1)
        let training = TrainingConfiguration(epochs: epochs, batchSize: 20, learningRate: 3e-3, schedule: .oneCycle)
        let model = try await Trainer(configuration: training).train(
            untrained, on: untrained.prepare(train)
        ).model

        let configuration = UNSIR.Configuration(
            noise: NoiseMaximizer.Configuration(imagesPerClass: 32, steps: 10),
            impair: ImpairStep.Configuration(
                noiseRepetitions: 5, training: TrainingConfiguration(batchSize: 16, learningRate: 0.003)),
            repair: TrainingConfiguration(epochs: 4, batchSize: 16, learningRate: 0.001, schedule: .cosine))
        let outcome = try await Unlearner(
            model: model, retaining: try train.samples(perClass: 50, excluding: [2]), validation: test,
            method: .unsir(configuration)
        ).forget(classes: [2])
        let (before, after) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        // EfficientNet-Lite0, whose maps end as 1x1, learns half as fast as the others. They keep nothing of the forgotten class, and
        // lose nothing of the others.
        #expect(try #require(before.all) > 0.6 && #require(before.forgotten) > 0.4)
        #expect(try #require(after.forgotten) <= 0.1)
        #expect(try #require(after.retained) >= #require(before.retained) - 0.1)
    }
}
