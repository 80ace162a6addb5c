import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Thresholds and verdicts", .tags(.audit))
struct AuditVerdictTests {
    private func result(
        _ value: Double, retrained: [Double] = [], original: Double? = nil, _ limits: [MeasureThreshold]
    ) -> MeasureResult {
        var thresholds = AuditThresholds()
        thresholds[.forgetAccuracyTest] = limits
        return thresholds.judged(
            MeasureResult(
                Accuracies.forgetTest, original: original.map { MeasureValue($0) }, unlearned: MeasureValue(value),
                retrained: retrained.map { MeasureValue($0) }))
    }

    @Test("limits count to their side, from their reference, ends included")
    func sides() {
        let above = [MeasureThreshold(.above, .retrained, limit: 0.5)]
        let verdicts = [0, 0.875, 1, 1.125].map { result($0, retrained: [0.25, 0.75], above).verdict }
        #expect(verdicts == [.pass, .pass, .pass, .leak])
        let below = [MeasureThreshold(.below, .original, limit: 0.5, finding: .overForgotten)]
        #expect(
            [2, 0.75, 0.5, 0.25].map { result($0, original: 1, below).verdict } == [
                .pass, .pass, .pass, .overForgotten,
            ])
        let both = above + [MeasureThreshold(.below, .retrained, limit: 0.25, finding: .overForgotten)]
        #expect(
            [0, 0.25, 1, 1.25].map { result($0, retrained: [0.5], both).verdict } == [
                .overForgotten, .pass, .pass, .leak,
            ])
        #expect(above[0].verdict(of: .nan, against: 0) == .notJudged)
        #expect(above[0].verdict(of: 0, against: .infinity) == .notJudged)
        let either = [MeasureThreshold(.either, .zero, limit: 0.5)]
        #expect([-1, -0.25, 0.5].map { result($0, either).verdict } == [.leak, .pass, .pass])
    }

    @Test("the first limit whose reference is at hand counts; without one nothing is judged")
    func fallback() {
        let limits = [
            MeasureThreshold(.above, .retrained, limit: 0),
            MeasureThreshold(.above, .zero, limit: 1),
        ]
        #expect(result(0.5, limits).verdict == .pass && result(0.5, limits).limits == [limits[1]])
        #expect(result(0.5, retrained: [0.25], limits).verdict == .leak)
        #expect(result(0.5, [limits[0]]).verdict == .notJudged && result(0.5, [limits[0]]).limits.isEmpty)
    }

    @Test("a bound is judged where it decides, and only there")
    func bounds() {
        func verdict(_ value: Double, lower: Bool = false, upper: Bool = false) -> MeasureVerdict {
            AuditThresholds(limits: ["anamnesis-index": [MeasureThreshold(.below, .retrained, limit: 0.65)]]).judged(
                MeasureResult(
                    AnamnesisIndex.description,
                    unlearned: MeasureValue(value, isLowerBound: lower, isUpperBound: upper),
                    retrained: [MeasureValue(1)])
            ).verdict
        }
        #expect(verdict(0.83) == .pass && verdict(0.3) == .leak)
        #expect(verdict(0.83, upper: true) == .notJudged, "the true index may be anything down to 0")
        #expect(verdict(0.3, upper: true) == .leak)
        #expect(verdict(1.2, lower: true) == .pass && verdict(0.3, lower: true) == .notJudged)
        #expect(verdict(1, lower: true, upper: true) == .notJudged)
        let times = AuditThresholds(
            limits: ["relearn-time": [MeasureThreshold(.below, .retrained, limit: 5)]])
        let fewer = times.judged(
            MeasureResult(
                RelearnTime.description, unlearned: MeasureValue(50), retrained: [MeasureValue(60, isLowerBound: true)])
        )
        #expect(fewer.verdict == .leak, "at least 10 steps too few, and nobody knows how many")
        #expect(fewer.gap?.isUpperBound == true && fewer.gap?.isLowerBound == false)
    }

    @Test("without a judged forget accuracy and a judged measure of leakage nothing passes")
    func evidence() throws {
        func verdict(_ measures: [MeasureResult], isOriginal: Bool = false) -> AuditVerdict {
            AuditVerdict(measures, comparesWithRetraining: true, isOriginal: isOriginal)
        }
        #expect(verdict(enough).total == .pass && verdict(enough).missingEvidence.isEmpty)
        let blind = verdict([enough[1], MeasureResult(Accuracies.forgetTest, omitted: "10 are too few; give 30")])
        #expect(blind.total == .incomplete)
        #expect(
            blind.missingEvidence
                == ["forget accuracy was not judged: forget-accuracy-test (10 are too few; give 30)"])
        let shallow = verdict([
            enough[0], MeasureResult(MembershipInference.entropy, omitted: "no data"),
            MeasureResult(MembershipInference.loss, omitted: "no data"), MeasureResult(TotalVariation.description),
        ])
        #expect(shallow.total == .incomplete)
        #expect(
            shallow.missingEvidence == [
                "no measure of leakage was judged that finds the original: total-variation (no limit, or no reference for it; give retrained "
                    + "models, or set a limit); membership-entropy, membership-loss (no data)"
            ])
        #expect(verdict([]).total == .incomplete && verdict([]).missingEvidence.count == 2)
        let same = verdict(enough, isOriginal: true)
        #expect(same.total == .incomplete && same.missingEvidence.count == 1)
        var failed = enough
        failed[0].verdict = .leak
        #expect(verdict(failed, isOriginal: true).total == .leak)
        let data = try JSONEncoder().encode(same)
        #expect(try JSONDecoder().decode(AuditVerdict.self, from: data) == same)
    }

    @Test("of several forgotten classes each is judged, and none may hide behind their mean")
    func worstClass() async throws {
        let model = try await Patterns.model
        let unlearned = try model.replacing("fc.bias", at: 1, with: -1000)
        func audit(_ test: any ImageDataset) async throws -> AuditResult {
            try await Audit(configuration: .quick).run(
                original: model, unlearned: unlearned, forgotten: [1, 2],
                data: AuditData(test: test, training: Patterns.train))
        }
        let result = try await audit(Patterns.test)
        let worst = try #require(result[.forgetAccuracyWorstClass])
        let evaluated = try await Evaluator().accuracy(of: unlearned, on: model.prepare(Patterns.test))
        #expect(worst.rows.map(\.values.unlearned) == [evaluated.perClass[1], evaluated.perClass[2]])
        #expect(worst.rows.map(\.index) == [1, 2] && evaluated.perClass[1] == 0)
        #expect(worst.unlearned?.value == evaluated.perClass[2] && worst.verdict == .leak)
        #expect(try #require(result[.forgetAccuracyTest]?.unlearned).value < #require(worst.unlearned).value)
        // Ten images of the second class are too few, whatever the mean is over.
        let few = try await audit(
            ImageSubset(
                Patterns.test, indices: (0..<Patterns.test.count).filter { $0 % 6 != 2 || $0 < 60 }))
        #expect(
            few.verdict.missingEvidence.contains(
                "not every forgotten class was judged: forget-accuracy-worst-class (10 test examples of class 2 (pattern 2) "
                    + "are too few; give 30 or more)"))
        #expect(!result.verdict.missingEvidence.contains { $0.hasPrefix("not every") })
        // Of one class there is no worst.
        let one = try await Audit(configuration: .quick).run(
            original: model, unlearned: unlearned, forgotten: [1],
            data: AuditData(test: Patterns.test, training: Patterns.train))
        #expect(one[.forgetAccuracyWorstClass] == nil)
        #expect(!one.verdict.missingEvidence.contains { $0.hasPrefix("not every") })
    }

    @Test("limits that let more pass than the default ones are told")
    func looser() {
        #expect(AuditThresholds.default.looser().isEmpty)
        var configuration = AuditConfiguration.full
        let all = Set(Audit().descriptions.map(\.identifier))
        func told(_ comparing: Bool = true) -> [String] {
            configuration.looserSettings(of: all, comparesWithRetraining: comparing)
        }
        configuration.thresholds[.linearProbe] = [MeasureThreshold(.above, .retrained, limit: 0.5)]
        configuration.thresholds[.headShareBias] = []
        configuration.thresholds[.forgetAccuracyTest] = [
            MeasureThreshold(.above, .retrained, limit: 0),
            MeasureThreshold(.above, .zero, limit: 1),
        ]
        configuration.minimumSamples = 5
        let spread = AuditThresholds.default[.linearProbe][0].spread?.deviation ?? 0
        let usual = "the retrained models' spread (usually \(spread.formattedShortly)), at least 0.02"
        #expect(
            told() == [
                "head-share-bias above zero: no limit, the default is 0.3",
                "linear-probe above retrained: 0.5, the default is \(usual)",
                "linear-probe below retrained: no limit, the default is \(usual)",
                "minimum number of images for a measure: 5, the default is 30",
            ])
        #expect(
            told(false) == [
                "forget-accuracy-test above zero: 1, the default is 0.02",
                "head-share-bias above zero: no limit, the default is 0.3",
                "minimum number of images for a measure: 5, the default is 30",
            ])
    }

    @Test("the worst measure decides; left out ones do not count")
    func total() {
        func measure(_ verdict: MeasureVerdict) -> MeasureResult {
            var result = MeasureResult(Accuracies.retainTest)
            result.verdict = verdict
            return result
        }
        func total(_ verdicts: [MeasureVerdict]) -> MeasureVerdict {
            AuditVerdict(enough + verdicts.map(measure), comparesWithRetraining: true).total
        }
        #expect(total([.pass, .notJudged]) == .pass && total([.pass, .overForgotten]) == .overForgotten)
        #expect(total([.overForgotten, .leak, .pass]) == .leak)
        var omitted = measure(.leak)
        omitted.omission = "no data"
        #expect(AuditVerdict(enough + [omitted], comparesWithRetraining: true).total == .pass)
    }

    /// A judged measure of either kind, which a verdict cannot do without.
    private var enough: [MeasureResult] {
        [Accuracies.forgetTest, LinearProbe.description].map { description in
            var result = MeasureResult(description)
            result.verdict = .pass
            result.findsOriginal = true
            return result
        }
    }
}

