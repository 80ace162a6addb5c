import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("The objective of repair towards prototypes", .tags(.methods))
struct PrototypeObjectiveTests {
    private static let (K, d, n) = (4, 3, 5)

    /// Random outputs, targets of which one class is left out, and prototypes.
    private struct Problem {
        var random: SeededRandom
        let outputs: [Float]
        let objective: PrototypeObjective
        /// The rows' positions among the examples: not all, and not in order.
        let indices = [6, 0, 3, 2, 5]

        init(seed: UInt64) throws {
            random = SeededRandom(seed: seed)
            var numbers: [Float] = []
            for _ in 0..<200 { numbers.append(Float(random.normal())) }
            outputs = Array(numbers[..<(n * (d + K))])
            var targets: [Float] = []
            for row in 0..<7 {
                var share = (0..<K).map { $0 == row % K ? 0 : exp(numbers[100 + row * K + $0]) }
                let sum = share.reduce(0, +)
                for k in 0..<K { share[k] /= sum }
                targets += share
            }
            objective = PrototypeObjective(
                targets: try Tensor(targets, shape: [7, K]),
                prototypes: try Tensor(Array(numbers[150..<162]), shape: [K, d]),
                weight: 0.7)
        }

        /// The definition, in Double.
        func reference(_ outputs: [Double]) -> Double {
            var sum = 0.0
            for row in 0..<n {
                let features = outputs[row * (d + K)..<row * (d + K) + d].map { $0 }
                let logits = outputs[row * (d + K) + d..<(row + 1) * (d + K)].map { $0 }
                let total = logits.reduce(0) { $0 + exp($1) }
                let target = (0..<K).map { Double(objective.targets[indices[row] * K + $0]) }
                for k in 0..<K { sum -= target[k] * (logits[k] - log(total)) }
                for j in 0..<d {
                    let mixture = (0..<K).reduce(0) { $0 + target[$1] * Double(objective.prototypes[$1 * d + j]) }
                    sum += objective.weight * (features[j] - mixture) * (features[j] - mixture)
                }
            }
            return sum / Double(n)
        }

        func evaluate() -> (value: LossValue, gradient: [Float]) {
            var gradient = [Float](repeating: .nan, count: outputs.count)
            let labels = [Int32](repeating: 0, count: n)
            let value = gradient.withUnsafeMutableBufferPointer { gradient in
                outputs.withUnsafeBufferPointer { outputs in
                    labels.withUnsafeBufferPointer { labels in
                        indices.withUnsafeBufferPointer { indices -> LossValue? in
                            guard let gradient = gradient.baseAddress, let outputs = outputs.baseAddress,
                                let labels = labels.baseAddress, let indices = indices.baseAddress
                            else { return nil }
                            return objective.evaluate(
                                BatchOutputs(
                                    count: n, classes: d + K, logits: outputs, labels: labels, indices: indices),
                                gradient: gradient)
                        }
                    }
                }
            }
            return (value ?? LossValue(loss: .nan, correct: 0), gradient)
        }
    }

    @Test("value and gradient are the definition's", arguments: 0..<10)
    func definition(seed: UInt64) throws {
        let problem = try Problem(seed: seed)
        let (value, gradient) = problem.evaluate()
        let point = problem.outputs.map(Double.init)
        #expect(abs(value.loss - problem.reference(point)) < 1e-6 * (1 + abs(value.loss)))
        for index in point.indices {
            var (up, down) = (point, point)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (problem.reference(up) - problem.reference(down)) / 2e-5
            #expect(abs(Double(gradient[index]) - slope) < 1e-5 * (1 + abs(slope)), "\(index)")
        }
    }

    @Test("targets are the label and the masked answer, prototypes the classes' means")
    func lesson() throws {
        // Two features, three logits; class 2 is forgotten.
        let answers = try Tensor(
            [1, 2, 0, 0, 9, 3, 4, log(3), 0, 9, 10, 0, 0, log(4), 5], shape: [3, 5])
        let lesson = try DistillationTargets(
            outputs: answers, labels: [0, 0, 1], classes: 3, masking: [2], labelShare: 0.5)
        let expected: [Float] = [0.75, 0.25, 0, 0.875, 0.125, 0, 0.1, 0.9, 0]
        for (found, value) in zip(lesson.targets.elements, expected) { #expect(abs(found - value) < 1e-6) }
        #expect(lesson.prototypes.elements == [2, 3, 10, 0, 0, 0])
        // Means 14/3 and 2: (11/3)² + (5/3)² + (16/3)² + 0 + 4 + 4, over three.
        #expect(abs(lesson.variance - (402.0 / 9 + 8) / 3) < 1e-9)
        // The first example's two logits are equal, and the first of equals counts as the answer.
        let answered = try lesson.answers(to: [0, 1, 2])
        #expect(answered.count == 3 && answered.correct == 3 && answered.guess == log(3.0))
        // ln 2, ln 4/3 and ln 5/4.
        #expect(abs(answered.loss - log(10.0 / 3) / 3) < 1e-7)
        #expect(try lesson.answers(to: []).correct == 0)
        let objective = try lesson.objective(for: [2, 0], featureWeight: 4)
        #expect(objective.targets.elements.prefix(3).map { ($0 * 10).rounded() } == [1, 9, 0])
        #expect(abs(objective.weight - 4 / lesson.variance) < 1e-12)
    }
}
