import Foundation
import Logging
import ServiceLifecycle
import UnlearningLedger

/// Runs `unlearn ledger run` while requests wait, one run at a time.
///
/// It is a process of its own: however it ends, the service and the ledger go on. A run that a killed service left behind
/// has the ledger's lease, so that a second one waits for its end.
actor Worker: Service {
    private let ledger: URL
    private let program: URL
    private let options: [String]
    private let events: EventStream
    private let logger: Logger
    private let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(ledger: URL, program: URL, options: [String], events: EventStream, logger: Logger) {
        self.ledger = ledger
        self.program = program
        self.options = options
        self.events = events
        self.logger = logger
    }

    /// Looks for waiting requests soon.
    func wake() { waker.yield() }

    func run() async throws {
        // What waited, or was interrupted, when the service ended before.
        waker.yield()
        await withGracefulShutdownHandler {
            for await _ in wakes { await workUntilDone() }
        } onGracefulShutdown: {
            self.waker.finish()
        }
        await events.finish()
    }

    /// Runs the program until nothing waits. A run that cannot start, such as while one of before still goes on, is tried
    /// again after a while.
    private func workUntilDone() async {
        var pause = Duration.seconds(1)
        while isWorkWaiting, !Task.isShuttingDownGracefully, !Task.isCancelled {
            let before = head
            _ = await work()
            // A job that ended, however it did, is on record.
            if head != before {
                pause = .seconds(1)
                continue
            }
            guard (try? await cancelWhenGracefulShutdown({ try await Task.sleep(for: pause) })) != nil else { return }
            pause = min(pause * 2, .seconds(60))
        }
    }

    private var head: String? { try? Ledger(ledger).state().headHash }

    private var isWorkWaiting: Bool {
        let requests = (try? Ledger(ledger).state().requests) ?? []
        return requests.contains { $0.state == .queued || $0.state == .running }
    }

    /// Runs the program once and passes on what it says.
    /// - Returns: its exit code.
    private func work() async -> Int32 {
        let process = Process()
        process.executableURL = program
        process.arguments = ["ledger", "run", ledger.path, "--verbose"] + options
        let pipe = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = pipe
        await events.send("started", "unlearn ledger run")
        do {
            try process.run()
        } catch {
            logger.error("\(program.path) cannot be run: \(error)")
            await events.send("failed", "the program cannot be run")
            return -1
        }
        let number = process.processIdentifier
        await withGracefulShutdownHandler {
            for await line in Self.lines(of: pipe.fileHandleForReading) {
                await events.send("progress", line)
                logger.info("\(line)")
            }
        } onGracefulShutdown: {
            // The job goes on with the next start.
            kill(number, SIGTERM)
        }
        // The program closes its end of the pipe when it ends.
        process.waitUntilExit()
        let requests = (try? Ledger(ledger).state().requests) ?? []
        let states = requests.map { "request \($0.number): \($0.state.rawValue)" }.joined(separator: "\n")
        await events.send(process.terminationStatus == 0 ? "finished" : "failed", states)
        return process.terminationStatus
    }

    /// The lines that a program writes, until it closes its end.
    private static func lines(of handle: FileHandle) -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        // Reading blocks, which no thread of the pool may do.
        Thread.detachNewThread {
            var rest = Data()
            while let piece = try? handle.read(upToCount: 4096), !piece.isEmpty {
                rest += piece
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
            }
            if !rest.isEmpty { continuation.yield(String(decoding: rest, as: UTF8.self)) }
            continuation.finish()
        }
        return stream
    }
}
