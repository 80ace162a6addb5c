import NeuralGraph
import TestSupport
import Testing

@Suite("Softmax", .tags(.operations)) struct SoftmaxTests {
    private let worst = WorstErrors("softmax")

    @Test(
        "softmax agrees with two-sided differences",
        arguments: [([17], -1), ([3, 33], 1), ([3, 4, 5], 0), ([3, 4, 20], 1), ([4, 1], -1), ([2, 3, 1], 1)])
    func softmaxAgreesWithTwoSidedDifferences(_ shape: [Int], _ axis: Int) throws {
        let item = try OperationCase(TensorShape(shape), batch: 3, seed: 1) { builder in
            let x = try builder.pointwise(builder.input, named: "x", .affine(scale: 3, shift: 1))
            let once = try builder.softmax(x, named: "once", axis: axis)
            _ = try builder.arithmetic(.multiplication, x, once, named: "last")
        }
        try item.expectCorrect(worst, "softmax over axis \(axis) of \(shape)")
    }

    @Test("softmax of large numbers", arguments: [-1, 0])
    func softmaxOfLargeNumbers(_ axis: Int) throws {
        var item = try OperationCase(axis == 0 ? [3, 2] : [2, 3], batch: 1, seed: 1) {
            _ = try $0.softmax($0.input, named: "softmax", axis: axis)
        }
        item.input = axis == 0 ? [1e30, 0, 1e30, -200, -1e30, 0] : [1e30, 1e30, -1e30, 0, -200, 0]
        let output = try item.run().output
        #expect(output == (axis == 0 ? [0.5, 0.5, 0.5, 0, 0, 0.5] : [0.5, 0.5, 0, 0.5, 0, 0.5]))
    }
}
