import Foundation
import TestSupport
import Testing
import Unlearning

@Suite("Sessions, as methods of one's own use them", .tags(.methods))
struct SessionTests {
    private static let training = TrainingConfiguration(epochs: 2, batchSize: 5, learningRate: 0.02)

    private func session<Result: Sendable>(
        _ body: @escaping @Sendable (UnlearningSession) throws -> Result
    ) async throws -> Result {
        try await RunContext.run(RunOptions(seed: 3), progress: nil) { try body(UnlearningSession(context: $0)) }
    }

    private func problem() throws -> (model: Model, examples: TensorExamples) {
        (
            Model(graph: try vectorNetwork(features: 4, classes: 3), seed: 2),
            try blobs(classes: 3, perClass: 8, features: 4, seed: 1)
        )
    }

    /// Cross-entropy and its gradient, written out in Double.
    private static func crossEntropy(_ logits: Tensor, _ labels: [Int], _: [Int]) -> (loss: Double, gradient: Tensor) {
        let (rows, K) = (logits.shape[0], logits.shape[1])
        var (loss, gradient) = (0.0, logits)
        for row in 0..<rows {
            let exponentials = (0..<K).map { exp(Double(logits[row * K + $0])) }
            let total = exponentials.reduce(0, +)
            loss -= log(exponentials[labels[row]] / total) / Double(rows)
            for k in 0..<K {
                let slope = exponentials[k] / total - (k == labels[row] ? 1 : 0)
                gradient[row * K + k] = Float(slope / Double(rows))
            }
        }
        return (loss, gradient)
    }

    @Test("a custom objective trains as the built-in one that computes the same")
    func custom() async throws {
        let (model, examples) = try problem()
        let objectives: [Objective] = [.labels(), .custom(Self.crossEntropy), .sum((0.5, .labels()), (0.5, .labels()))]
        let trained = try await session { session in
            try objectives.map {
                try session.train(model, on: examples, Self.training, phase: .repair, minimizing: $0)
            }
        }
        for other in trained.dropFirst() {
            for (name, tensor) in trained[0].parameters {
                let found = try #require(other.parameters[name])
                #expect(largestDifference(found.elements.map(Double.init), tensor.elements.map(Double.init)) < 1e-4)
                #expect(tensor != model.parameters[name])
            }
        }
    }

