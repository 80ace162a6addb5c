import NeuralGraph
import TestSupport
import Testing

@Suite("Log softmax", .tags(.operations)) struct LogSoftmaxTests {
    private let worst = WorstErrors("logarithmic softmax")

    /// In place, and beside another reader of the input, so that its gradient is added to another one.
    @Test(
        "agrees with two-sided differences",
        arguments: [([17], -1), ([3, 33], 1), ([3, 4, 5], 0), ([3, 4, 20], 1), ([4, 1], -1), ([2, 3, 1], 1)])
    func agreesWithTwoSidedDifferences(_ shape: [Int], _ axis: Int) throws {
        let item = try OperationCase(TensorShape(shape), batch: 3, seed: 1) { builder in
            let x = try builder.pointwise(builder.input, named: "x", .affine(scale: 3, shift: 1))
            let once = try builder.logSoftmax(x, named: "once", axis: axis)
            let product = try builder.arithmetic(.multiplication, x, once, named: "product")
            _ = try builder.logSoftmax(product, named: "last", axis: axis)
        }
        try item.expectCorrect(worst, "logarithmic softmax over axis \(axis) of \(shape)")
    }

    /// A softmax of such scores is 0, whose logarithm would be infinite.
    @Test("large numbers stay finite", arguments: [-1, 0])
    func largeNumbersStayFinite(_ axis: Int) throws {
        var item = try OperationCase(axis == 0 ? [3, 2] : [2, 3], batch: 1, seed: 1) {
            _ = try $0.logSoftmax($0.input, named: "logarithms", axis: axis)
        }
        item.input = axis == 0 ? [1000, 0, 0, -200, -1000, 0] : [1000, 0, -1000, 0, -200, 0]
        let output = try item.run().output
        let half = -Float(0.6931472)
        #expect(
            output
                == (axis == 0
                    ? [0, half, -1000, -200 + half, -2000, half] : [0, -1000, -2000, half, -200 + half, half]))
    }

    @Test("undefined numbers show") func undefinedNumbersShow() throws {
        var item = try OperationCase([2, 3], batch: 1, seed: 1) { _ = try $0.logSoftmax($0.input, named: "logarithms") }
        item.input = [1, .nan, 2, 0, 0, 0]
        let output = try item.run().output
        #expect(output[..<3].allSatisfy(\.isNaN) && output[3...].allSatisfy(\.isFinite))
    }

    @Test("axes beyond the input are refused", arguments: [1, 3, -2]) func axesBeyondTheInputAreRefused(_ axis: Int) {
        var net = GraphBuilder(inputShape: [4])
        let error = #expect(throws: ShapeError.self) { try net.logSoftmax(net.input, named: "node", axis: axis) }
        #expect(error?.place == "node" && error?.message.contains("\(axis)") == true)
    }
}
