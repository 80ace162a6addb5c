import Foundation
import TestSupport
import Testing
import Unlearning

/// A measure that does what a test asks for.
private struct OwnMeasure: AuditMeasure {
    var descriptions = [OwnMeasure.description("mean-confidence")]
    var requirements: [EvidenceRequirement] = [.forgottenTest]
    var measure: @Sendable (AuditEvidence, MeasureDescription) throws -> [MeasureResult]

    static func description(
        _ name: MeasureIdentifier, unit: MeasureDescription.Unit = .share,
        group: MeasureDescription.Group = .outputs
    ) -> MeasureDescription {
        MeasureDescription(
            name, title: "Mean confidence", definition: "Largest probability, averaged over forgotten test images.",
            source: "These tests", group: group, unit: unit, direction: .closerToRetrained)
    }

    func results(from evidence: AuditEvidence) throws -> [MeasureResult] { try measure(evidence, descriptions[0]) }

    /// The mean of the largest probability.
    static let confidence = OwnMeasure { evidence, description in
        [try evidence.meanResult(of: description) { confidences(evidence, $0) }]
    }

    static func confidences(_ evidence: AuditEvidence, _ model: ModelEvidence) -> [Double] {
        evidence.test.forgotten.map { model.test.predictions.probabilities($0).max() ?? 0 }
    }
}

@Suite("Custom measures", .tags(.audit))
struct OwnMeasureTests {
    private func audit(
        _ measures: [any AuditMeasure], retrained: Bool = false, configuration: AuditConfiguration = .quick
    ) async throws -> AuditResult {
        try await Audit(configuration: configuration, measures: measures).run(
            original: try await Patterns.model, unlearned: try await AuditedModels.alsoRetrained,
            retrained: retrained ? try await AuditedModels.retrained : [], forgotten: AuditedModels.forgotten,
            data: AuditedModels.data)
    }

    private func failure(_ measures: [any AuditMeasure]) async throws -> String? {
        await message { try await audit(measures) }
    }

    /// The message of an audit whose measure gives one result.
    private func failure(_ result: @escaping @Sendable (MeasureDescription) -> MeasureResult) async throws -> String? {
        try await failure([OwnMeasure { [result($1)] }])
    }

    @Test("is measured, judged and listed like the built-in ones, which stay as they are")
    func beside() async throws {
        var configuration = AuditConfiguration.quick
        configuration.thresholds["mean-confidence"] = [MeasureThreshold(.above, .zero, limit: 0.001)]
        let plain = try await audit(Audit.defaultMeasures, retrained: true)
        let result = try await audit(
            Audit.defaultMeasures + [OwnMeasure.confidence], retrained: true, configuration: configuration)
        #expect(Array(result.measures.dropLast()) == plain.measures)
        let own = try #require(result["mean-confidence"])
        #expect(
            own.measure.title == "Mean confidence" && own.verdict == .leak
                && result.verdict.leaks.contains("mean-confidence"))

