import Synchronization

/// The first error of a parallel loop's body, which itself cannot throw.
final class FirstFailure: Sendable {
    private let error = Mutex<(any Error)?>(nil)

    /// Runs a part of the loop, and keeps its error.
    func catching(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            self.error.withLock { if $0 == nil { $0 = error } }
        }
    }

    /// Throws the error, if there was one.
    func check() throws {
        if let error = error.withLock({ $0 }) { throw error }
    }
}
