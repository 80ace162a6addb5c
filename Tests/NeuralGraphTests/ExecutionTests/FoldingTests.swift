import NeuralGraph
import TestSupport
import Testing

/// Batch norm as part of convolutions, in plans made for inference alone, against the network node by node.
@Suite("Folding", .tags(.execution)) struct FoldingTests {
    private static let cases: [@Sendable (inout GraphBuilder) throws -> Void] = [
        // With a bias of the convolution's own, Winograd or products, and a residual.
        { builder in
            var x = try builder.convolution(builder.input, named: "first", channels: 18, kernelSize: 3, padding: 1)
            x = try builder.batchNormalization(x, named: "firstnorm")
            let kept = try builder.relu(x, named: "firstrelu")
            x = try builder.convolution(kept, named: "second", channels: 18, kernelSize: 3, padding: 1, bias: false)
            x = try builder.batchNormalization(x, named: "secondnorm", epsilon: 1e-3)
            x = try builder.add(x, kept, named: "sum")
            _ = try builder.relu(x, named: "relu")
        },
        // Groups, which are unrolled, and a ceiling.
        { builder in
            var x = try builder.convolution(
                builder.input, named: "grouped", channels: 6, kernelSize: 3, stride: 2, padding: 1, groups: 3)
            x = try builder.batchNormalization(x, named: "norm")
            _ = try builder.relu6(x, named: "relu")
        },
        // Without a ReLU.
        { builder in
            let x = try builder.convolution(builder.input, named: "strided", channels: 7, kernelSize: 5, stride: 2)
            _ = try builder.batchNormalization(x, named: "norm")
        },
    ]

    @Test("folded networks compute the same", arguments: cases.indices, [2, 14])
    func foldedNetworksComputeTheSame(_ index: Int, batch: Int) throws {
        let item = try OperationCase([9, 8, 3], batch: batch, seed: 3) { try Self.cases[index](&$0) }
        let options = EngineRun.Options().with {
            $0.mode = .inference
            $0.request = .input
        }
        let exact = try item.run(options.with { $0.algorithms = .strict })
        let folded = try item.run(options.with { $0.modes = [.inference] })
        #expect(folded.algorithms.count < exact.algorithms.count)
        #expect(relativeDifference(folded.output, from: exact.output) < Tolerance.output)
        #expect(relativeDifference(folded.inputGradient, from: exact.inputGradient) < Tolerance.inputGradient)
    }

    @Test("another model's weights are packed again") func otherWeightsArePackedAgain() throws {
        let first = try OperationCase([9, 8, 3], batch: 14, seed: 3) { try Self.cases[0](&$0) }
        let other = Model(graph: first.model.graph, seed: 77)
        let options = EngineRun.Options().with {
            $0.mode = .inference
            $0.modes = [.inference]
            $0.request = .input
        }
        let executor = Executor(
            model: first.model, batchCapacity: 14, computing: .input, modes: [.inference],
            threads: ThreadTeam(workers: 2))
        let before = try EngineRun(
            executor, input: first.input, outputGradient: first.outputGradient, options)
        executor.load(other)
        let after = try EngineRun(executor, input: first.input, outputGradient: first.outputGradient, options)
        let alone = try EngineRun(
            other, input: first.input, outputGradient: first.outputGradient, options)
        #expect(after.output == alone.output && after.inputGradient == alone.inputGradient)
        #expect(after.output != before.output)
    }
}
