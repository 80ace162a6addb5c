import NeuralGraph
import TestSupport
import Testing

@Suite("Batch normalization", .tags(.operations)) struct BatchNormalizationTests {
    private let worst = WorstErrors("batch normalization")

    /// Image and vector shapes, few and many rows, more channels than a block of sums takes.
    private static let shapes: [(shape: TensorShape, batch: Int)] = [
        ([5, 7, 3], 2), ([4, 4, 1], 1), ([1, 1, 6], 9), ([3], 12), ([9, 9, 2], 9), ([2, 3, 17], 4),
    ]

    @Test("agrees with two-sided differences", arguments: shapes.indices, [Mode.training, .inference])
    func agreesWithTwoSidedDifferences(_ index: Int, _ mode: Mode) throws {
        let (shape, batch) = Self.shapes[index]
        for (mean, deviation) in [(0.0, 1.0), (3, 0.5)] {
            let item = try OperationCase(shape, batch: batch, seed: UInt64(index)) { random, count in
                random.normals(count, mean: mean, deviation: deviation)
            } build: { builder in
                _ = try builder.batchNormalization(builder.input, named: "norm")
            }
            try item.expectCorrect(
                worst, "\(batch) x \(shape), \(mode), mean \(mean)",
                EngineRun.Options().with { $0.mode = mode })
        }
    }

    @Test("running statistics move as PyTorch's", arguments: [Float(0.1), 0.3, 1])
    func runningStatisticsMoveAsPyTorchs(_ momentum: Float) throws {
        let item = try OperationCase([3, 5, 4], batch: 3, seed: 5) { builder in
            _ = try builder.batchNormalization(builder.input, named: "norm", momentum: momentum)
        }
        let executor = Executor(model: item.model, batchCapacity: 3, computing: .both)
        var network = item.network
        for step in 1...4 {
            var moved = item
            moved.input = item.input.map { $0 * Float(step) + 1 }
            network.state = network.stateAfterTraining(on: moved.referenceInput)
            let run = try EngineRun(executor, input: moved.input, outputGradient: item.outputGradient)
            for (key, expected) in network.state {
                let error = relativeDifference(run.model.state[key]?.elements ?? [], from: expected)
                #expect(worst.isWithin(1e-6, error, "running statistics", at: "\(key), step \(step)"))
            }
            #expect(run.model.state["norm.num_batches_tracked"]?.elements == [Float(step)])
        }
    }

    /// Several blocks of rows, whose sums are combined.
    @Test("statistics of numbers far from 0 keep their digits", arguments: [(0.0, 1.0), (100, 0.5), (-1000, 0.5)])
    func statisticsKeepTheirDigits(_ mean: Double, _ deviation: Double) throws {
        let item = try OperationCase([16, 16, 3], batch: 9, seed: 8) { random, count in
            random.normals(count, mean: mean, deviation: deviation)
        } build: { builder in
            _ = try builder.batchNormalization(builder.input, named: "norm", momentum: 1)
        }
        let run = try item.run()
        for channel in 0..<3 {
            let values = stride(from: channel, to: item.input.count, by: 3).map { Double(item.input[$0]) }
            let average = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / Double(values.count - 1)
            let measured = run.model.state["norm.running_var"]?.elements[channel] ?? 0
            #expect(worst.isWithin(2e-6, abs(Double(measured) / variance - 1), "variance", at: "\(mean), \(deviation)"))
        }
    }

    @Test("state stays where it is not to be updated") func stateStaysWhereItIsNotToBeUpdated() throws {
        let item = try OperationCase([3, 5, 4], batch: 3, seed: 6) { builder in
            _ = try builder.batchNormalization(builder.input, named: "norm")
        }
        let untouched = try item.run(EngineRun.Options().with { $0.updatesState = false })
        #expect(untouched.model.state == item.model.state)
        let inference = try item.run(EngineRun.Options().with { $0.mode = .inference })
        #expect(inference.model.state == item.model.state)
        // The state has no part in what training mode computes.
        let updated = try item.run()
        #expect(updated.model.state != item.model.state)
        #expect(updated.output == untouched.output)
        #expect(updated.inputGradient == untouched.inputGradient)
        #expect(updated.parameterGradients == untouched.parameterGradients)
    }

    /// A batch of one number a channel has no spread, so that the result is the bias, but for the number's own rounding
    /// times 1 / sqrt(epsilon).
    @Test("one row gives the bias") func oneRowGivesTheBias() throws {
        let item = try OperationCase([1, 1, 5], batch: 1, seed: 7) { builder in
            _ = try builder.batchNormalization(builder.input, named: "norm")
        }
        let run = try item.run()
        let bias = item.model.parameters["norm.bias"]?.elements ?? []
        let weight = item.model.parameters["norm.weight"]?.elements ?? []
        for (channel, value) in run.output.enumerated() {
            let rounding = abs(item.input[channel]).ulp * weight[channel] / Float(1e-5).squareRoot()
            #expect(abs(value - bias[channel]) <= rounding)
        }
        #expect(run.inputGradient.allSatisfy { $0.isFinite })
        #expect(run.model.firstNonFiniteTensor == nil)
    }
}
