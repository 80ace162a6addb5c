import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Retrained models that cannot serve as a reference", .tags(.audit))
struct ReferenceTests {
    private func failure(
        _ retrained: [Model], unlearned: Model, forgotten: Set<Int> = AuditedModels.forgotten
    ) async throws -> AuditError? {
        do {
            _ = try await Audit(configuration: .quick).run(
                original: try await Patterns.model, unlearned: unlearned, retrained: retrained, forgotten: forgotten,
                data: AuditedModels.data)
            return nil
        } catch let error as AuditError {
            return error
        }
    }

    @Test("the original, the unlearned model, and one model twice")
    func same() async throws {
        let gold = try await AuditedModels.retrained
        let unlearned = try await AuditedModels.alsoRetrained
        let original = try await Patterns.model
        #expect(
            try await failure([gold[0], original], unlearned: unlearned)
                == .unusableReference(number: 2, fault: .isOriginal))
        #expect(
            try await failure([unlearned], unlearned: unlearned)
                == .unusableReference(number: 1, fault: .isUnlearned))
        #expect(
            try await failure([gold[1], gold[0], gold[1]], unlearned: unlearned)
                == .unusableReference(number: 3, fault: .isRepeated(1)))
        #expect(try await failure(gold, unlearned: unlearned) == nil)
    }

    @Test("a model that knows the class, though it is neither")
    func knowing() async throws {
        let unlearned = try await AuditedModels.alsoRetrained
        let near = try await Patterns.model.replacing("fc.bias", at: 0, with: 0.01)
        let error = try #require(try await failure([near], unlearned: unlearned))
        guard error.code == .unusableReference, let reference = error.reference,
            case .knowsClass(2, "pattern 2", let right, 150) = reference.fault, reference.number == 1
        else {
            Issue.record("\(error)")
            return
        }
        #expect(right > 100)
        #expect(
            "\(error)".hasPrefix(
                "retrained model 1 knows class 2 (pattern 2): it recognizes \(right) of its 150 images (")
        )
        #expect("\(error)".hasSuffix("give a model that was trained without the forgotten classes"))
        // Of two forgotten classes it knows one, and is as good as retrained for the other.
        let half = try near.replacing("fc.bias", at: 2, with: -1000)
        guard
            case .knowsClass(1, _, _, _)? = try await failure(
                [half], unlearned: unlearned, forgotten: [1, 2])?.reference?.fault
        else {
            Issue.record("a model that knows one of two classes was taken")
            return
        }
        #expect(try await failure([half], unlearned: unlearned) == nil)
    }

    @Test("the original never passes, whatever the limits")
    func looseLimits() async throws {
        let idle = MeasureThreshold(.above, .zero, limit: 10)
        var configuration = AuditConfiguration.quick
        configuration.thresholds = AuditThresholds(
            limits: Dictionary(
                uniqueKeysWithValues: Audit(configuration: configuration).descriptions.map {
                    ($0.identifier.rawValue, [idle])
                }))
        let result = try await AuditedModels.audit(try await Patterns.model, configuration: configuration)
        #expect(result.verdict.leaks.isEmpty && result.verdict.passed.contains(.forgetAccuracyTest))
        #expect(result.verdict.total == .incomplete && result.verdict.isOriginal)
        #expect(result.explanation.contains("\n  missing: the audited model has the same weights as the original"))
        #expect(
            result.explanation.contains(
                "\n  looser than the default: forget-accuracy-test above zero: 10, the default is 0.02"
            ))
    }
}
