import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Methods that weigh weights", .tags(.methods))
struct ImportanceTests {
    /// A linear model of three classes over two features, and examples of all classes.
    private func problem() throws -> (model: Model, retain: TensorExamples, forget: TensorExamples) {
        let model = try undecidedModel(features: 2, classes: 3).replacing([
            "fc.weight": Tensor([0.5, -1, 0.25, 0.75, -0.5, 2], shape: [3, 2]),
            "fc.bias": Tensor([0.1, -0.2, 0.3], shape: [3]),
        ])
        return (
            model,
            try TensorExamples(Tensor([1, 0.1, 2, -0.2, -1, 0.1, 0.5, 0], shape: [4, 2]), labels: [0, 1, 1, 0]),
            try TensorExamples(Tensor([0.1, 3, -0.1, 2], shape: [2, 2]), labels: [2, 2])
        )
    }

    /// Mean squares of the gradients of `-log p_y`, worked out by hand: by weight and by bias.
    private func information(_ model: Model, _ examples: [TensorExamples]) throws -> (weight: [Double], bias: [Double])
    {
        let weight = try #require(model.parameters["fc.weight"]).elements.map(Double.init)
        let bias = try #require(model.parameters["fc.bias"]).elements.map(Double.init)
        var sums = (weight: [Double](repeating: 0, count: 6), bias: [Double](repeating: 0, count: 3))
        var count = 0.0
        for source in examples {
            for row in 0..<source.count {
                let x = (0..<2).map { Double(source.inputs[row * 2 + $0]) }
                let logits = (0..<3).map { (k: Int) -> Double in
                    weight[2 * k] * x[0] + weight[2 * k + 1] * x[1] + bias[k]
                }
                let total = logits.reduce(0) { $0 + exp($1) }
                for k in 0..<3 {
                    let slope = exp(logits[k]) / total - (k == source.label(at: row) ? 1 : 0)
                    sums.bias[k] += slope * slope
                    for feature in 0..<2 { sums.weight[2 * k + feature] += slope * slope * x[feature] * x[feature] }
                }
                count += 1
            }
        }
        return (sums.weight.map { $0 / count }, sums.bias.map { $0 / count })
    }

    @Test("mean squared gradients are the diagonal of the empirical Fisher information")
    func diagonal() async throws {
        let (model, retain, _) = try problem()
        let found = try await RunContext.run(RunOptions(), progress: nil) { context in
            try GradientStatistics(quantity: .square, stream: "test")
                .mean(of: model, over: retain, UnlearningSession(context: context))
        }
        let expected = try information(model, [retain])
        #expect(largestDifference(found["fc.weight"]?.elements.map(Double.init) ?? [], expected.weight) < 1e-6)
        #expect(largestDifference(found["fc.bias"]?.elements.map(Double.init) ?? [], expected.bias) < 1e-6)
    }

    @Test("dampening multiplies the weights that the forget data alone need, and no other")
    func dampening() async throws {
        let (model, retain, forget) = try problem()
        let (selection, dampening) = (1.5, 0.8)
        let outcome = try await Unlearner(
            model: model, retaining: retain, forgetting: forget,
            method: SelectiveSynapticDampening(
                selection: selection, dampening: dampening, examplesPerGradient: 1)
        ).forget(classes: [2])
        let all = try information(model, [retain, forget])
        let special = try information(model, [forget])
        var dampened = 0
        for (key, all, special) in [("fc.weight", all.weight, special.weight), ("fc.bias", all.bias, special.bias)] {
            let (old, new) = (try #require(model.parameters[key]), try #require(outcome.model.parameters[key]))
            for index in all.indices {
                let touches = special[index] > selection * all[index]
                let factor = touches ? min(dampening * all[index] / special[index], 1) : 1
                #expect(abs(Double(new[index]) - factor * Double(old[index])) < 1e-5)
                if touches { dampened += 1 } else { #expect(new[index] == old[index]) }
            }
        }
        #expect(dampened > 0 && dampened < 9)
    }

    @Test("Fisher noise is large where a weight does not matter, and small where it does")
    func fisherNoise() async throws {
        let classes = 4
        let data = try blobs(classes: classes, perClass: 60, features: 8, seed: 3)
        // Untrained, so that every weight that answers has a gradient.
        var model = Model(graph: try vectorNetwork(features: 8, classes: classes), seed: 1)
        // The first hidden unit never answers, so that its weights do not matter.
        var weight = try #require(model.parameters["fc0.weight"])
        for index in 0..<8 { weight[index] = 0 }
        var bias = try #require(model.parameters["fc0.bias"])
        bias[0] = -100
        model = try model.replacing(["fc0.weight": weight, "fc0.bias": bias])
        let retain = try ExampleSubset(data, indices: data.labels.indices.filter { data.label(at: $0) != 3 })
        let outcome = try await Unlearner(model: model, retaining: retain, method: FisherForgetting(scale: 1e-6))
            .forget(classes: [3])
        let moved = try #require(outcome.model.parameters["fc0.weight"]).elements
        func deviation(_ unit: Int) -> Double {
            let moves = (0..<8).map { Double(moved[unit * 8 + $0]) - Double(weight[unit * 8 + $0]) }
            return euclideanNorm(moves) / 8.0.squareRoot()
        }
        // 1000 times the scale is the largest variance.
        let (dead, least) = (deviation(0), try #require((1..<16).map(deviation).min()))
        #expect(abs(dead / 1e-3.squareRoot() - 1) < 0.6)
        #expect(least < 0.2 * dead)
        // The forgotten class's row is drawn around 0, and the others' stay near where they were.
        let head = try #require(outcome.model.parameters["fc1.weight"]).elements.map(Double.init)
        let old = try #require(model.parameters["fc1.weight"]).elements.map(Double.init)
        let forgotten = euclideanNorm(Array(head[48..<64])) / 4
        #expect(abs(forgotten / 1e-3.squareRoot() - 1) < 0.6)
        let (stays, size) = (euclideanNorm(zip(head, old).prefix(16).map { $0 - $1 }), euclideanNorm(Array(old[..<16])))
        #expect(stays < 0.3 * size)
    }
}
