import Foundation
import Synchronization
import Unlearning

/// The handling of Ctrl-C and SIGTERM.
///
/// The first signal cancels the run, which ends at its next step. If no run is in progress, or it does not end in time, the
/// program ends; a second signal ends it at once. Files are whole or not there in every case.
enum Interruption {
    /// What the program is doing.
    private struct State {
        /// The first signal that came; 0 if none did.
        var received: Int32 = 0
        var run: Run?
    }

    private struct Run {
        let cancel: @Sendable () -> Void
        /// Puts the terminal in order before the program ends at once.
        let cleanUp: @Sendable () -> Void
        let note: String
    }

    private static let state = Mutex(State())

    /// Seconds from the first signal to the end of a run that does not end by itself.
    static let patience: Int32 = 10

    /// Gets ready for signals; called before anything else.
    static func start() {
        // A program that starts others may have signals blocked, and hands that on.
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGALRM] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        // Writing to a closed pipe is an error instead of the end of the program.
        signal(SIGPIPE, SIG_IGN)
        SignalPipe.listen(
            patience: patience,
            onSignal: { number in
                let run = state.withLock { state in
                    defer { state.received = number }
                    return state.received == 0 ? state.run : nil
                }
                guard let run else { end(number) }
                run.cancel()
            }, onTimeout: { end(state.withLock { $0.received }) })
    }

    /// Runs `body` in a task that a signal cancels.
    /// - Parameters:
    ///   - note: what an interruption means for the files.
    ///   - cleanUp: puts the terminal in order before the program ends at once.
    /// - Throws: ``Interrupted`` after a signal, and what `body` throws.
    static func cancelling<Result: Sendable>(
        note: String, cleanUp: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task { try await body() }
        let received = state.withLock { state in
            state.run = Run(cancel: { task.cancel() }, cleanUp: cleanUp, note: note)
            return state.received
        }
        if received != 0 { task.cancel() }
        // Work after the run, such as printing to a pipe without a reader, ends at the first signal.
        defer { state.withLock { $0.run = nil } }
        return try await withTaskCancellationHandler {
            do {
                return try await task.value
            } catch is CancellationError {
                throw Interrupted(signal: state.withLock { $0.received }, note: note)
            }
        } onCancel: {
            task.cancel()
        }
    }

    /// Ends the program as a signal would.
    private static func end(_ number: Int32) -> Never {
        let run = state.withLock { $0.run }
        run?.cleanUp()
        AtomicFile.removeUnfinished()
        StandardError.write("unlearn: \(Interrupted(signal: number, note: run?.note).message)\n")
        _exit(128 + number)
    }
}

/// A run that a signal stopped.
struct Interrupted: Error {
    let signal: Int32
    let note: String?

    /// What a shell reports of a program that the signal ended.
    var exitCode: Int32 { 128 + (signal == 0 ? SIGINT : signal) }

    /// The message, with what the interruption means for the files.
    var message: String { "interrupted" + (note.map { ", \($0)" } ?? "") }
}

/// A pipe that carries signals from their handler, which may do very little, to a thread.
private enum SignalPipe {
    // A handler cannot capture; these are set before it is installed.
    private static let ends: (read: Int32, write: Int32)? = {
        var descriptors: [Int32] = [-1, -1]
        return pipe(&descriptors) == 0 ? (descriptors[0], descriptors[1]) : nil
    }()

    private static let first = Atomic<Int32>(0)

    /// Calls `onSignal` for each signal, and `onTimeout` some seconds after the first.
    static func listen(
        patience: Int32, onSignal: @escaping @Sendable (Int32) -> Void, onTimeout: @escaping @Sendable () -> Void
    ) {
        // Without a pipe and a thread the signals keep their default: the program ends.
        // Under a limit little memory may be left.
        guard let ends,
            startDetachedThread(stackSize: 256 << 10, { wait(ends.read, patience, onSignal, onTimeout) })
        else { return }
        // The last resort, if the thread is stuck as well.
        signal(SIGALRM) { _ in _exit(128 + SignalPipe.first.load(ordering: .relaxed)) }
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                let saved = errno
                if SignalPipe.first.exchange(number, ordering: .relaxed) == 0 {
                    alarm(UInt32(Interruption.patience) + 5)
                }
                var byte = UInt8(truncatingIfNeeded: number)
                if let ends = SignalPipe.ends { _ = write(ends.write, &byte, 1) }
                errno = saved
            }
        }
    }

    private static func wait(
        _ descriptor: Int32, _ patience: Int32, _ onSignal: (Int32) -> Void, _ onTimeout: () -> Void
    ) {
        var timeout: Int32 = -1
        while true {
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waited, 1, timeout)
            if ready == 0 { onTimeout() }
            var byte: UInt8 = 0
            guard ready > 0, read(descriptor, &byte, 1) == 1 else { continue }
            timeout = patience * 1000
            onSignal(Int32(byte))
        }
    }
}
