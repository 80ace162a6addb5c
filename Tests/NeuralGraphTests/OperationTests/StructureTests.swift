import NeuralGraph
import TestSupport
import Testing

/// Linear layers, addition, concatenation and flattening.
@Suite struct StructureTests {
    private let worst = WorstErrors("structure")

    @Test(arguments: [[7], [3, 5], [2, 3, 4]] as [TensorShape], [true, false])
    func linearAgreesWithTwoSidedDifferences(_ shape: TensorShape, _ hasBias: Bool) throws {
        for (batch, outputs) in [(1, 1), (4, 9), (130, 3)] {
            let item = try OperationCase(shape, batch: batch, seed: 1) {
                _ = try $0.linear($0.input, named: "linear", outputs: outputs, bias: hasBias)
            }
            try item.expectCorrect(worst, "linear, \(batch) x \(shape) to \(outputs)")
        }
    }

    @Test(arguments: [[4, 3, 2], [6]] as [TensorShape])
    func additionAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 3, seed: 2) { builder in
            let a = try builder.linear(builder.input, named: "a", outputs: 5)
            let b = try builder.linear(builder.input, named: "b", outputs: 5)
            _ = try builder.add(a, b, named: "sum")
        }
        try item.expectCorrect(worst, "a + b, \(shape)")
    }

    @Test(arguments: [[4, 3, 2], [6]] as [TensorShape])
    func concatenationAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 2, seed: 3) { builder in
            let a = try builder.linear(builder.input, named: "a", outputs: 3)
            let b = try builder.linear(builder.input, named: "b", outputs: 1)
            let joined = try builder.concat([a, builder.input, b], named: "joined")
            _ = try builder.linear(joined, named: "last", outputs: 4)
        }
        try item.expectCorrect(worst, "concatenation, \(shape)")
    }

    /// In place where the order stays, and by copies where it does not.
    @Test(arguments: [[4, 3, 2], [1, 1, 6], [5, 2, 1], [6]] as [TensorShape])
    func flatteningAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 2, seed: 4) { builder in
            let x = try builder.linear(builder.input, named: "first", outputs: shape.channels)
            let flat = try builder.flatten(x, named: "flat")
            _ = try builder.linear(flat, named: "last", outputs: 3)
        }
        try item.expectCorrect(worst, "flattening, \(shape)")
    }

    /// PyTorch's order: all of the first channel, then all of the second.
    @Test func flatteningPutsChannelsOutermost() throws {
        var item = try OperationCase([2, 2, 3], batch: 1, seed: 5) {
            _ = try $0.flatten($0.input, named: "flat")
        }
        item.input = (0..<12).map(Float.init)
        #expect(try item.run().output == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
    }

    @Test func residualBlocksAgreeWithTwoSidedDifferences() throws {
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
