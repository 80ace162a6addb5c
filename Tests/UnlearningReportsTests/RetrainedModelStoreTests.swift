import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningReports

@Suite("Retrained models that are kept", .tags(.reports))
struct RetrainedModelStoreTests {
    /// Twelve images of one pixel row, of three classes.
    private struct Rows: ImageDataset {
        var shift: UInt8 = 0
        let name = "rows"
        let imageShape: TensorShape = [1, 4, 1]
        let classNames = ["a", "b", "c"]
        let normalization = Normalization(mean: [0.5], standardDeviation: [0.5])
        let count = 12

        func label(at index: Int) -> Int { index % 3 }

        func readPixels(at index: Int, into pixels: inout MutableSpan<UInt8>) throws {
            for place in pixels.indices { pixels[place] = UInt8(place == index % 3 ? 200 : 20 + index) &+ shift }
        }
    }

    private func original() throws -> Model {
        var builder = GraphBuilder(inputShape: [1, 4, 1])
        let flat = try builder.flatten(builder.input, named: "flat")
        _ = try builder.linear(flat, named: "head", outputs: 3)
        return Model(graph: try builder.graph(), seed: 1)
    }

    @Test("a model is trained once, and again where anything that decides it changes")
    func keeps() async throws {
        let home = try TemporaryFolder()
        defer { withExtendedLifetime(home) {} }
        let folder = home.file("models")
        let store = RetrainedModelStore(folder: folder)
        let model = try original()
        func models(
            _ seeds: [UInt64], epochs: Int = 1, classes: Set<Int> = [2], shift: UInt8 = 0
        ) async throws -> (models: [Model], found: Int) {
            try await store.models(
                Retraining(training: TrainingConfiguration(epochs: epochs, batchSize: 4), seeds: seeds), like: model,
                classes: classes, images: Rows(shift: shift), progress: nil)
        }
        let first = try await models([5, 6])
        #expect(first.found == 0 && first.models[0].parameters != first.models[1].parameters)
        let second = try await models([6, 5, 7])
        #expect(second.found == 2)
        #expect(second.models[0].parameters == first.models[1].parameters)
        #expect(second.models[1].parameters == first.models[0].parameters)
        #expect(second.models[1].trainingRecord?.configuration.batchSize == 4)
        #expect(try await models([5], epochs: 2).found == 0)
        #expect(try await models([5], classes: [1]).found == 0)
        #expect(try await models([5], shift: 1).found == 0)
        // A damaged file is trained again.
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
            try Data("damaged".utf8).write(to: file)
        }
        let repaired = try await models([5])
        #expect(repaired.found == 0 && repaired.models[0].parameters == first.models[0].parameters)
    }
}
