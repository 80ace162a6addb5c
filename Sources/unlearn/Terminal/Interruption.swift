import Foundation
import Synchronization

/// Ctrl-C and SIGTERM, for one run: the first cancels it, the second ends the program at once.
enum Interruption {
    /// Runs `body` in a task that a signal cancels.
    /// - Parameters:
    ///   - note: what an interruption means for the files.
    ///   - onSecondSignal: puts the terminal in order before the program ends at once.
    /// - Throws: ``Interrupted`` after a signal, and what `body` throws.
    static func cancelling<Result: Sendable>(
        note: String, onSecondSignal: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let received = ReceivedSignal()
        let task = Task { try await body() }
        return try await withTaskCancellationHandler {
            SignalPipe.listen { number in
                if received.number.exchange(number, ordering: .relaxed) != 0 {
                    onSecondSignal()
                    _exit(128 + number)
                }
                task.cancel()
            }
            do {
                return try await task.value
            } catch is CancellationError {
                throw Interrupted(signal: received.number.load(ordering: .relaxed), note: note)
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Makes writing to a closed pipe an error instead of the end of the program.
    static func ignoreClosedPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}

private final class ReceivedSignal: Sendable {
    let number = Atomic<Int32>(0)
}

/// A run that a signal stopped.
struct Interrupted: Error {
    let signal: Int32
    let note: String

    /// What a shell reports of a program that the signal ended.
    var exitCode: Int32 { 128 + (signal == 0 ? SIGINT : signal) }
}

/// Carries signals out of their handler, which may do next to nothing, to a thread that may do anything.
private enum SignalPipe {
    // A handler cannot capture; this is set before it is installed.
    private static let ends: (read: Int32, write: Int32)? = {
        var descriptors: [Int32] = [-1, -1]
        return pipe(&descriptors) == 0 ? (descriptors[0], descriptors[1]) : nil
    }()

    static func listen(_ handler: @escaping @Sendable (Int32) -> Void) {
        // Without a pipe the signals keep their default: the program ends, and files are whole or not there anyway.
        guard let ends else { return }
        let thread = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(ends.read, &byte, 1)
                if count == 1 { handler(Int32(byte)) }
                if count == 0 || (count < 0 && errno != EINTR) { return }
            }
        }
        thread.name = "signals"
        thread.start()
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                if let ends = SignalPipe.ends { _ = write(ends.write, &byte, 1) }
                errno = saved
            }
        }
    }
}