@Suite("Final audits", .tags(.audit))
struct FinalAuditTests {
    private func unlearner(_ change: (inout FinalAudit) -> Void = { _ in }) async throws -> Unlearner {
        var unlearner = try await Patterns.unlearner(forgetting: [2])
        var audit = FinalAudit(on: AuditedModels.data)
        change(&audit)
        unlearner.audit = audit
        return unlearner
    }

    @Test("the outcome has the audit, which changes nothing else")
    func outcome() async throws {
        let log = ProgressLog()
        let outcome = try await unlearner().forget(classes: [2], progress: log.handler)
        let plain = try await Patterns.unlearner(forgetting: [2]).forget(classes: [2])
        #expect(outcome.model.stateDictionary == plain.model.stateDictionary && plain.audit == nil)
        let audit = try #require(outcome.audit)
        #expect(audit.forgottenClasses == [2] && audit[.forgetAccuracyTest]?.verdict == .pass)
        #expect(outcome.summary.contains("audit: ") && !plain.summary.contains("audit"))
        #expect(log.all.last?.phase == .audit && outcome.phaseTimes[.audit] == nil)
        let direct = try await Audit(configuration: .quick).run(
            original: try await Patterns.model, unlearned: outcome.model, forgotten: [2], data: AuditedModels.data)
        #expect(direct.measures == audit.measures)
    }

