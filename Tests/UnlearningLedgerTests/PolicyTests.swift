import Foundation
import TestSupport
import Testing
import Unlearning
import UnlearningLedger
import UnlearningReports

@Suite("The policy of a ledger", .tags(.ledger))
struct PolicyTests {
    private func policy(_ text: String) throws(LedgerError) -> LedgerPolicy {
        try LedgerPolicy(Data(text.utf8), path: "policy.json")
    }

    @Test("all keys are read, and missing ones have defaults")
    func reads() throws {
        #expect(try policy("{}") == LedgerPolicy())
        let full = try policy(
            """
            {"schemaVersion": 1, "methods": ["default", "scrub"], "requiresRetraining": true, "requiresAudit": true,
             "acceptsOverForgotten": true, "acceptsIncomplete": true, "requiredMeasures": ["linear-probe"],
             "limits": {"forget-accuracy-test": 0.01, "linear-probe": [0.03, 0.06]}}
            """)
        #expect(full.methods == ["default", "scrub"])
        #expect(full.limits["linear-probe"] == .init(above: 0.03, below: 0.06))
        #expect(full.limits["forget-accuracy-test"] == .init(above: 0.01, below: 0.01))
        #expect(try JSONDecoder().decode(LedgerPolicy.self, from: JSONEncoder().encode(full)) == full)
    }

