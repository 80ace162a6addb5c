import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Requests one after another", .tags(.methods))
struct SequentialRequestTests {
    /// The patterns' network without class 4, by a repair.
    private static let afterFirst = Task {
        try await MethodCase.unlearner(
            PrototypeRepair(
                featureWeight: 4, trainedShare: 0.5,
                training: TrainingConfiguration(batchSize: 20, schedule: .oneCycle(warmUpFraction: 0.2)), rateFactor: 4),
            forgetting: [4]
        ).forget(classes: [4]).model
    }

    /// An app that does not know of earlier requests hands over their classes' images as retain data.
    private func unlearner(_ method: any UnlearningMethod, _ model: Model) throws -> Unlearner {
        var unlearner = Unlearner(
            model: model, retaining: try Patterns.retained(without: MethodCase.classes),
            forgetting: try Patterns.train.only(classes: MethodCase.classes), validation: Patterns.test, method: method,
            training: Patterns.training, options: Patterns.options)
        unlearner.guarding = nil
        return unlearner
    }

    @Test("a class stays forgotten when another one is, by whichever method", arguments: MethodCase.all)
    func staysForgotten(item: MethodCase) async throws {
        let first = try await Self.afterFirst.value
        #expect(first.metadata.forgottenClasses == [4])
        let outcome = try await unlearner(item.method, first).forget(classes: MethodCase.classes)
        #expect(outcome.forgottenClasses == MethodCase.classes)
        #expect(outcome.model.metadata.forgottenClasses == [2, 4])
        let accuracy = try #require(outcome.accuracyAfter)
        #expect(accuracy.forgottenClasses == [2, 4])
        #expect(try #require(accuracy.perClass[4]) <= 0.02, "\(item.method.name): \(accuracy.perClass)")
        #expect(try #require(accuracy.perClass[2]) <= max(item.mostForgotten, 0.1))
        #expect(
            outcome.notes.contains(
                "The model has forgotten pattern 4 before, which stays forgotten, and 90 examples of the retain data "
                    + "are left out for it."))
    }

    @Test("the first class comes back where nothing remembers it")
    func comesBackWithoutMemory() async throws {
        var first = try await Self.afterFirst.value
        first.metadata.forgottenClasses = []
        let outcome = try await unlearner(FineTuning(training: MethodCase.training()), first)
            .forget(classes: MethodCase.classes)
        #expect(try #require(outcome.accuracyAfter?.perClass[4]) > 0.5)
    }

    @Test("a class that is asked for again is said to be, and forgotten again")
    func again() async throws {
        let first = try await Self.afterFirst.value
        let outcome = try await Unlearner(model: first, validation: Patterns.test, method: LastRowEdit()).forget(
            classes: [4])
        #expect(outcome.notes == ["The model has forgotten pattern 4 before; it is made to forget again."])
        #expect(outcome.model.metadata.forgottenClasses == [4])
    }

    @Test("something has to stay after all requests together")
    func nothingLeft() async throws {
        var model = try await Patterns.model
        model.metadata.forgottenClasses = [0, 1, 2, 3]
        await #expect(throws: UnlearningError.allClasses(count: 6)) {
            try await Unlearner(model: model, method: LastRowEdit()).forget(classes: [4, 5])
        }
        await #expect(throws: UnlearningError.noExamples(of: "retain")) {
            try await Unlearner(model: model, retaining: Patterns.train.only(classes: [0, 1, 2, 3])).forget(classes: [4]
            )
        }
    }

    @Test("a hidden class has no part in an objective, and gets no gradient")
    func hiding() throws {
        let (logits, labels): ([Float], [Int32]) = ([2, 5, -1, 0.5, 1, 9, 3, -2], [0, 2])
        func evaluate(_ objective: any BatchObjective, _ logits: [Float], classes: Int, labels: [Int32]) -> [Float] {
            var gradient = [Float](repeating: .nan, count: logits.count)
            let value = objective.evaluate(
                logits, labels: labels, classes: classes, gradient: &gradient)
            return [Float(value.loss)] + gradient
        }
        let loss = WeightedObjective((-1, LabelObjective()))
        let hidden = evaluate(HidingObjective(classes: [1], loss), logits, classes: 4, labels: labels)
        let without = evaluate(loss, [2, -1, 0.5, 1, 3, -2], classes: 3, labels: [0, 1])
        #expect(hidden[0] == without[0])
        #expect([hidden[1], hidden[3], hidden[4], hidden[5], hidden[7], hidden[8]] == Array(without.dropFirst()))
        #expect(hidden[2] == 0 && hidden[6] == 0)
    }

    @Test("smoothing spreads nothing over classes that were forgotten")
    func smoothing() {
        let logits: [Float] = [2, 5, -1, 0.5]
        var found = [Float](repeating: .nan, count: 4)
        let value = LabelObjective(smoothing: 0.3, excluding: [1])
            .evaluate(logits, labels: [0], classes: 4, gradient: &found)
        let targets = [0.8, 0, 0.1, 0.1]
        let powers = logits.map { exp(Double($0)) }
        let sum = powers.reduce(0, +)
        let probabilities = powers.map { $0 / sum }
        for k in 0..<4 { #expect(abs(Double(found[k]) - (probabilities[k] - targets[k])) < 1e-6) }
        #expect(abs(value.loss + zip(targets, probabilities).reduce(0) { $0 + $1.0 * log($1.1) }) < 1e-6)
    }
}

extension BatchObjective {
    /// The objective of some rows of logits.
    fileprivate func evaluate(
        _ logits: [Float], labels: [Int32], classes: Int, gradient: inout [Float]
    ) -> LossValue {
        let indices = Array(labels.indices)
        return gradient.withUnsafeMutableBufferPointer { gradient in
            logits.withUnsafeBufferPointer { logits in
                labels.withUnsafeBufferPointer { labels in
                    indices.withUnsafeBufferPointer { indices in
                        guard let gradient = gradient.baseAddress, let logits = logits.baseAddress,
                            let rows = labels.baseAddress, let indices = indices.baseAddress
                        else { return LossValue(loss: .nan, correct: 0) }
                        return evaluate(
                            BatchOutputs(
                                count: labels.count, classes: classes, logits: logits, labels: rows, indices: indices),
                            gradient: gradient)
                    }
                }
            }
        }
    }
}
