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
        var pause = 1
        while isWorkWaiting, !Task.isShuttingDownGracefully, !Task.isCancelled {
            let before = head
            await work()
            // A job that ended, however it did, is on record.
            var isChanged = head != before
            if !isChanged {
                isChanged = await awaitChange(since: before, seconds: pause)
                pause = isChanged ? 1 : min(pause * 2, 60)
            }
            if isChanged { await events.send("states", states) }
        }
    }

    /// Waits for another process to add to the ledger.
    private func awaitChange(since before: String?, seconds: Int) async -> Bool {
        for _ in 0..<seconds {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
            if head != before || Task.isShuttingDownGracefully || Task.isCancelled { break }
        }
        return head != before
    }

    private var head: String? { try? Ledger(ledger).state().headHash }

    private var isWorkWaiting: Bool {
        let requests = (try? Ledger(ledger).state().requests) ?? []
        return requests.contains { $0.state == .queued || $0.state == .running }
    }

    /// One line for each request.
    private var states: String {
        let requests = (try? Ledger(ledger).state().requests) ?? []
        return requests.map { "request \($0.number): \($0.state.rawValue)" }.joined(separator: "\n")
    }

    /// Runs the program once and passes on what it says.
    private func work() async {
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
            return
        }
        let number = process.processIdentifier
        var last = ""
        await withTaskCancellationOrGracefulShutdownHandler {
            for await line in Self.lines(of: pipe.fileHandleForReading) {
                await events.send("progress", line)
                logger.info("\(line)")
                last = line
            }
        } onCancelOrGracefulShutdown: {
            // The job goes on with the next start.
            kill(number, SIGTERM)
        }
        // The program closes its end of the pipe when it ends.
        process.waitUntilExit()
        // Exit code 2 says that a model was refused: its job has ended all the same.
        if ![0, 2].contains(process.terminationStatus) { await events.send("failed", last) }
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
