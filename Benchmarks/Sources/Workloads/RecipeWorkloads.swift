import Foundation
import Unlearning

/// A recipe for the first classes of Fashion-MNIST, from random weights: time does not depend on them.
final class Forgetting: Workload {
    private var unlearner: Unlearner
    private let classes: Range<Int>
    let operations: Double
    private(set) var phases: [WorkloadPhase] = []

    /// The paper's recipe, which has a twin in PyTorch: without a guard, which would hold examples back and run it again.
    init(network: any Architecture, classCount: Int, threads: Int, precision: Precision) throws {
        classes = 0..<classCount
        let retained = try Self.retained(excluding: classes)
        let graph = try network.graph(inputShape: [32, 32, 3], classes: 10)
        let configuration = UNSIR.Configuration.paper
        unlearner = Unlearner(
            model: Model(graph: graph, seed: 1), retaining: retained, method: .unsir(configuration),
            options: RunOptions(threadCount: threads, precision: precision))
        unlearner.guarding = nil
        operations = configuration.directOperations(
            graph, classes: classCount, retained: retained.count)
    }

    /// One of this package's presets, for one class. Its operations are not counted.
    init(network: any Architecture, preset: String, threads: Int, precision: Precision) throws {
        classes = 0..<1
        unlearner = Unlearner(
            model: Model(graph: try network.graph(inputShape: [32, 32, 3], classes: 10), seed: 1),
            retaining: try Self.retained(excluding: classes), method: try UnlearningMethods.named(preset),
            options: RunOptions(threadCount: threads, precision: precision))
        operations = 0
    }

    private static func retained(excluding classes: Range<Int>) throws -> ImageSubset {
        try FashionMNIST().samples(perClass: 1000, excluding: Set(classes))
    }

    func run() throws {
        let (unlearner, classes) = (unlearner, classes)
        let outcome = try blocking { try await unlearner.forget(classes: classes) }
        phases = [RunPhase.noise, .impair, .repair].compactMap { phase in
            guard let losses = outcome.losses[phase] else { return nil }
            return WorkloadPhase(
                name: phase.rawValue, steps: losses.count, seconds: (outcome.phaseTimes[phase] ?? .zero) / .seconds(1))
        }
    }
}

/// What forgetting stands against: three epochs over the 54,000 images of the other classes.
struct Retraining: Workload {
    private let model: Model
    private let examples: any ExampleSource
    private let options: RunOptions
    private let trainer = Trainer()
    let operations: Double

    init(network: any Architecture, threads: Int, precision: Precision) throws {
        let graph = try network.graph(inputShape: [32, 32, 3], classes: 10)
        model = Model(graph: graph, seed: 1)
        examples = try model.prepare(try FashionMNIST().excluding(classes: [0]))
        operations =
            Double(trainer.configuration.epochs * examples.count) * graph.directOperations(computing: .parameters)
        options = RunOptions(threadCount: threads, precision: precision)
    }

    func run() throws {
        let (model, examples, options, trainer) = (model, examples, options, trainer)
        _ = try blocking {
            try await trainer.train(model, on: examples, options: options)
        }
    }
}

/// Waits for asynchronous work, which a benchmark's closure cannot.
private func blocking<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let done = DispatchSemaphore(value: 0)
    let box = ResultBox<Value>()
    Task {
        do {
            box.result = .success(try await body())
        } catch {
            box.result = .failure(error)
        }
        done.signal()
    }
    done.wait()
    guard let result = box.result else { throw CancellationError() }
    return try result.get()
}

/// Written before the semaphore is signalled and read after it was waited for.
private final class ResultBox<Value>: @unchecked Sendable {
    var result: Result<Value, any Error>?
}
