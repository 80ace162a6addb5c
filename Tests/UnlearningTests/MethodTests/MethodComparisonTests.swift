import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Comparing methods", .tags(.methods))
struct MethodComparisonTests {
    private let home: TemporaryFolder
    private var folder: URL { home.file("comparison") }

    init() throws {
        home = try TemporaryFolder()
    }

    private func comparison(_ methods: [any UnlearningMethod], seeds: [UInt64] = [1]) -> MethodComparison {
        var audit = AuditConfiguration(bootstrap: nil, makesFigures: false)
        audit.relearning = RelearningConfiguration(
            forgottenPerStep: 8, retainedPerStep: 8, stepLimit: 100, stepsBetweenMeasurements: 2)
        return MethodComparison(
            methods: methods, seeds: seeds,
            training: TrainingConfiguration(epochs: 2, batchSize: 20, learningRate: 0.005), samplesPerClass: 60,
            audit: audit)
    }

    private func run(_ comparison: MethodComparison, keeping: Bool = true) async throws -> ComparedMethods {
        let graph = try convolutionalNetwork(Patterns.shape, classes: Patterns.classes)
        return try await comparison.run(
            { Model(graph: graph, metadata: ModelMetadata(classNames: Patterns.train.classNames), seed: $0) },
            forgetting: [2], images: Patterns.train, test: Patterns.test, keepingIn: keeping ? folder : nil)
    }

    /// A result without what differs from run to run.
    private func comparable(_ result: ComparedMethods) -> [ComparedRun] {
        result.runs.map { run in
            var run = run
            run.figures[.seconds] = nil
            run.figures[.peakMemory] = nil
            return run
        }
    }

