import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningLedger
import UnlearningReports

@Suite("The state of a ledger", .tags(.ledger))
struct LedgerStateTests {
    let sample: SampleLedger

    init() throws {
        sample = try SampleLedger()
    }

    private var states: [LedgerState.RequestState] { get throws { try sample.ledger.state().requests.map(\.state) } }

    @Test("requests go from queued through running to passed")
    func passes() throws {
        try sample.fill()
        let state = try sample.ledger.state()
        #expect(state.requests.map(\.state) == [.passed, .passed, .queued])
        #expect(state.currentModel.path == "models/0001.safetensors")
        #expect(state.waiting(retrying: false).map(\.number) == [3])
        #expect(state.head.sequence == 6)
    }

    @Test("a job that was killed is resumed with the same settings, and abandoned with others")
    func resumes() throws {
        try sample.ledger.add(classes: [0])
        let first = try sample.ledger.start(requests: [1], settings: ["seed": "0"])
        #expect(try states == [.running])
        // A request that comes in between waits for the next job.
        try sample.ledger.add(classes: [1])
        let again = try sample.ledger.start(requests: [1], settings: ["seed": "0"])
        #expect((first.number, again.number) == (1, 1))
        #expect(try sample.ledger.state().resumable(["seed": "0"])?.start.requests == [1])
        #expect(try sample.ledger.state().resumable(["seed": "1"]) == nil)
        #expect(try sample.ledger.state().waiting(retrying: false).map(\.number) == [1, 2])
        let other = try sample.ledger.start(requests: [1, 2], settings: ["seed": "1"])
        #expect(other.number == 2)
        let state = try sample.ledger.state()
        #expect(state.requests.map(\.jobs) == [[1, 2], [2]])
        #expect(state.requests.map(\.state) == [.running, .running])
        #expect(try sample.ledger.rows().map(\.kind).suffix(3) == ["resumed", "abandoned", "started"])
    }

    @Test("a request is never done twice")
    func doneOnce() throws {
        try sample.fill()
        #expect(throws: LedgerError.self) { try sample.ledger.start(requests: [1], settings: [:]) }
        #expect(throws: LedgerError.self) { try sample.ledger.fail(1, reason: "late") }
        #expect(try sample.ledger.rows().count == 6)
    }

    @Test("failed and refused requests wait for a retry, and a refused model is not the current one")
    func retries() throws {
        try sample.ledger.add(classes: [0])
        _ = try sample.ledger.start(requests: [1], settings: [:])
        try sample.ledger.fail(1, reason: "the loss is not finite")
        #expect(try states == [.failed])
        try sample.run(2, requests: [1], reasons: ["beyond their limits: linear-probe"])
        let state = try sample.ledger.state()
        #expect(state.requests.map(\.state) == [.refused])
        #expect(state.currentModel == state.creation.model)
        #expect(state.waiting(retrying: false).isEmpty)
        #expect(state.waiting(retrying: true).map(\.number) == [1])
        #expect(try sample.run(3, requests: [1]).requests.map(\.state) == [.passed])
    }

    @Test("rolling back restores the model before a job and marks its requests and later ones")
    func rollsBack() throws {
        try sample.fill()
        try sample.run(2, requests: [3])
        let last = try sample.ledger.rollBack()
        #expect(last.requests.map(\.state) == [.passed, .passed, .rolledBack])
        #expect(last.currentModel.path == "models/0001.safetensors")
        try sample.ledger.add(classes: [4])
        try sample.run(3, requests: [4])
        let all = try sample.ledger.rollBack(job: 1, reason: "wrong ticket")
        #expect(all.requests.map(\.state) == [.rolledBack, .rolledBack, .rolledBack, .rolledBack])
        #expect(all.currentModel == all.creation.model)
        #expect(throws: LedgerError.self) { try sample.ledger.rollBack() }
        #expect(sample.faults() == [])
    }

    @Test("pruning removes former models alone, which cannot be restored then")
    func prunes() throws {
        try sample.fill()
        #expect(try sample.ledger.prune().map(\.path) == ["models/0000.safetensors"])
        #expect(sample.faults() == [])
        #expect(try sample.ledger.prune().isEmpty)
        #expect(throws: LedgerError.self) { try sample.ledger.rollBack() }
        try Data("model".utf8).write(to: sample.url.appendingPathComponent("models/0000.safetensors"))
        #expect(!sample.faults().isEmpty)
    }

