import ImageDatasets
import NeuralGraph
import TestSupport
import Testing
import Unlearning

@Suite("How much a repair toward prototypes shows", .tags(.methods))
struct RepairExtentTests {
    private static let short = TrainingConfiguration(
        epochs: 3, batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2))

    /// A model whose file says that it was trained on so many examples, so often.
    private static func model(examples: Int?, epochs: Int) throws -> Model {
        var model = Model(graph: try vectorNetwork(features: 2, classes: 3), seed: 0)
        model.trainingRecord = TrainingRecord(TrainingConfiguration(epochs: epochs), examples: examples)
        return model
    }

    @Test(
        "the default shows a fifth of what training showed, at most",
        arguments: [
            // Trained on, epochs, retained; used, epochs.
            (60_000, 3, 9_000, 9_000, 4),  // exactly a fifth
            (18_000, 4, 16_200, 7_200, 2),  // in two epochs of fewer images
            (18_000, 4, 7_000, 7_000, 2),
            (70_000, 1, 3_000, 2_800, 5),  // 120 steps would be ten epochs
            (10_000, 6, 9_216, 9_216, 4),  // too short a training
            (1_000_000, 90, 100_000, 9_216, 4),
        ])
    func bounded(trained: Int, epochs: Int, retained: Int, used: Int, repaired: Int) throws {
        let model = try Self.model(examples: trained, epochs: epochs)
        let found = PrototypeRepair.default.extent(for: model, retained: retained)
        let batches = (found.examples + 255) / 256
        #expect(found.examples == used && found.training.epochs(ofSteps: batches) == repaired)
        // `.thorough` takes what it takes.
        let thorough = PrototypeRepair.thorough
        #expect(thorough.extent(for: model, retained: retained).training == thorough.training)
    }

    @Test("a model that does not say how long it was trained sets no bound", arguments: [nil, 0, -5] as [Int?])
    func unknown(examples: Int?) throws {
        let found = PrototypeRepair.default.extent(for: try Self.model(examples: examples, epochs: 4), retained: 20_000)
        #expect(found.examples == 9_216 && found.training == PrototypeRepair.default.training)
    }

    @Test("numbers of a file that nobody trained with set no bound")
    func enormous() throws {
        let model = try Self.model(examples: .max, epochs: 1_000_000)
        let found = PrototypeRepair.default.extent(for: model, retained: .max)
        #expect(found.examples == 9_216 && found.training.epochs == 4)
    }

    @Test("a bound shortens the repair that runs")
    func runs() async throws {
        var model = try await Patterns.model
        model.trainingRecord = TrainingRecord(TrainingConfiguration(epochs: 2), examples: 40_000)
        let retain = try Patterns.retained(without: MethodCase.classes)
        func steps(_ share: Double?) async throws -> Int? {
            let method = PrototypeRepair(training: Self.short, trainingShare: share, guarding: nil)
            var unlearner = Unlearner(model: model, retaining: retain, method: method, options: Patterns.options)
            // It would hold out some images.
            unlearner.guarding = nil
            return try await unlearner.forget(classes: MethodCase.classes).losses[.repair]?.count
        }
        // Of all 450 retain images, with a smaller batch at the end of each of three epochs.
        #expect(try await steps(nil) == 3 * 23)
        // 800 images are two epochs of 400.
        #expect(try await steps(0.01) == 2 * 20)
    }

    @Test("training notes how many examples it saw")
    func noted() async throws {
        let trained = try await Patterns.model
        #expect(trained.trainingRecord?.examples == Patterns.train.count)
    }
}
