import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Evaluation", .tags(.unlearning))
struct EvaluationTests {
    @Test("accuracy in total, by class, and of forgotten and retained classes")
    func shares() throws {
        let rows: [[Float]] = [
            [5, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [-1, -2, -3, -4], [0, 0, 9, 0],
        ]
        let logits = try Tensor(rows.flatMap { $0 }, shape: [5, 4])
        let accuracy = try Accuracy(logits: logits, labels: [0, 1, 0, 1, 2], forgottenClasses: [1])
        #expect(accuracy.counts == [2, 2, 1, 0] && accuracy.correct == [1, 1, 1, 0])
        #expect(accuracy.all == 0.6 && accuracy.forgotten == 0.5)
        #expect(accuracy.retained == 2.0 / 3)
        #expect(accuracy.perClass == [0.5, 0.5, 1, nil])
        let none = try Accuracy(logits: logits, labels: [0, 1, 0, 1, 2], forgottenClasses: [3])
        #expect(none.forgotten == nil && none.retained == none.all)
    }

    @Test("the first of equal logits counts; a row with an undefined logit is wrong")
    func edges() throws {
        let rows: [[Float]] = [
            [1, 1, 1], [0, 2, 2], [.nan, 5, 1], [1, 5, .nan], [-.infinity, 1, 0], [0, .infinity, 0],
        ]
        let logits = try Tensor(rows.flatMap { $0 }, shape: [6, 3])
        #expect(try Accuracy(logits: logits, labels: [0, 1, 1, 1, 1, 1]).correct == [1, 3, 0])
    }

    @Test("labels that do not fit the logits are an error")
    func misfits() throws {
        let logits = Tensor(repeating: 0, shape: [2, 3])
        for labels in [[0], [0, 1, 2], [0, 3], [-1, 0]] {
            #expect(throws: UnlearningError.self) { try Accuracy(logits: logits, labels: labels) }
        }
        #expect(throws: UnlearningError.self) {
            try Accuracy(logits: Tensor(repeating: 0, shape: [6]), labels: [Int](repeating: 0, count: 6))
        }
    }

    @Test("images are prepared for the model wherever examples are taken")
    func images() async throws {
        let model = try await Patterns.model
        let prepared = try await Evaluator().accuracy(of: model, on: model.prepare(Patterns.test))
        #expect(try await Evaluator().accuracy(of: model, on: Patterns.test) == prepared)
        let logits = try await Predictor().logits(of: Patterns.test, by: model)
        #expect(try await Predictor().logits(of: model.prepare(Patterns.test), by: model) == logits)
    }

    @Test("accuracy survives JSON")
    func json() throws {
        let accuracy = try Accuracy(
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

    @Test("numbers that are none are errors, in the model, in an example and in an answer")
    func notFinite() async throws {
        let model = try await Patterns.model
        let test = try model.prepare(Patterns.test)
        func failure(_ model: Model, _ examples: (any ExampleSource)? = nil) async -> String? {
            await message { try await Evaluator().accuracy(of: model, on: examples ?? test) }
        }
        #expect(
            await failure(try model.replacing("fc.weight", at: 5, with: .nan))
                == "the model's tensor 'fc.weight' has the number NaN; use a model whose training ended well")
        #expect(
            await failure(try model.replacing("bn0.running_var", at: 2, with: -1))
                == "the model's tensor 'bn0.running_var' has the variance -1.0, which is below 0; "
                + "use a model whose training ended well")
        #expect(await failure(try model.replacing("bn0.running_var", at: 2, with: 0)) == nil)
        let huge = try model.replacing("bn2.weight", at: 0, with: 3e38).replacing("bn2.bias", at: 0, with: 3e38)
        #expect(await failure(huge)?.hasPrefix("the model gives ") == true)
        var (inputs, labels) = try test.tensor(at: Array(0..<7))
        inputs[5 * 144 + 3] = .nan
        #expect(
            await failure(model, try TensorExamples(inputs, labels: labels))
                == "the input data's example 5 has an infinite or undefined number; leave it out")
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