        let model = try await AuditedModels.alsoRetrained
        let examples = try model.prepare(Patterns.test)
        let rows = (0..<examples.count).filter { examples.label(at: $0) == 2 }
        let logits = try await Predictor().logits(of: ExampleSubset(examples, indices: rows), by: model)
        let expected = try Predictions(logits: logits)
        let mean = (0..<rows.count).reduce(0) { $0 + (expected.probabilities($1).max() ?? 0) } / Double(rows.count)
        let value = try #require(own.unlearned)
        #expect(abs(value.value - mean) < 1e-6)
        let interval = try #require(value.interval)
        #expect(interval.lower < mean && mean < interval.upper && own.gap?.interval != nil)
        #expect(own.retrained?.values.count == 2 && own.original?.value ?? 0 > value.value)
        #expect(result.seconds.keys.contains("mean-confidence"))
        #expect(try JSONDecoder().decode(AuditResult.self, from: result.json()) == result)
    }

    @Test("one number for each model is enough, and alone it is no evidence of forgetting")
    func alone() async throws {
        let measure = OwnMeasure { evidence, description in
            [evidence.result(of: description, note: "all of them") { $0.test.predictions.probability(0, 0) }]
        }
        let result = try await audit([measure], retrained: true)
        #expect(result.measures.count == 1 && result.measures[0].note == "all of them")
        #expect(result.measures[0].gap != nil && result.verdict.total == .incomplete)
        #expect(result.verdict.missingEvidence.count == 2)
        var configuration = AuditConfiguration.quick
        configuration.thresholds["mean-confidence"] = [MeasureThreshold(.above, .zero, limit: 1)]
        // A pass of the app's own measure does not stand in for a built-in measure of leakage.
        #expect(try await audit([measure], configuration: configuration).verdict.total == .incomplete)
    }

    @Test("evidence that is missing leaves it out with the reason, and so does the measure itself")
    func omission() async throws {
        let needy = OwnMeasure(requirements: [.retrained], measure: OwnMeasure.confidence.measure)
        #expect(try await audit([needy]).measures[0].omission == EvidenceRequirement.noRetrainedModel)
        let unable = OwnMeasure { [MeasureResult($1, omitted: "it is dark")] }
        #expect(try await audit([unable]).measures[0].omission == "it is dark")
        // Measures of the inside are skipped where the settings leave the inside out.
        var configuration = AuditConfiguration.quick
        configuration.examinesRepresentation = false
        let inside = OwnMeasure(
            descriptions: [OwnMeasure.description("inside", group: .representation)],
            measure: OwnMeasure.confidence.measure)
        #expect(try await audit([inside], configuration: configuration).measures.isEmpty)
        #expect(try await audit([inside]).measures.count == 1)
    }

    @Test("a final audit takes it")
    func final() async throws {
        var unlearner = try await Patterns.unlearner(forgetting: [2])
        unlearner.audit = FinalAudit(on: AuditedModels.data, measures: [OwnMeasure.confidence])
        #expect(
            try await unlearner.forget(classes: [2]).audit?.measures.map(\.measure.identifier) == ["mean-confidence"])
    }

    @Test("descriptions that do not fit end the audit before it begins")
    func descriptions() async throws {
        func own(_ names: MeasureIdentifier...) -> OwnMeasure {
            OwnMeasure(descriptions: names.map { OwnMeasure.description($0) }, measure: OwnMeasure.confidence.measure)
        }
        #expect(try await failure([own()]) == "the measure 'OwnMeasure' has no description; give at least one")
        #expect(
            try await failure([own("twice"), own("twice")])
                == "the measure 'twice' is in the audit twice; give each measure an identifier of its own")
        #expect(
            try await failure(Audit.defaultMeasures + [own("linear-probe")])
                == "the measure 'linear-probe' is in the audit twice; give each measure an identifier of its own")
        for name in ["", "Mean", "mean=1", "mean value", "\u{1B}[2J"] as [MeasureIdentifier] {
            #expect(
                try await failure([own(name)])
                    == "the measure '\(name)' is not a valid name; use lower-case letters, digits and hyphens")
        }
        var configuration = AuditConfiguration.quick
        configuration.thresholds["mean-confidense"] = [MeasureThreshold(.above, .zero, limit: 1)]
        let misspelled = await message { [configuration] in
            try await audit([OwnMeasure.confidence], configuration: configuration)
        }
        #expect(
            misspelled
                == "the measure 'mean-confidense' has limits, but is not in the audit; add the measure, or remove "
                + "its limits")
    }

    @Test("an error of its own names it, and a cancellation stays one")
    func errors() async throws {
        struct Trouble: Error, CustomStringConvertible {
            let description = "the camera is dark; switch on the light"
        }
        #expect(
            try await failure([OwnMeasure { _, _ in throw Trouble() }])
                == "the measure 'mean-confidence' failed: the camera is dark; switch on the light")
        await #expect(throws: CancellationError.self) {
            try await audit([OwnMeasure { _, _ in throw CancellationError() }])
        }
        let error = await #expect(throws: AuditError.self) { try await audit([OwnMeasure { _, _ in throw Trouble() }]) }
        #expect(error?.code == .invalidMeasure)
        #expect(error?.localizedDescription == error?.message)
    }

    @Test("results that cannot be are errors, not crashes")
    func results() async throws {
        #expect(
            try await failure([OwnMeasure { _, _ in [] }])
                == "the measure 'mean-confidence' gave no result; give one, or leave the measure out with a reason")
        #expect(
            try await failure([OwnMeasure { [MeasureResult($1, omitted: "a"), MeasureResult($1, omitted: "b")] }])
                == "the measure 'mean-confidence' gave two results; give one")
        #expect(
            try await failure { _ in MeasureResult(OwnMeasure.description("other"), omitted: "a") }
                == "the measure 'mean-confidence' gave a result for 'other', which it does not describe; add its description"
        )
        #expect(
            try await failure { MeasureResult($0) }
                == "the measure 'mean-confidence' gave neither values nor rows; leave the measure out with a reason instead"
        )
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(
                try await failure { MeasureResult($0, unlearned: MeasureValue(value)) }
                    == "the measure 'mean-confidence' gave \(value) for the unlearned model; give finite numbers, or leave the "
                    + "measure out with a reason")
            #expect(
                try await failure { description in
                    MeasureResult(
                        description, unlearned: MeasureValue(0.5),
                        rows: [MeasureRow(name: "left", values: ByModel(unlearned: value))])
                }
                    == "the measure 'mean-confidence' gave \(value) in the row 'left'; give finite numbers, or nil for none"
            )
        }
        #expect(
            try await failure { MeasureResult($0, original: MeasureValue(1.5)) }
                == "the measure 'mean-confidence' gave 1.5 for the original model, more than its greatest value 1.0; correct "
                + "the measure or its description")
        #expect(
            try await failure { MeasureResult($0, original: MeasureValue(-0.5)) }
                == "the measure 'mean-confidence' gave -0.5 for the original model, less than its least value 0.0; correct "
                + "the measure or its description")
        #expect(
            try await failure { MeasureResult($0, unlearned: MeasureValue(0.5), retrained: [MeasureValue(0.5)]) }
                == "the measure 'mean-confidence' gave more retrained values (1) than there are retrained models (0); give one for each"
        )
    }

    @Test("scores that do not belong together, or are undefined, are errors")
    func scores() async throws {
        let uneven = OwnMeasure { evidence, description in
            [
                try evidence.meanResult(of: description) { model in
                    Array(
                        OwnMeasure.confidences(evidence, model).dropLast(
                            model.model.parameters == evidence.unlearned.model.parameters ? 1 : 0))
                }
            ]
        }
        #expect(
            try await failure([uneven])
                == "the measure 'mean-confidence' gave 49 scores for one model and 50 for another; give one for each example, "
                + "of the same examples for every model")
        let undefined = OwnMeasure { evidence, description in
            [try evidence.meanResult(of: description) { _ in [0, .nan] }]
        }
        #expect(
            try await failure([undefined])
                == "the measure 'mean-confidence' gave the score nan; give finite numbers, or leave the measure out")
        let empty = OwnMeasure { evidence, description in [try evidence.meanResult(of: description) { _ in [] }] }
        #expect(
            try await failure([empty])
                == "the measure 'mean-confidence' gave neither values nor rows; leave the measure out with a reason instead"
        )
    }
}
