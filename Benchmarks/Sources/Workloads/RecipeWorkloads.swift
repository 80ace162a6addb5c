import Foundation
import Unlearning

/// The paper's recipe for the first classes of Fashion-MNIST, from random weights: time does not depend on them.
final class Forgetting: Workload {
    private let unlearner: Unlearner
    private let classes: Range<Int>
    let operations: Double
    private(set) var phases: [WorkloadPhase] = []

    init(network: any Architecture, classCount: Int, threads: Int, precision: Precision) throws {
        classes = 0..<classCount
        let retained = try FashionMNIST().samples(perClass: 1000, excluding: Set(classes))
        let graph = try network.graph(inputShape: [32, 32, 3], classes: 10)
        let configuration = UNSIR.Configuration.paper
        unlearner = Unlearner(
            model: Model(graph: graph, seed: 1), retaining: retained, method: .unsir(configuration),
            options: RunOptions(threadCount: threads, precision: precision))
        operations = configuration.directOperations(
            graph, classes: classCount, retained: retained.count)
    }

    func run() throws {
        let (unlearner, classes) = (unlearner, classes)
        let outcome = try blocking { try await unlearner.forget(classes: classes) }
        phases = [RunPhase.noise, .impair, .repair].map { phase in
            WorkloadPhase(
                name: phase.rawValue, steps: outcome.losses[phase]?.count ?? 0,
                seconds: (outcome.phaseTimes[phase] ?? .zero) / .seconds(1))
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
