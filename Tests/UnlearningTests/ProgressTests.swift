import Foundation
import Synchronization
import TestSupport
import Testing
import Unlearning

@Suite("Progress and time left", .tags(.unlearning))
struct ProgressTests {
    @Test("phases ahead count by their work, not by their steps")
    func timeLeft() throws {
        let log = ProgressLog()
        let context = RunContext(options: RunOptions(threadCount: 1), handler: log.handler)
        _ = try context.phase(workAhead: 3) {
            usleep(40_000)
            try context.finished(1, of: 4, in: .noise)
            usleep(40_000)
            try context.finished(2, of: 4, in: .noise)
        }
        _ = try context.phase {
            usleep(20_000)
            try context.finished(1, of: 2, in: .repair)
            try context.finished(2, of: 2, in: .repair)
        }
        let all = log.all
        // One of four steps is done: three are left, and three times four.
        #expect(abs(all[0].timeLeft / all[0].elapsed - 15) < 0.5)
        #expect(abs(all[1].timeLeft / all[1].elapsed - 7) < 0.5)
        #expect(all[2].timeLeft >= .milliseconds(20) && all[2].timeLeft < all[2].elapsed)
        #expect(all[3].timeLeft == .zero)
    }

    @Test("a phase without work behind or before it has no division by zero")
    func nothingAhead() throws {
        let log = ProgressLog()
        let context = RunContext(options: RunOptions(threadCount: 1), handler: log.handler)
        try context.finished(1, of: 1, in: .training, loss: 2, correct: 0, examples: 0)
        #expect(log.all[0].timeLeft == .zero && log.all[0].accuracy == 0 && log.all[0].loss == 2)
    }

    @Test("time left falls to zero at the end of a run and is never negative", arguments: [true, false])
    func wholeRun(validated: Bool) async throws {
        let log = ProgressLog()
        _ = try await Patterns.unlearner(forgetting: [2], validated: validated)
            .forget(classes: [2], progress: log.handler)
        let all = log.all
        #expect(all.last?.timeLeft == .zero)
        #expect(all.dropLast().allSatisfy { $0.timeLeft > .zero })
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.elapsed <= $1.elapsed })
        #expect(all.compactMap(\.accuracy).allSatisfy { (0...1).contains($0) })
    }

    @Test("accuracy is that of about the last twenty batches")
    func accuracy() throws {
        let log = ProgressLog()
        let context = RunContext(options: RunOptions(threadCount: 1), handler: log.handler)
        for step in 1...400 {
            try context.finished(step, of: 400, in: .repair, correct: step <= 200 ? 0 : 10, examples: 10)
        }
        let shares = log.all.compactMap(\.accuracy)
        #expect(shares[199] == 0)
        #expect(abs(shares[219] - 0.64) < 0.02)
        #expect(shares[399] > 0.999)
    }
}
