import NeuralGraph
import TestSupport
import Testing

@Suite("Flatten", .tags(.operations)) struct FlattenTests {
    private let worst = WorstErrors("flattening and concatenation")

    @Test("concatenation agrees with two-sided differences", arguments: [[4, 3, 2], [6]] as [TensorShape])
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
    @Test(
        "flattening agrees with two-sided differences",
        arguments: [[4, 3, 2], [1, 1, 6], [5, 2, 1], [6]] as [TensorShape])
    func flatteningAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 2, seed: 4) { builder in
            let x = try builder.linear(builder.input, named: "first", outputs: shape.channels)
            let flat = try builder.flatten(x, named: "flat")
            _ = try builder.linear(flat, named: "last", outputs: 3)
        }
        try item.expectCorrect(worst, "flattening, \(shape)")
    }

    /// PyTorch's order: all of the first channel, then all of the second.
    @Test("flattening puts channels outermost") func flatteningPutsChannelsOutermost() throws {
        var item = try OperationCase([2, 2, 3], batch: 1, seed: 5) {
            _ = try $0.flatten($0.input, named: "flat")
        }
        item.input = (0..<12).map(Float.init)
        #expect(try item.run().output == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
    }
}
