import Foundation
import TestSupport
import Testing
import Unlearning

/// The fast algorithms round more than the universal ones; what a training ends with must not show it.
@Suite(
    "Fast and strict training",
    .enabled(if: FileManager.default.fileExists(atPath: FashionMNIST.defaultDirectory.path)))
struct PrecisionTests {
    /// Test accuracies and last losses of trainings that differ by their seeds alone.
    private struct Trainings {
        var accuracies: [Double] = []
        var losses: [Double] = []
    }

    private static let seeds = UInt64(0)..<5

    @Test("training from scratch ends within the seed-to-seed spread of strict training", .tags(.slow), .slow)
    func spread() async throws {
        let train = try FashionMNIST(split: .train).first(1500)
        let test = try FashionMNIST(split: .test).first(2000)
        let graph = try network()
        let algorithms = Set(
            ExecutionSummary(model: Model(graph: graph, seed: 0), batchCapacity: 50, computing: .parameters)
                .nodes.map(\.algorithm))
        #expect(algorithms.contains { $0.contains("Winograd") }, "\(algorithms)")

        let strict = try await trainings(graph, train, test, .strict)
        let fast = try await trainings(graph, train, test, .fast)
        #expect(strict.losses != fast.losses)
        // Neither everything nor nothing is learned, or there would be no spread to compare with.
        #expect(strict.accuracies.allSatisfy { (0.6...0.9).contains($0) }, "\(strict.accuracies)")
        expect(fast.accuracies, within: strict.accuracies, "test accuracy")
        expect(fast.losses, within: strict.losses, "training loss")
    }

    /// Neither the mean nor a single value is further from the expected mean than chance takes them.
    private func expect(_ values: [Double], within expected: [Double], _ name: String) {
        let count = Double(expected.count)
        let (mean, center) = (values.reduce(0, +) / count, expected.reduce(0, +) / count)
        let variance = expected.reduce(0) { $0 + ($1 - center) * ($1 - center) } / (count - 1)
        let deviation = variance.squareRoot()
        let text = Comment(rawValue: "\(name): fast \(values), strict \(expected)")
        if ProcessInfo.processInfo.environment["SHOW_ERRORS"] != nil { print(text) }
        // 2.5 standard errors of a difference of two means: if the algorithms does not matter, one machine in a hundred
        // is further off. So is one in a hundred with a value at four deviations.
        #expect(abs(mean - center) <= 2.5 * deviation * (2 / count).squareRoot(), text)
        #expect(values.allSatisfy { abs($0 - center) <= 4 * deviation }, text)
    }

    private func trainings(
        _ graph: Graph, _ train: ImageSubset, _ test: ImageSubset, _ algorithms: Algorithms
    ) async throws -> Trainings {
        var result = Trainings()
        let metadata = ModelMetadata(classNames: train.classNames, normalization: train.normalization)
        for seed in Self.seeds {
            let untrained = Model(graph: graph, metadata: metadata, seed: seed)
            let options = RunOptions(seed: seed, algorithms: algorithms)
            let outcome = try await Trainer(
                configuration: TrainingConfiguration(epochs: 3, batchSize: 50, learningRate: 0.002)
            ).train(untrained, on: untrained.prepare(train), options: options)
            let accuracy = try await Evaluator().accuracy(
                of: outcome.model, on: outcome.model.prepare(test), options: options)
            result.accuracies.append(try #require(accuracy.all))
            result.losses.append(outcome.losses.suffix(10).reduce(0, +) / 10)
        }
        return result
    }

    /// Channels and maps that the fast algorithms are picked for.
    private func network() throws -> Graph {
        var builder = GraphBuilder(inputShape: [28, 28, 1])
        var x = builder.input
        for (index, (channels, stride)) in [(16, 2), (32, 1), (32, 2), (32, 1)].enumerated() {
            x = try builder.convolution(
                x, named: "conv\(index)", channels: channels, kernelSize: 3, stride: Size2D(stride), padding: 1,
                bias: false)
            x = try builder.batchNormalization(x, named: "bn\(index)")
            x = try builder.relu(x, named: "relu\(index)")
        }
        x = try builder.flatten(x, named: "flatten")
        _ = try builder.linear(x, named: "fc", outputs: 10)
        return try builder.graph()
    }
}
