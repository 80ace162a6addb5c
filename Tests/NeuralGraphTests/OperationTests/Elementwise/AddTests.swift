import NeuralGraph
import TestSupport
import Testing

@Suite("Add", .tags(.operations)) struct AddTests {
    private let worst = WorstErrors("addition")

    @Test("addition agrees with two-sided differences", arguments: [[4, 3, 2], [6]] as [TensorShape])
    func additionAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 3, seed: 2) { builder in
            let a = try builder.linear(builder.input, named: "a", outputs: 5)
            let b = try builder.linear(builder.input, named: "b", outputs: 5)
            _ = try builder.add(a, b, named: "sum")
        }
        try item.expectCorrect(worst, "a + b, \(shape)")
    }

    @Test("residual blocks agree with two-sided differences") func residualBlocksAgreeWithTwoSidedDifferences() throws {
        for mode in [Mode.training, .inference] {
            let item = try OperationCase([5, 4, 3], batch: 3, seed: 6) { builder in
                var x = builder.input
                for index in 0..<2 {
                    let shortcut = try builder.convolution(
                        x, named: "\(index).short", channels: 4, kernelSize: 1, stride: 2, bias: false)
                    let normal = try builder.batchNormalization(shortcut, named: "\(index).shortnorm")
                    x = try builder.convolution(
                        x, named: "\(index).conv", channels: 4, kernelSize: 3, stride: 2, padding: 1, bias: false)
                    x = try builder.batchNormalization(x, named: "\(index).norm")
                    x = try builder.add(x, normal, named: "\(index).sum")
                    x = try builder.relu(x, named: "\(index).relu")
                }
                x = try builder.globalAveragePool(x, named: "pool")
                _ = try builder.linear(x, named: "fc", outputs: 3)
            }
            try item.expectCorrect(worst, "residual blocks, \(mode)", EngineRun.Options().with { $0.mode = mode })
        }
    }
}