    @Test("a model that fails is withheld on request, and the error tells why")
    func refusal() async throws {
        // Every model passes the first and fails the second.
        let idle = MeasureThreshold(.below, .zero, limit: 0)
        let impossible = MeasureThreshold(.above, .zero, limit: 0)
        let refusing = try await unlearner {
            $0.refusesFailure = true
            $0.configuration.thresholds[.retainAccuracyTest] = [impossible]
        }
        do {
            _ = try await refusing.forget(classes: [2])
            Issue.record("the model was handed over")
        } catch let failure as AuditFailure {
            #expect(failure.result.verdict.leaks.contains(.retainAccuracyTest))
            #expect("\(failure)".contains("retain-accuracy-test"))
        }
        let lenient = try await unlearner { $0.configuration.thresholds[.retainAccuracyTest] = [impossible] }
        #expect(try await lenient.forget(classes: [2]).audit?.verdict.total == .leak)
        let retrained = try await AuditedModels.retrained
        let passing = try await unlearner {
            $0.refusesFailure = true
            $0.retrained = retrained
            $0.configuration.thresholds = AuditThresholds(
                limits: [
                    "retain-accuracy-test": [idle], "forget-accuracy-test": [idle],
                    "total-variation": [MeasureThreshold(.above, .retrained, limit: 0.4)],
                ])
        }
        #expect(try await passing.forget(classes: [2]).audit?.verdict.total == .pass)
        let blind = try await unlearner {
            $0.refusesFailure = true
            $0.configuration.thresholds = AuditThresholds(limits: ["retain-accuracy-test": [idle]])
        }
        do {
            _ = try await blind.forget(classes: [2])
            Issue.record("the model was handed over")
        } catch let failure as AuditFailure {
            #expect(failure.result.verdict.total == .incomplete && failure.result.verdict.leaks.isEmpty)
            #expect("\(failure)".contains("incomplete: no model was retrained without the classes"))
        }
    }
}
