import Foundation
import Testing
import Unlearning

@Suite("Evaluation")
struct EvaluationTests {
    @Test("accuracy in total, by class, and of forgotten and retained classes")
    func shares() throws {
        let rows: [[Float]] = [
            [5, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [-1, -2, -3, -4], [0, 0, 9, 0],
        ]
        let logits = try Tensor(rows.flatMap { $0 }, shape: [5, 4])
        let accuracy = Accuracy(logits: logits, labels: [0, 1, 0, 1, 2], forgottenClasses: [1])
        #expect(accuracy.counts == [2, 2, 1, 0] && accuracy.correct == [1, 1, 1, 0])
        #expect(accuracy.all == 0.6 && accuracy.forgotten == 0.5)
        #expect(accuracy.retained == 2.0 / 3)
        #expect(accuracy.perClass == [0.5, 0.5, 1, nil])
        let none = Accuracy(logits: logits, labels: [0, 1, 0, 1, 2], forgottenClasses: [3])
        #expect(none.forgotten == nil && none.retained == none.all)
    }

    @Test("the first of equal logits counts; a row with an undefined logit is wrong")
    func edges() throws {
        let rows: [[Float]] = [
            [1, 1, 1], [0, 2, 2], [.nan, 5, 1], [1, 5, .nan], [-.infinity, 1, 0], [0, .infinity, 0],
        ]
        let logits = try Tensor(rows.flatMap { $0 }, shape: [6, 3])
        #expect(Accuracy(logits: logits, labels: [0, 1, 1, 1, 1, 1]).correct == [1, 3, 0])
    }

    @Test("accuracy survives JSON")
    func json() throws {
        let accuracy = Accuracy(
            logits: Tensor(repeating: 0, shape: [2, 3]), labels: [0, 2], forgottenClasses: [2])
        let data = try JSONEncoder().encode(accuracy)
        #expect(try JSONDecoder().decode(Accuracy.self, from: data) == accuracy)
    }

    @Test("logits come in order whatever the batch", arguments: [1, 7, 299, 300, 1000])
    func batches(size: Int) async throws {
        let model = try await Patterns.model
        let test = try model.prepare(Patterns.test)
        let whole = try await Predictor(batchSize: 300).logits(of: test, by: model)
        let logits = try await Predictor(batchSize: size).logits(of: test, by: model)
        #expect(logits.shape == [300, 6])
        #expect(zip(logits.elements, whole.elements).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("the trained network is right on new patterns, and no examples make no logits")
    func model() async throws {
        let model = try await Patterns.model
        let accuracy = try await Evaluator().accuracy(of: model, on: model.prepare(Patterns.test))
        #expect(try #require(accuracy.all) > 0.9)
        let empty = try TensorExamples(Tensor([], shape: [0, 12, 12, 1]), labels: [])
        #expect(try await Predictor().logits(of: empty, by: model).shape == [0, 6])
        #expect(
            await message { try await Predictor(batchSize: 0).logits(of: empty, by: model) }
                == "batch size cannot be 0; use a number from 1 to 1000000")
        #expect(
            await message { try await Evaluator().accuracy(of: model, on: empty) }
                == "the validation data has no examples; give at least one")
    }
}
