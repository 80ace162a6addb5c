import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Negative preference optimization", .tags(.methods))
struct NegativePreferenceTests {
    /// A linear model of three classes over two features.
    private static let weight: [Double] = [0.5, -1, 0.25, 0.75, -0.5, 2]
    private static let bias = [0.1, -0.2, 0.3]
    private static let retain: [(x: [Double], label: Int)] = [([1, 0.1], 0), ([2, -0.2], 1), ([-1, 0.1], 1)]
    private static let forget: [(x: [Double], label: Int)] = [([0.1, 3], 2), ([-0.4, 0.2], 2)]

    private static func examples(_ list: [(x: [Double], label: Int)]) throws -> TensorExamples {
        try TensorExamples(
            Tensor(list.flatMap { $0.x.map { Float($0) } }, shape: [list.count, 2]), labels: list.map(\.label))
    }

    private static func logProbability(_ weight: [Double], _ bias: [Double], _ example: (x: [Double], label: Int))
        -> Double
    {
        let logits = (0..<3).map { weight[2 * $0] * example.x[0] + weight[2 * $0 + 1] * example.x[1] + bias[$0] }
        return logits[example.label] - log(logits.reduce(0) { $0 + exp($1) })
    }

    /// The objective as the paper writes it, in Double: parameters are the weight's six numbers and the bias's three.
    private static func objective(_ parameters: [Double], beta: Double, retainWeight: Double) -> Double {
        let (weight, bias) = (Array(parameters[..<6]), Array(parameters[6...]))
        let forgetting = Self.forget.reduce(0) { sum, example in
            let ratio = exp(
                logProbability(weight, bias, example) - logProbability(Self.weight, Self.bias, example))
            return sum + 2 / beta * log(1 + pow(ratio, beta)) / Double(Self.forget.count)
        }
        let retaining = Self.retain.reduce(0) { $0 - logProbability(weight, bias, $1) / Double(Self.retain.count) }
        return forgetting + retainWeight * retaining
    }

    @Test(
        "two steps follow the objective's gradient, by differences in Double",
        arguments: [(0.1, 1.0), (0.1, 0), (3, 0.5)])
    func steps(beta: Double, retainWeight: Double) async throws {
        let model = try undecidedModel(features: 2, classes: 3).replacing([
            "fc.weight": Tensor(Self.weight.map { Float($0) }, shape: [3, 2]),
            "fc.bias": Tensor(Self.bias.map { Float($0) }, shape: [3]),
        ])
        let rate = 0.2
        var expected = Self.weight + Self.bias
        for _ in 0..<2 {
            let gradient = expected.indices.map { index in
                var (up, down) = (expected, expected)
                up[index] += 1e-5
                down[index] -= 1e-5
                return
                    (Self.objective(up, beta: beta, retainWeight: retainWeight)
                    - Self.objective(down, beta: beta, retainWeight: retainWeight)) / 2e-5
            }
            for index in expected.indices { expected[index] -= rate * gradient[index] }
        }
        let outcome = try await Unlearner(
            model: model, retaining: Self.examples(Self.retain), forgetting: Self.examples(Self.forget),
            method: NegativePreference(
                beta: beta, retainWeight: retainWeight,
                training: TrainingConfiguration(epochs: 2, batchSize: 100, optimizer: .sgd, learningRate: rate))
        ).forget(classes: [2])
        let found = ["fc.weight", "fc.bias"].flatMap { outcome.model.parameters[$0]?.elements.map(Double.init) ?? [] }
        #expect(largestDifference(found, expected) < 2e-6)
        let loss = try #require(outcome.losses[.forgetting]?.first)
        #expect(
            abs(loss - Self.objective(Self.weight + Self.bias, beta: beta, retainWeight: retainWeight)) < 1e-5)
    }

    @Test("settings out of range are refused")
    func settings() async throws {
        for method in [
            NegativePreference(beta: 0), NegativePreference(beta: .infinity), NegativePreference(retainWeight: -1),
            NegativePreference(retainWeight: .nan),
        ] {
            #expect(throws: UnlearningError.self) { try method.validate() }
        }
    }
}
