import Foundation
import ImageDatasets
import NeuralGraph
import Synchronization
import TestSupport
import Testing

@Suite("Batch loader: errors, cancellation and memory", .tags(.data))
struct LoaderLifetimeTests {
    @Test("an error comes out in its place, and again", arguments: [0, 1, 4])
    func errors(prefetch: Int) throws {
        let loader = try BatchLoader(
            ObservedSource(count: 100, failsAt: 25), batchSize: 10, prefetch: prefetch)
        #expect(try loader.next()?.indices.first == 0)
        #expect(try loader.next()?.indices.first == 10)
        #expect(throws: ObservedSource.Failure.self) { _ = try loader.next() }
        #expect(throws: ObservedSource.Failure.self) { _ = try loader.next() }
    }

    @Test("a loader that is dropped ends its thread and frees its source")
    func dropped() throws {
        weak var log: ObservedSource.Log?
        do {
            // One batch of 100 seconds: the thread must not wait for it to be complete.
            let source = ObservedSource(count: 1_000_000, microseconds: 100)
            log = source.log
            let loader = try BatchLoader(source, batchSize: 1_000_000)
            #expect(wait { source.log.reads.load(ordering: .relaxed) > 3 })
            #expect(loader.batchCount == 1)
        }
        #expect(wait { log == nil })
    }

    @Test("a loader whose thread waits for a free batch ends it too")
    func droppedWhileFull() throws {
        weak var log: ObservedSource.Log?
        do {
            let source = ObservedSource(count: 100)
            log = source.log
            let loader = try BatchLoader(source, batchSize: 10)
            #expect(wait { source.log.reads.load(ordering: .relaxed) == 30 })
            _ = loader
        }
        #expect(wait { log == nil })
    }

    @Test("a batch outlives its loader")
    func batchOutlives() throws {
        var kept: Batch?
        do {
            let loader = try BatchLoader(ObservedSource(count: 100), batchSize: 10)
            _ = try loader.next()
            kept = try loader.next()
        }
        usleep(5000)
        #expect(kept.map { Array($0.inputs) } == (10..<20).map(Float.init))
    }

    @Test("cancelling ends a call that waits", arguments: [0, 2])
    func cancelled(prefetch: Int) throws {
        let source = ObservedSource(count: 100_000, microseconds: 100)
        let loader = try BatchLoader(source, batchSize: 50_000, prefetch: prefetch)
        let outcome = Mutex<String?>(nil)
        withExtendedLifetime(outcome) {
            let thread = Thread {
                let error = failure { _ = try loader.next() }
                outcome.withLock { $0 = error.map { "\(type(of: $0))" } ?? "none" }
            }
            thread.start()
            #expect(wait { source.log.reads.load(ordering: .relaxed) > 3 })
            loader.cancel()
            #expect(wait { outcome.withLock { $0 != nil } })
        }
        #expect(outcome.withLock { $0 } == "CancellationError")
        #expect(throws: CancellationError.self) { _ = try loader.next() }
        #expect(source.log.reads.load(ordering: .relaxed) < 40_000)
    }

    @Test("hundreds of loaders, used up, half used or never used, leave no memory behind", .tags(.slow), .slow)
    func memory() throws {
        // 16 MB a loader, all of it written: a leak of one in ten would show.
        let source = ObservedSource(count: 16, exampleShape: [1 << 18])
        func use(_ number: Int) throws {
            let loader = try BatchLoader(source, batchSize: 4, prefetch: 3)
            for _ in 0..<(number % 3) * 2 { _ = try loader.next() }
        }
        for number in 0..<20 { try use(number) }
        usleep(50_000)
        let before = residentBytes()
        for number in 0..<300 { try use(number) }
        usleep(50_000)
        #expect(residentBytes() - before < 400 << 20)
    }

    private func residentBytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        return (Int(text.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
