import NeuralGraph
import TestSupport
import Testing

@Suite("Linear", .tags(.operations)) struct LinearTests {
    private let worst = WorstErrors("linear")

    @Test(
        "linear agrees with two-sided differences", arguments: [[7], [3, 5], [2, 3, 4]] as [TensorShape], [true, false])
    func linearAgreesWithTwoSidedDifferences(_ shape: TensorShape, _ hasBias: Bool) throws {
        for (batch, outputs) in [(1, 1), (4, 9), (130, 3)] {
            let item = try OperationCase(shape, batch: batch, seed: 1) {
                _ = try $0.linear($0.input, named: "linear", outputs: outputs, bias: hasBias)
            }
            try item.expectCorrect(worst, "linear, \(batch) x \(shape) to \(outputs)")
        }
    }
}