    @Test("a request is overdue after its day, until it has passed")
    func deadlines() throws {
        try sample.ledger.add(classes: [0], due: "2026-03-01")
        let request = try #require(try sample.ledger.state().requests.first)
        #expect(!request.isOverdue(on: "2026-03-01"))
        #expect(request.isOverdue(on: "2026-03-02"))
        let done = try #require(try sample.run(1, requests: [1]).requests.first)
        #expect(!done.isOverdue(on: "2027-01-01"))
    }

    @Test("files made from a model are outdated once the model is not current")
    func derivedFiles() throws {
        try sample.ledger.add(classes: [0])
        let file = sample.folder.appendingPathComponent("model.onnx")
        try Data("onnx".utf8).write(to: file)
        _ = try sample.ledger.derive([file])
        func state() throws -> Ledger.DerivedState? {
            sample.ledger.derivedFiles(in: try sample.ledger.state()).first?.state
        }
        #expect(try state() == .current)
        try sample.run(1, requests: [1])
        #expect(try state() == .outdated)
        try Data("new".utf8).write(to: file)
        #expect(try state() == .replaced)
        _ = try sample.ledger.derive([file])
        #expect(try state() == .current)
        try FileManager.default.removeItem(at: file)
        #expect(try state() == .gone)
        let unknown = try #require(SHA256Digest(String(repeating: "ab", count: 32)))
        #expect(throws: LedgerError.self) { try sample.ledger.derive([sample.database], from: unknown) }
    }

    @Test("requests that cannot be are refused, and leave no row")
    func impossibleRequests() throws {
        let ledger = sample.ledger
        #expect(throws: LedgerError.self) { try ledger.add(classes: []) }
        #expect(throws: LedgerError.self) { try ledger.add(classes: [6]) }
        #expect(throws: LedgerError.self) { try ledger.add(classes: [-1]) }
        #expect(throws: LedgerError.self) { try ledger.add(classes: 0..<6) }
        #expect(throws: LedgerError.self) { try ledger.add(classes: [0], due: "2026-02-30") }
        #expect(throws: LedgerError.self) { try ledger.add(classes: [0], due: "tomorrow") }
        #expect(throws: LedgerError.self) { try ledger.add(classes: [0], reference: "a\nb") }
        try ledger.add(classes: 0..<5)
        #expect(throws: LedgerError.self) { try ledger.add(classes: [5]) }
        #expect(try ledger.rows().count == 2)
    }

    @Test("an event has one encoding, which is read back")
    func encoding() throws {
        try sample.fill()
        for row in try sample.ledger.rows() {
            let event = try row.event()
            #expect(try event.payload() == row.payload)
            #expect(event.kind.rawValue == row.kind)
        }
    }

    @Test("the hash is SHA-256 over five lines")
    func hash() throws {
        // printf '%064d\n1\n2026-01-01T00:00:00Z\npruned\n{"files":[]}' 0 | sha256sum
        let row = try LedgerRow(.pruned(files: []), after: nil, at: Date(timeIntervalSince1970: 1_767_225_600))
        #expect(row.time == "2026-01-01T00:00:00Z")
        #expect(row.payload == #"{"files":[]}"#)
        #expect(row.hash == "92656ade9cc6f1d87af43d9550123d7901f604ce0a66ca4f2a993400144c11e4")
    }

    @Test("many writers at the same time lose no request and keep the chain")
    func manyWriters() async throws {
        let url = sample.url
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let ledger = try Ledger(url)
                    for number in 0..<5 { try ledger.add(classes: [writer], reference: "\(writer)-\(number)") }
                }
            }
            try await group.waitForAll()
        }
        let references = try sample.ledger.state().requests.compactMap(\.reference)
        #expect(Set(references).count == 20)
        #expect(sample.faults() == [])
    }

    @Test("one holder at a time has the lease")
    func lease() throws {
        let lease = try JobLease(in: sample.url)
        #expect(JobLease.isTaken(in: sample.url))
        let error = #expect(throws: LedgerError.self) { try JobLease(in: sample.url) }
        #expect(error?.message.contains("(number \(getpid()))") == true)
        withExtendedLifetime(lease) {}
    }
}
