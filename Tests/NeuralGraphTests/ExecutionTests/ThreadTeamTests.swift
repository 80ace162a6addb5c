import Foundation
import NeuralGraph
import Synchronization
import TestSupport
import Testing

@Suite("Thread teams", .tags(.execution), .deadlockLimit) struct ThreadTeamTests {
    /// How often each index of a loop was run.
    private final class Visits: Sendable {
        private let counts: Mutex<[Int]>
        private let strangers = Atomic<Int>(0)

        init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

        func visit(_ index: Int, _ worker: Int = 0, of workers: Int = 1) {
            counts.withLock { $0[index] += 1 }
            if !(0..<workers).contains(worker) { strangers.add(1, ordering: .relaxed) }
        }

        /// Whether each index was run that many times, by workers of the team alone.
        func areAll(_ times: Int) -> Bool {
            counts.withLock { $0.allSatisfy { $0 == times } } && strangers.load(ordering: .relaxed) == 0
        }
    }

    @Test("every index runs once", arguments: [1, 2, 3, 8])
    func everyIndexRunsOnce(_ workers: Int) {
        let team = ThreadTeam(workers: workers)
        #expect(team.workers == workers)
        for count in [0, 1, 2, 3, 7, 64, 1000] {
            let visits = Visits(count)
            for _ in 0..<100 {
                team.forEach(count) { index, worker in visits.visit(index, worker, of: workers) }
            }
            #expect(visits.areAll(100), "\(count) indices")
        }
    }

    /// Loops that follow each other at once, and after pauses in which workers fall asleep.
    @Test("loops follow each other") func loopsFollowEachOther() {
        let team = ThreadTeam(workers: 4)
        let sum = Atomic<Int>(0)
        for round in 0..<5000 {
            team.forEach(5) { index, _ in sum.add(index, ordering: .relaxed) }
            if round % 500 == 0 { Thread.sleep(forTimeInterval: 0.002) }
        }
        #expect(sum.load(ordering: .relaxed) == 50_000)
    }

    @Test("work is shared") func workIsShared() {
        let team = ThreadTeam(workers: 2)
        let arrived = Atomic<Int>(0)
        // Neither of two indices ends before the other has started, so that one thread cannot run both.
        team.forEach(2) { _, _ in
            arrived.add(1, ordering: .acquiringAndReleasing)
            while arrived.load(ordering: .acquiring) < 2 { sched_yield() }
        }
        #expect(arrived.load(ordering: .relaxed) == 2)
    }

    /// The middle loops have one index, which leaves the inner ones to the worker as well.
    @Test("loops may be nested", arguments: [1, 4]) func loopsMayBeNested(_ middle: Int) {
        let team = ThreadTeam(workers: 3)
        let visits = Visits(3 * middle * 5)
        let arrived = Atomic<Int>(0)
        let numbers = Mutex(Set<Int>())
        let wrong = Atomic<Int>(0)
        team.forEach(3) { a, outer in
            // All three workers are in the loop at once: none ends before all have come.
            arrived.add(1, ordering: .acquiringAndReleasing)
            while arrived.load(ordering: .acquiring) < 3 { sched_yield() }
            numbers.withLock { _ = $0.insert(outer) }
            team.forEach(middle) { b, worker in
                if worker != outer { wrong.add(1, ordering: .relaxed) }
                team.forEach(5) { c, worker in
                    if worker != outer { wrong.add(1, ordering: .relaxed) }
                    visits.visit((a * middle + b) * 5 + c, worker, of: 3)
                }
            }
        }
        #expect(visits.areAll(1))
        #expect(numbers.withLock { $0 } == [0, 1, 2])
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    /// A worker's number in one team is none of another's, and is found again behind the other's loop.
    @Test("loops of two teams may be nested") func loopsOfTwoTeamsMayBeNested() {
        let (team, other) = (ThreadTeam(workers: 3), ThreadTeam(workers: 2))
        let arrived = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        let sum = Atomic<Int>(0)
        team.forEach(3) { _, outer in
            arrived.add(1, ordering: .acquiringAndReleasing)
            while arrived.load(ordering: .acquiring) < 3 { sched_yield() }
            let thread = pthread_self()
            other.forEach(4) { _, worker in
                if !(0..<2).contains(worker) { wrong.add(1, ordering: .relaxed) }
                // The other team's thread is a stranger to the first team, which is busy.
                let expected = pthread_equal(thread, pthread_self()) != 0 ? outer : 0
                team.forEach(2) { _, worker in
                    if worker != expected { wrong.add(1, ordering: .relaxed) }
                    sum.add(1, ordering: .relaxed)
                }
            }
            team.forEach(2) { _, worker in if worker != outer { wrong.add(1, ordering: .relaxed) } }
        }
        #expect(sum.load(ordering: .relaxed) == 3 * 4 * 2)
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test("a loop inside a single index has the whole team") func aLoopInsideASingleIndexHasTheWholeTeam() {
        let team = ThreadTeam(workers: 2)
        let arrived = Atomic<Int>(0)
        team.forEach(1) { _, _ in
            team.forEach(2) { _, _ in
                arrived.add(1, ordering: .acquiringAndReleasing)
                while arrived.load(ordering: .acquiring) < 2 { sched_yield() }
            }
        }
        #expect(arrived.load(ordering: .relaxed) == 2)
    }

    @Test("only as many workers are called as there are indices") func onlyAsManyWorkersAreCalled() {
        let team = ThreadTeam(workers: 8)
        let numbers = Mutex(Set<Int>())
        for round in 0..<200 {
            team.forEach(2) { _, worker in
                numbers.withLock { _ = $0.insert(worker) }
                if round % 20 == 0 { Thread.sleep(forTimeInterval: 0.0002) }
            }
        }
        #expect(numbers.withLock { $0 }.isSubset(of: [0, 1]))
    }

    /// Whoever comes late to a loop may meet the next one: tiny loops of several teams at once, one of them everybody's, with
    /// pauses in which helpers fall asleep.
    @Test("teams survive many tiny loops at once") func teamsSurviveManyTinyLoopsAtOnce() {
        let shared = ThreadTeam(workers: 3)
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 4) { caller in
            let own = ThreadTeam(workers: 2 + caller)
            for round in 0..<2000 {
                let team = round % 3 == 0 ? shared : own
                let count = 1 + (round + caller) % 7
                // Not atomic: the end of a loop must make what its workers wrote visible.
                withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { visits in
                    visits.initialize(repeating: 0)
                    team.forEach(count) { index, worker in
                        visits[index] += 1
                        if !(0..<team.workers).contains(worker) { wrong.add(1, ordering: .relaxed) }
                    }
                    if visits.contains(where: { $0 != 1 }) { wrong.add(1, ordering: .relaxed) }
                }
                if round % 250 == 0 { Thread.sleep(forTimeInterval: 0.0003) }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test("one team serves several threads") func oneTeamServesSeveralThreads() {
        let team = ThreadTeam(workers: 3)
        let visits = Visits(4 * 50)
        DispatchQueue.concurrentPerform(iterations: 4) { caller in
            for _ in 0..<200 {
                team.forEach(50) { index, worker in visits.visit(caller * 50 + index, worker, of: 3) }
            }
        }
        #expect(visits.areAll(200))
    }

    @Test("teams come and go") func teamsComeAndGo() {
        let sum = Atomic<Int>(0)
        for round in 0..<300 {
            let team = ThreadTeam(workers: 4)
            // Some are never used, some are dropped while their threads still start.
            if round % 3 > 0 { team.forEach(10) { index, _ in sum.add(index, ordering: .relaxed) } }
        }
        #expect(sum.load(ordering: .relaxed) == 200 * 45)
    }

    @Test("a team has at least the caller", arguments: [0, -3])
    func aTeamHasAtLeastTheCaller(_ workers: Int) {
        let team = ThreadTeam(workers: workers)
        let visits = Visits(3)
        team.forEach(3) { index, worker in visits.visit(index, worker) }
        #expect(team.workers == 1)
        #expect(visits.areAll(1))
    }

    @Test("blocks cover the range", arguments: [0, 1, 9, 10, 11, 100])
    func blocksCoverTheRange(_ total: Int) {
        let team = ThreadTeam(workers: 2)
        let visits = Visits(total)
        team.forEachBlock(of: total, size: 10) { block in
            #expect(block.count == 10 || block.upperBound == total)
            for index in block { visits.visit(index) }
        }
        team.forEachChunk(of: total, floatsEach: 3000) { chunk in
            for index in chunk { visits.visit(index) }
        }
        #expect(visits.areAll(2))
    }
}