    @Test("a teacher's outputs are followed, and a masked class gets no share")
    func teacher() async throws {
        let (model, examples) = try problem()
        let teacher = Tensor(shape: [24, 3]) { rows in
            for index in 0..<72 { rows.append(index % 3 == 1 ? 3 : index % 3 == 2 ? -.infinity : 0) }
        }
        let training = TrainingConfiguration(epochs: 60, batchSize: 8, learningRate: 0.02)
        let outputs = try await session { session in
            let student = try session.train(
                model, on: examples, training, phase: .repair, minimizing: .teacher(teacher))
            return try session.outputs(of: student, on: examples)
        }
        let probabilities = try Softmax.probabilities(of: outputs)
        let odds: Double = exp(3.0)
        let expected: [Double] = [1 / (1 + odds), odds / (1 + odds), 0]
        for index in 0..<72 { #expect(abs(Double(probabilities[index]) - expected[index % 3]) < 0.03) }
    }

    @Test("a mask of 0 keeps a parameter to the bit; one that is not named moves")
    func mask() async throws {
        let (model, examples) = try problem()
        let name = try #require(model.parameters.keys.min())
        let frozen = Tensor(repeating: 0, shape: try #require(model.parameters[name]).shape)
        let trained = try await session { session in
            try session.train(model, on: examples, Self.training, phase: .repair, mask: [name: frozen])
        }
        for (key, tensor) in trained.parameters { #expect((tensor == model.parameters[key]) == (key == name)) }
    }

    @Test("passes run in their order with their batch sizes, each time in another order of examples")
    func passes() async throws {
        let (model, examples) = try problem()
        let seen = Seen()
        @Sendable func pass(_ name: String, _ size: Int) -> TrainingPass {
            TrainingPass(
                over: examples, named: name, batchSize: size,
                minimizing: .custom { logits, labels, positions in
                    seen.add(name, positions)
                    return Self.crossEntropy(logits, labels, positions)
                })
        }
        let losses = try await session { session in
            _ = try session.train(
                model, passes: [pass("forget", 12), pass("retain", 6), pass("forget", 12)], Self.training,
                phase: .forgetting)
            return session.losses[.forgetting]?.count
        }
        #expect(losses == 8)
        #expect(seen.names == ["forget", "forget", "retain", "retain", "retain", "retain", "forget", "forget"])
        let (first, last) = (seen.positions[..<2].flatMap(\.self), seen.positions[6...].flatMap(\.self))
        #expect(first.sorted() == Array(0..<24) && last.sorted() == first.sorted() && first != last)
    }

    @Test("mean gradients are those of the loss, by two-sided differences")
    func gradients() async throws {
        // Without layers that have kinks, which differences of 0.01 would cross.
        let model = try undecidedModel(features: 4, classes: 3)
        let examples = try problem().examples
        let found = try await session { try $0.meanGradients(of: model, on: examples, examplesPerGradient: 24) }
        func loss(_ model: Model) async throws -> Double {
            let logits = try await Predictor().logits(of: examples, by: model)
            return Self.crossEntropy(logits, examples.labels, []).loss
        }
        for (name, tensor) in model.parameters {
            let gradient = try #require(found[name])
            #expect(gradient.shape == tensor.shape)
            for index in [0, tensor.count - 1] {
                var (up, down) = (tensor, tensor)
                up[index] += 0.01
                down[index] -= 0.01
                let slope = try await (loss(model.replacing([name: up])) - loss(model.replacing([name: down]))) / 0.02
                #expect(abs(Double(gradient[index]) - slope) < 1e-3, "\(name)[\(index)]")
            }
        }
    }

    @Test("wrong arguments end in errors")
    func errors() async throws {
        let (model, examples) = try problem()
        let wrong = try #require(model.parameters.keys.min())
        func failure(_ body: @escaping @Sendable (UnlearningSession) throws -> Void) async -> String {
            await message { try await session(body) } ?? "none"
        }
        func training(_ objective: Objective) async -> String {
            await failure {
                _ = try $0.train(model, on: examples, Self.training, phase: .repair, minimizing: objective)
            }
        }
        let short = Tensor(repeating: 0, shape: [23, 3])
        #expect(
            await training(.teacher(short))
                == "a teacher's outputs cannot be 23x3; give one row for each of the 24 examples, with 3 columns")
        #expect(await training(.targets(short)).hasPrefix("a teacher's outputs cannot be 23x3"))
        let rows = Tensor(repeating: 0, shape: [24, 3])
        #expect(await training(.teacher(rows, temperature: 0)).contains("temperature"))
        #expect(await training(.labels(smoothing: 1)).hasPrefix("label smoothing cannot be 1.0"))
        #expect(await training(.sum((.nan, .labels()))).hasPrefix("an objective's weight cannot be nan"))
        #expect(
            await training(.labels().hiding(classes: [1, 3]))
                == "\(UnlearningError.unknownClass(index: 3, classCount: 3))"
        )
        #expect(await training(.custom { logits, _, _ in (0, Tensor(repeating: 0, shape: [1])) }).contains("diverged"))
        #expect(
            await failure { _ = try $0.train(model, passes: [], Self.training, phase: .repair) }
                == "passes cannot be empty; give at least one")
        #expect(
            await failure {
                let pass = TrainingPass(over: examples, named: "retain", batchSize: 0)
                _ = try $0.train(model, passes: [pass], Self.training, phase: .repair)
            }.hasPrefix("batch size cannot be 0"))
        for mask in ["none": [1], wrong: [1, 2]] as [String: TensorShape] {
            let text = await failure {
                _ = try $0.train(
                    model, on: examples, Self.training, phase: .repair,
                    mask: [mask.key: Tensor(repeating: 1, shape: mask.value)])
            }
            #expect(text != "none" && text.contains(mask.key))
        }
        #expect(
            await failure { _ = try $0.meanGradients(of: model, on: examples, examplesPerGradient: 0) }
                .hasPrefix("examples per gradient cannot be 0"))
        #expect(
            await failure { _ = try $0.meanGradients(of: model, on: examples, limit: 0) }
                .hasPrefix("example limit cannot be 0"))
    }
}

/// What an objective was asked for, in order.
private final class Seen: @unchecked Sendable {
    // Unchecked, since one thread trains.
    private(set) var names: [String] = []
    private(set) var positions: [[Int]] = []

    func add(_ name: String, _ positions: [Int]) {
        names.append(name)
        self.positions.append(positions)
    }
}
