import Foundation
import Unlearning

/// The paper's recipe for one class of Fashion-MNIST, from random weights: time does not depend on them.
struct Forgetting: Workload {
    private let unlearner: Unlearner

    init(network: any Architecture, threads: Int) throws {
        let data = try FashionMNIST()
        let model = Model(graph: try network.graph(inputShape: [32, 32, 3], classes: 10), seed: 1)
        unlearner = Unlearner(
            model: model, retaining: try data.samples(perClass: 1000, excluding: [0]), configuration: .paper,
            options: RunOptions(threadCount: threads))
    }

    func run() throws {
        let unlearner = unlearner
        _ = try blocking { try await unlearner.forget(classes: [0]) }
    }
}

/// What forgetting stands against: three epochs over the 54,000 images of the other classes.
struct Retraining: Workload {
    private let model: Model
    private let examples: PreparedImages
    private let threads: Int

    init(network: any Architecture, threads: Int) throws {
        model = Model(graph: try network.graph(inputShape: [32, 32, 3], classes: 10), seed: 1)
        examples = try model.prepare(try FashionMNIST().excluding(classes: [0]))
        self.threads = threads
    }

    func run() throws {
        let (model, examples, threads) = (model, examples, threads)
        _ = try blocking {
            try await Trainer().train(model, on: examples, options: RunOptions(threadCount: threads))
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