    @Test(
        "what is wrong is named, with the nearest name",
        arguments: [
            (#"{"requireRetraining": true}"#, "'requireRetraining' (did you mean 'requiresRetraining'?)"),
            (
                #"{"limits": {"linear-prob": 0.1}}"#,
                "'linear-prob', which does not exist (did you mean 'linear-probe'?)"
            ),
            (#"{"requiredMeasures": ["membership-los"]}"#, "(did you mean 'membership-loss'?)"),
            (#"{"methods": ["scrubb"]}"#, "(did you mean 'scrub'?)"), (#"{"methods": []}"#, "allows no method"),
            (#"{"methods": "scrub"}"#, "methods must be a list"),
            (#"{"requiresAudit": "yes"}"#, "requiresAudit must be true or false"),
            (#"{"limits": {"linear-probe": [0.1]}}"#, "limits.linear-probe: limits are one number, or a list of two"),
            (#"{"limits": {"linear-probe": [0.2, -0.1]}}"#, "limits linear-probe by 0.2 and -0.1"),
            (#"{"limits": {"linear-probe": -1}}"#, "limits linear-probe by -1.0"),
            (#"{"schemaVersion": 2}"#, "update the program"), ("[]", "is no JSON object"), ("", "is no JSON object"),
        ])
    func refuses(text: String, part: String) throws {
        let error = #expect(throws: LedgerError.self) { try policy(text) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }

    @Test("files that cannot be read are named")
    func missingFile() {
        let error = #expect(throws: LedgerError.self) { try LedgerPolicy(contentsOf: URL(fileURLWithPath: "/nowhere")) }
        #expect(error?.description == "/nowhere: does not exist; check the path")
    }

    @Test("without an audit a model may only leave if the policy says so")
    func audits() {
        #expect(!LedgerPolicy().decision(on: nil, method: "default").isPassed)
        #expect(LedgerPolicy(requiresAudit: false).decision(on: nil, method: "default").isPassed)
    }

    @Test("a method that is not allowed is refused")
    func methods() {
        let policy = LedgerPolicy(methods: ["scrub"], requiresAudit: false)
        #expect(policy.decision(on: nil, method: "scrub").isPassed)
        #expect(policy.decision(on: nil, method: "default").reasons.count == 1)
    }
}

@Suite("The policy's decision on a record", .tags(.ledger))
struct PolicyDecisionTests {
    /// A record whose measures are given by hand: forget accuracy 0, a linear probe and retain accuracy.
    private func record(probe: Double, retrained: Bool) throws -> AuditRecord {
        let all = AuditConfiguration.everyMeasure
        func measure(_ identifier: MeasureIdentifier, _ values: (Double, Double, Double)) throws -> MeasureResult {
            let description = try #require(all.first { $0.identifier == identifier })
            let result = MeasureResult(
                description, original: MeasureValue(values.0), unlearned: MeasureValue(values.1),
                retrained: retrained ? [MeasureValue(values.2)] : [])
            return result
        }
        let measures = AuditThresholds.default.judged([
            try measure(.forgetAccuracyTest, (0.9, 0, 0)), try measure(.retainAccuracyTest, (0.9, 0.9, 0.9)),
            try measure(.linearProbe, (0.9, probe, 0.5)), try measure(.membershipLoss, (0.7, 0.5, 0.5)),
        ])
        let result = AuditResult(
            forgottenClasses: [2], classNames: ["a", "b", "c"], adjacentClasses: [1],
            samples: AuditSampleCounts(
                forgottenTest: 10, retainedTest: 20, forgottenTraining: 30, retainedTraining: 40),
            retrainedModels: retrained ? 1 : 0, measures: measures, isOriginal: false, figures: AuditFigures(),
            configuration: .full, seed: 0, seconds: [:], forgottenSamples: nil)
        func file(_ seed: UInt64) throws -> AuditRecord.ModelFile { try .init(SampleLedger.model(seed: seed)) }
        return try AuditRecord(
            result,
            models: .init(
                original: try file(1), unlearned: try file(2), retrained: retrained ? [try file(3)] : []))
    }

    /// The reasons without contradictions, since the record was made by hand.
    private func reasons(_ policy: LedgerPolicy, _ record: AuditRecord) -> [String] {
        policy.decision(on: record, method: "default").reasons.filter { !$0.hasPrefix("the record contradicts") }
    }

    @Test("the limits of the policy count, tighter and looser ones")
    func limits() throws {
        let close = try record(probe: 0.53, retrained: true)
        #expect(LedgerPolicy().decision(on: close, method: "default").verdict == .pass)
        #expect(reasons(LedgerPolicy(), close) == [])
        let tight = LedgerPolicy(limits: ["linear-probe": .init(above: 0.01, below: 0.02)])
        #expect(reasons(tight, close) == ["leak: linear-probe"])
        let far = try record(probe: 0.1, retrained: true)
        #expect(LedgerPolicy().decision(on: far, method: "default").verdict == .overForgotten)
        #expect(
            reasons(LedgerPolicy(), far) == ["over-forgotten, which the policy does not accept: linear-probe"])
        #expect(reasons(LedgerPolicy(acceptsOverForgotten: true), far) == [])
        let loose = LedgerPolicy(limits: ["linear-probe": .init(above: 0.1, below: 0.5)])
        #expect(reasons(loose, far) == [])
    }

    @Test("a retrained model and judged measures can be required")
    func requirements() throws {
        let alone = try record(probe: 0.5, retrained: false)
        let compared = try record(probe: 0.5, retrained: true)
        let policy = LedgerPolicy(requiresRetraining: true, requiredMeasures: ["linear-probe"])
        #expect(reasons(policy, compared) == [])
        // The incomplete verdict, too, asks for a retrained model.
        #expect(reasons(policy, alone).count == 3)
        var lenient = policy
        lenient.acceptsIncomplete = true
        #expect(reasons(lenient, alone).count == 2)
        #expect(reasons(LedgerPolicy(requiredMeasures: ["total-variation"]), compared).count == 1)
    }

    @Test("a record that contradicts itself is refused")
    func contradictions() throws {
        let decision = LedgerPolicy().decision(on: try record(probe: 0.5, retrained: true), method: "default")
        // Its counts of images are missing, which a record of an audit has.
        #expect(decision.isPassed == decision.reasons.isEmpty)
        var text = String(decoding: try record(probe: 0.9, retrained: true).json(), as: UTF8.self)
        text = text.replacing(#""total" : "leak""#, with: #""total" : "pass""#)
        let changed = try AuditRecord(Data(text.utf8), path: "record.json")
        let found = LedgerPolicy().decision(on: changed, method: "default").reasons
        #expect(found.contains { $0.contains("contradicts itself") })
        #expect(found.contains { $0.contains("linear-probe") })
    }
}
