import TestSupport
import Testing
import Unlearning

/// A small Vision Transformer is trained, forgets, and is audited like any other network.
@Suite("Vision Transformer", .tags(.unlearning))
struct VisionTransformerTests {
    private static let forgotten = 2

    private static var network: VisionTransformer {
        var network = VisionTransformer(.tiny, patch: 4)
        (network.width, network.depth, network.heads) = (32, 2, 4)
        return network
    }

    private static func trained(on images: some ImageDataset) async throws -> Model {
        var model = Model(graph: try network.graph(inputShape: Patterns.shape, classes: Patterns.classes), seed: 7)
        model.metadata.classNames = Patterns.train.classNames
        return try await Trainer(
            configuration: TrainingConfiguration(epochs: 12, batchSize: 20, learningRate: 0.003, schedule: .oneCycle)
        ).train(model, on: model.prepare(images)).model
    }

    /// Rates for a network without batch norm: a tenth of those of a convolutional one.
    private static let configuration = UNSIR.Configuration(
        noise: NoiseMaximizer.Configuration(imagesPerClass: 64, steps: 20),
        impair: ImpairStep.Configuration(
            noiseRepetitions: 5, training: TrainingConfiguration(batchSize: 16, learningRate: 0.002)),
        repair: TrainingConfiguration(epochs: 3, batchSize: 16, learningRate: 0.001, schedule: .cosine))

    @Test("a class is forgotten, the others are kept, and the audit looks inside")
    func forgets() async throws {
        let model = try await Self.trained(on: Patterns.train)
        let unlearner = Unlearner(
            model: model, retaining: try Patterns.retained(without: [Self.forgotten]), validation: Patterns.test,
            method: .unsir(Self.configuration))
        let outcome = try await unlearner.forget(classes: [Self.forgotten])
        let (old, new) = (try #require(outcome.accuracyBefore), try #require(outcome.accuracyAfter))
        let forgotten = (try #require(old.forgotten), try #require(new.forgotten))
        let retained = (try #require(old.retained), try #require(new.retained))
        #expect(forgotten.0 > 0.8 && retained.0 > 0.8, "\(forgotten), \(retained)")
        #expect(forgotten.1 <= 0.05, "\(forgotten)")
        #expect(retained.1 >= retained.0 - 0.1, "\(retained)")

        let result = try await Audit(configuration: AuditConfiguration(bootstrap: nil, relearning: nil)).run(
            original: model, unlearned: outcome.model, retrained: [], forgotten: [Self.forgotten],
            data: AuditData(test: Patterns.test, training: Patterns.train))
        let probe = try #require(result.measures.first { $0.measure.identifier == .linearProbe })
        #expect(probe.rows.map(\.name) == model.graph.stages() && probe.rows.last?.name == "norm")
        #expect(probe.rows.allSatisfy { $0.values.unlearned != nil })
        let distance = try #require(result.measures.first { $0.measure.identifier == .weightDistance })
        #expect(distance.rows.contains { $0.name.contains("attn.qkv") && ($0.values.unlearned ?? 0) > 0 })
    }
}