    @Test("every method has a row with all figures, against a retrained model")
    func rows() async throws {
        let result = try await run(comparison([LastRowEdit(), FineTuning(), FullRetraining()]))
        #expect(result.methods == ["original", "last-row", "fine-tune", "retrain"])
        for run in result.runs {
            for figure in ComparedFigure.allCases where figure != .peakMemory {
                #expect(run.figures[figure]?.isFinite == true, "\(run.method) \(figure)")
            }
            #expect(run.failure == nil)
        }
        let figures = Dictionary(uniqueKeysWithValues: result.runs.map { ($0.method, $0.figures) })
        let (original, edited, retrained) = (
            try #require(figures["original"]), try #require(figures["last-row"]), try #require(figures["retrain"])
        )
        #expect(try #require(edited[.forgetAccuracy]) < #require(original[.forgetAccuracy]))
        #expect(retrained[.forgetAccuracy] == 0)
        #expect(try #require(retrained[.totalVariation]) < #require(original[.totalVariation]))
        // The row's edit leaves the features as they are: the probe finds what it found.
        let (before, after) = (try #require(original[.probeGap]), try #require(edited[.probeGap]))
        #expect(abs(before - after) < 1e-9)
        #expect(result.runs(of: "fine-tune")[0].requirements == [.retainData])
    }

    @Test("what is finished is found again, and the rest goes on", .tags(.slow), .slow)
    func resumes() async throws {
        let whole = try await run(comparison([LastRowEdit(), FineTuning()], seeds: [1, 2]), keeping: false)
        let first = try await run(comparison([LastRowEdit()]))
        let again = try await run(comparison([LastRowEdit()]))
        // Seconds too, which another run would not have to the last digit.
        #expect(again == first)
        let more = try await run(comparison([LastRowEdit(), FineTuning()], seeds: [1, 2]))
        #expect(comparable(more) == comparable(whole))
        let kept = more.runs.first { run in run.method == "last-row" && run.seed == 1 }
        #expect(kept == first.runs.last)
        // A damaged file is done again.
        let file = folder.appendingPathComponent("seed-1-last-row.json")
        try Data("{".utf8).write(to: file)
        #expect(comparable(try await run(comparison([LastRowEdit()]))) == comparable(first))
        // Other settings of a method are another run; other settings of all are another comparison.
        let longer = FineTuning(training: TrainingConfiguration(epochs: 3))
        let other = try await run(comparison([longer]))
        let shorter = try #require(more.runs.first { run in run.method == "fine-tune" })
        let (long, short) = (other.runs.last?.figures[.steps], shorter.figures[.steps])
        #expect(long != nil && short != nil && long != short)
        var different = comparison([LastRowEdit()])
        different.samplesPerClass = 50
        await #expect(throws: ComparisonError.otherComparison(path: folder.path)) { try await run(different) }
    }

    @Test("a method that fails has a row that says why")
    func failure() async throws {
        let wild = FineTuning(
            training: TrainingConfiguration(epochs: 60, batchSize: 20, optimizer: .sgd, learningRate: 1e12))
        let result = try await run(comparison([wild, LastRowEdit()]), keeping: false)
        let failed = try #require(result.runs.first { $0.method == "fine-tune" })
        #expect(failed.failure?.contains("diverged at step") == true && failed.figures[.retainAccuracy] == nil)
        #expect(result.runs.last?.failure == nil)
        #expect(result.summary(of: .retainAccuracy, for: "fine-tune") == nil)
    }

    @Test("methods run unguarded, their own guards included, and presets keep their names")
    func unguarded() async throws {
        let guarded = PrototypeRepair(
            training: TrainingConfiguration(epochs: 3, batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2)),
            guarding: RetainGuard(share: 0.2, tolerance: 0, attempts: 4, divisor: 20))
        let result = try await run(comparison([guarded]), keeping: false)
        #expect(comparable(result) == comparable(try await run(comparison([guarded.unguarded]), keeping: false)))
        // All of 300 images in batches of 20; a guard holds 60 of them out.
        #expect(result.runs.last?.figures[.steps] == 45)
        #expect(result.runs.last?.settings.contains("guarding") == false)
        let model = Model(graph: try convolutionalNetwork(Patterns.shape, classes: Patterns.classes), seed: 7)
        let stages = try await RetrainingComparison(
            training: TrainingConfiguration(epochs: 2, batchSize: 32, learningRate: 0.005), unlearning: guarded,
            samplesPerClass: 60
        ).run(model, classes: [2], images: Patterns.train, test: Patterns.test)
        let outcome = try #require(stages[1].forgetting)
        #expect(outcome.steps == 45 && (outcome.method as? PrototypeRepair)?.guarding == nil)
        for method in UnlearningMethods.all {
            let free = method.withoutGuard
            #expect(free.name == method.name && free.summary == method.summary)
            #expect((free as? any BuiltInMethod)?.guardsItself == false)
        }
    }

    @Test("nothing to compare is an error, and a folder that cannot be made too")
    func empty() async throws {
        await #expect(throws: ComparisonError.nothingToCompare("method")) { try await run(comparison([])) }
        await #expect(throws: ComparisonError.nothingToCompare("seed")) {
            try await run(comparison([LastRowEdit()], seeds: []))
        }
        try Data().write(to: folder)
        await #expect {
            try await run(comparison([LastRowEdit()]))
        } throws: { error in
            guard let error = error as? ComparisonError, error.code == .unusableFolder else { return false }
            return true
        }
    }

    @Test("means over seeds have Student's intervals")
    func intervals() throws {
        #expect(SeedSummary([]) == nil)
        let one = try #require(SeedSummary([0.5]))
        #expect(one.mean == 0.5 && one.margin == nil)
        // scipy.stats.t.interval(0.95, 2, 2, scipy.stats.sem([1, 2, 3])) is 2 ± 2.4841.
        let three = try #require(SeedSummary([1, 2, 3]))
        let margin = try #require(three.margin)
        #expect(three.mean == 2 && abs(margin - 2.4841) < 1e-3)
        let many = try #require(SeedSummary((0..<200).map { Double($0 % 2) }))
        let narrow = try #require(many.margin)
        #expect(abs(narrow - 2 * 0.5013 / 200.0.squareRoot()) < 1e-3)
    }
}
