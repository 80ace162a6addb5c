import TestSupport
import Testing
import Unlearning

@Suite("Impair, repair and training", .tags(.unlearning))
struct StepTests {
    /// One large step over everything, of plain gradient descent on the bias alone.
    static let oneStep = TrainingConfiguration(
        batchSize: 1_000_000, optimizer: .sgd, learningRate: 1, frozen: ["fc.weight"])

    @Test("impairing shows 5,120 noise images of each class with that class's label")
    func labelsAndCounts() async throws {
        // With all logits equal, a bias moves by how often its class is shown less one part in `classes`.
        let model = try undecidedModel(features: 2, classes: 5)
        let noise = try [3, 1].map {
            Noise(label: $0, images: try Tensor([Float](repeating: Float($0), count: 512), shape: [256, 2]))
        }
        let retain = try TensorExamples(
            Tensor(repeating: 9, shape: [1000, 2]),
            labels: [0, 2, 4, 4].flatMap { [Int](repeating: $0, count: 250) })
        let step = ImpairStep(configuration: ImpairStep.Configuration(training: Self.oneStep))
        let outcome = try await step.impair(model, noise: noise, retaining: retain)
        let bias = try #require(outcome.model.parameters["fc.bias"]).elements
        let shown = bias.map { ((Double($0) + 0.2) * (1000 + 2 * 5120)).rounded() }
        #expect(shown == [250, 5120, 250, 5120, 500])
        #expect(outcome.losses.count == 1 && abs(outcome.losses[0] - 1.6094379) < 1e-6)
        #expect(outcome.model.parameters["fc.weight"] == model.parameters["fc.weight"])
    }

    @Test("repairing shows the retain examples alone, each once")
    func repairCounts() async throws {
        let model = try undecidedModel(features: 2, classes: 3)
        let retain = try TensorExamples(
            Tensor(repeating: 1, shape: [10, 2]), labels: [0, 0, 0, 0, 0, 0, 0, 2, 2, 2])
        let outcome = try await RepairStep(configuration: Self.oneStep).repair(model, retaining: retain)
        let bias = try #require(outcome.model.parameters["fc.bias"]).elements
        #expect(bias.map { ((Double($0) + 1 / 3.0) * 10).rounded() } == [7, 0, 3])
    }

    @Test(
        "the last batch may be smaller, but not one example that batch norm cannot normalize",
        arguments: [
            (9, 4, true, 2), (10, 4, true, 3), (8, 4, true, 2), (9, 4, false, 3), (3, 4, true, 1),
            (5, 1, false, 5), (1, 4, false, 1), (2, 256, true, 1),
        ])
    func lastBatch(examples: Int, batchSize: Int, normalizes: Bool, steps: Int) async throws {
        let model = Model(graph: try vectorNetwork(features: 3, classes: 2, normalizes: normalizes), seed: 0)
        let data = try blobs(classes: 1, perClass: examples, features: 3, seed: 1)
        let log = ProgressLog()
        let outcome = try await Trainer(
            configuration: TrainingConfiguration(epochs: 2, batchSize: batchSize)
        ).train(model, on: data, progress: log.handler)
        #expect(outcome.losses.count == 2 * steps)
        #expect(log.all.map(\.step) == Array(1...2 * steps))
        #expect(log.all.allSatisfy { $0.stepCount == 2 * steps })
        if normalizes {
            #expect(outcome.model.state["bn.num_batches_tracked"]?[0] == Float(2 * steps))
        }
    }

    @Test("a last batch of one example with a larger map is normalized over the map")
    func lastBatchOfMap() async throws {
        let images = PatternImages(classes: 2, perClass: 9, shape: [8, 8, 1], seed: 1)
        let model = Model(graph: try convolutionalNetwork([8, 8, 1], classes: 2), seed: 0)
        let outcome = try await Trainer(configuration: TrainingConfiguration(batchSize: 17))
            .train(model, on: model.prepare(images))
        #expect(outcome.losses.count == 2)
    }

    @Test("batches of one example are refused where batch norm has one number a channel")
    func batchesOfOne() async throws {
        let model = Model(graph: try vectorNetwork(features: 3, classes: 2, normalizes: true), seed: 0)
        let data = try blobs(classes: 1, perClass: 4, features: 3, seed: 1)
        let single = try blobs(classes: 1, perClass: 1, features: 3, seed: 1)
        let reason = "batch norm 'bn' has one number a channel of each, so give 2 or more"
        #expect(
            await message {
                try await Trainer(configuration: TrainingConfiguration(batchSize: 1)).train(model, on: data)
            } == "batch size cannot be 1; \(reason)")
        #expect(
            await message { try await RepairStep().repair(model, retaining: single) }
                == "number of retain examples cannot be 1; \(reason)")
    }

    @Test("frozen parameters and nodes stay as they are, the others move")
    func frozen() async throws {
        let model = try await Patterns.model
        let retain = try model.prepare(Patterns.retained(without: [0]))
        let outcome = try await RepairStep(
            configuration: TrainingConfiguration(batchSize: 64, frozen: ["conv0", "bn1", "fc.bias"])
        ).repair(model, retaining: retain)
        let moved = model.parameters.keys.filter { outcome.model.parameters[$0] != model.parameters[$0] }
        #expect(
            Set(moved) == [
                "bn0.weight", "bn0.bias", "conv1.weight", "conv2.weight", "bn2.weight", "bn2.bias",
                "fc.weight",
            ])
    }

    @Test("unknown frozen names, and freezing everything, are refused")
    func frozenMistakes() async throws {
        let model = try undecidedModel(features: 2, classes: 3)
        let data = try blobs(classes: 3, perClass: 2, features: 2, seed: 1)
        func frozen(_ names: Set<String>) async -> String? {
            await message {
                try await Trainer(configuration: TrainingConfiguration(frozen: names)).train(model, on: data)
            }
        }
        #expect(
            await frozen(["fc", "layer4"])
                == "frozen cannot be 'layer4'; name parameters of the model, or nodes that have some")
        for all in [["fc"], ["fc.weight", "fc.bias"]] as [Set<String>] {
            #expect(
                await frozen(all) == "frozen cannot be every parameter; leave at least one to be trained")
        }
        #expect(await frozen(["fc.weight"]) == nil)
    }

    @Test("a huge learning rate ends in an error that names phase and step, and leaves the model alone")
    func diverging() async throws {
        let model = try await Patterns.model
        let before = model.stateDictionary
        let retain = try model.prepare(Patterns.retained(without: [0]))
        let error = await #expect(throws: UnlearningError.self) {
            try await RepairStep(configuration: TrainingConfiguration(batchSize: 64, learningRate: 1e30))
                .repair(model, retaining: retain)
        }
        #expect(error?.code == .diverged && error?.description.hasPrefix("repair diverged at step ") == true)
        #expect(model.stateDictionary == before)
    }

    @Test("training says its learning rate in the metadata and lowers the loss")
    func training() async throws {
        let graph = try vectorNetwork(features: 4, classes: 3)
        let data = try blobs(classes: 3, perClass: 60, features: 4, seed: 1)
        let outcome = try await Trainer(
            configuration: TrainingConfiguration(
                epochs: 5, batchSize: 20, learningRate: 0.01, schedule: .cosine)
        ).train(Model(graph: graph, seed: 0), on: data)
        #expect(outcome.model.metadata.learningRate == 0.01)
        #expect(outcome.losses.count == 45 && outcome.losses[44] < 0.5 * outcome.losses[0])
    }
}
