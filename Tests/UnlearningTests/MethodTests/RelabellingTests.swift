import TestSupport
import Testing
import Unlearning

@Suite("Methods that relabel or climb", .tags(.methods))
struct RelabellingTests {
    /// Six examples of classes 0 and 1, and four of class 2, over one feature.
    private func data() throws -> (retain: TensorExamples, forget: TensorExamples) {
        (
            try TensorExamples(Tensor(repeating: 1, shape: [6, 1]), labels: [0, 0, 0, 0, 1, 1]),
            try TensorExamples(Tensor(repeating: 1, shape: [4, 1]), labels: [2, 2, 2, 2])
        )
    }

    /// One step of plain gradient descent over everything, on the bias alone.
    private static let oneStep = TrainingConfiguration(
        batchSize: 1000, optimizer: .sgd, learningRate: 1, frozen: ["fc.weight"])

    private func bias(_ method: any UnlearningMethod) async throws -> [Double] {
        let (retain, forget) = try data()
        let outcome = try await Unlearner(
            model: undecidedModel(features: 1, classes: 3), retaining: retain, forgetting: forget, method: method
        ).forget(classes: [2])
        return try #require(outcome.model.parameters["fc.bias"]).elements.map(Double.init)
    }

    @Test("the negative gradient goes up the loss of the forget data by as much as descent goes down")
    func ascent() async throws {
        // From equal logits, a step of descent would move a bias by its class's share less 1/3.
        let found = try await bias(NegativeGradient(training: Self.oneStep))
        #expect(largestDifference(found, [1 / 3.0, 1 / 3.0, 1 / 3.0 - 1]) < 1e-6)
    }

    @Test("with retain data both gradients are weighed, each a mean over its own examples")
    func weighedAscent() async throws {
        let found = try await bias(NegativeGradient(retainWeight: 0.75, training: Self.oneStep))
        let (down, up) = ([4 / 6.0, 2 / 6.0, 0], [0, 0, 1.0])
        let third = 1 / 3.0
        let expected = zip(down, up).map { (down: Double, up: Double) -> Double in
            0.75 * (down - third) - 0.25 * (up - third)
        }
        #expect(largestDifference(found, expected) < 1e-6)
    }

    @Test("labels are drawn evenly; incorrect ones are neither right nor to be forgotten")
    func labels() throws {
        let forget = try TensorExamples(
            Tensor(repeating: 0, shape: [6000, 1]), labels: (0..<6000).map { 2 + $0 % 2 })
        func counts(_ examples: RelabeledExamples) -> [Int] {
            (0..<5).map { label in examples.labels.count { $0 == label } }
        }
        let any = forget.relabeled(classCount: 5, incorrectly: false, seed: 1)
        #expect(counts(any).allSatisfy { abs($0 - 1200) < 150 })
        let wrong = forget.relabeled(classCount: 5, incorrectly: true, excluding: [2], seed: 1)
        #expect(zip(wrong.labels, forget.labels).allSatisfy { $0 != $1 && $0 != 2 })
        // Examples of class 2 get 0, 1, 3 or 4, those of class 3 get 0, 1 or 4.
        #expect(zip(counts(wrong), [1750, 1750, 0, 750, 1750]).allSatisfy { abs($0 - $1) < 200 })
        #expect(forget.relabeled(classCount: 5, incorrectly: true, seed: 2).labels != wrong.labels)
    }

    @Test("random labels and amnesiac relabeling show the relabeled examples beside the retained ones")
    func relabeled() async throws {
        // 10 examples, of which 4 have new labels: in tenths the biases are the labels' counts less a third of all.
        for method in [RandomLabels(training: Self.oneStep), AmnesiacRelabeling(training: Self.oneStep)]
            as [any UnlearningMethod]
        {
            let counts = try await bias(method).map { (($0 + 1 / 3.0) * 10).rounded() }
            #expect(counts.reduce(0, +) == 10)
            #expect(counts[0] >= 4 && counts[1] >= 2)
            if method is AmnesiacRelabeling { #expect(counts[2] == 0) }
        }
    }

    @Test("boundary shrink takes the label beyond the nearest boundary")
    func nearestLabel() async throws {
        // Class 1 lies between -1/2 and 1/2, class 0 below and class 2 above.
        let model = try Model(
            graph: undecidedModel(features: 1, classes: 3).graph,
            stateDictionary: [
                "fc.weight": Tensor([-4, 0, 4], shape: [3, 1]), "fc.bias": Tensor([-2, 0, -2], shape: [3]),
            ])
        let examples = try TensorExamples(Tensor([0.3, -0.3, 0.05, -0.05], shape: [4, 1]), labels: [1, 1, 1, 1])
        let labels = try await RunContext.run(RunOptions(), progress: nil) { context in
            let run = UnlearningSession(context: context)
            let method = BoundaryShrink(step: 0.5)
            return (
                try method.nearestLabels(of: examples, by: model, without: [1], run),
                try method.nearestLabels(of: examples, by: model, without: [1, 2], run)
            )
        }
        #expect(labels.0 == [2, 0, 2, 0])
        #expect(labels.1 == [0, 0, 0, 0])
    }

    @Test("SalUn moves the chosen share of weights and leaves the others as they are, to the bit")
    func saliency() async throws {
        let model = try await Patterns.model
        var method = SaliencyUnlearning(
            movingShare: 0.25,
            training: TrainingConfiguration(batchSize: 20, optimizer: .sgd(momentum: 0.9), learningRate: 0.02))
        let count = model.parameters.values.reduce(0) { $0 + $1.count }
        func moved() async throws -> Double {
            let new = try await MethodCase.unlearner(method).forget(classes: MethodCase.classes).model
            var moved = 0
            for (key, old) in model.parameters {
                let now = try #require(new.parameters[key])
                moved += (0..<old.count).count { old[$0] != now[$0] }
            }
            return Double(moved) / Double(count)
        }
        let quarter = try await moved()
        #expect(abs(quarter - 0.25) < 0.02)
        method.movingShare = 0.5
        let half = try await moved()
        #expect(abs(half - 0.5) < 0.03)
    }

    @Test("a mask takes the largest in magnitude over all tensors, and nothing that is 0")
    func mask() throws {
        let tensors = [
            "a": try Tensor([1, -5, 0, 2], shape: [4]), "b": try Tensor([-3, 0.5, 0, 0], shape: [2, 2]),
        ]
        let half = SaliencyUnlearning.mask(ofLargest: 0.5, in: tensors)
        #expect(half["a"]?.elements == [1, 1, 0, 1] && half["b"]?.elements == [1, 0, 0, 0])
        let all = SaliencyUnlearning.mask(ofLargest: 1, in: tensors)
        #expect(all["a"]?.elements == [1, 1, 0, 1] && all["b"]?.elements == [1, 1, 0, 0])
    }
}
