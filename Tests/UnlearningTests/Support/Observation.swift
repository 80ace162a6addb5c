import Foundation
import Synchronization
import Unlearning

/// What a run reports, in order.
final class ProgressLog: Sendable {
    private let entries = Mutex<[RunProgress]>([])

    var handler: ProgressHandler { { progress in self.entries.withLock { $0.append(progress) } } }
    var all: [RunProgress] { entries.withLock { $0 } }
}

/// Something whose end shows that nothing holds it any more.
final class Token: Sendable {}

/// Examples that keep a token alive.
struct TokenExamples: ExampleSource {
    let source: any ExampleSource
    let token: Token

    var count: Int { source.count }
    var exampleShape: TensorShape { source.exampleShape }
    func label(at index: Int) -> Int { source.label(at: index) }
    func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>) throws {
        try source.write(index, augmentationSeed: augmentationSeed, into: &target)
    }
}

/// Waits for something to become true, for a minute or more where other tests have the processors.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<6000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    return condition()
}

/// The text of the error that `body` throws, or nothing.
func message(_ body: () async throws -> some Any) async -> String? {
    do {
        _ = try await body()
        return nil
    } catch {
        return "\(error)"
    }
}
