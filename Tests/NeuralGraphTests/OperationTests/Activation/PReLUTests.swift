import NeuralGraph
import TestSupport
import Testing

@Suite("P ReLU", .tags(.operations)) struct PReLUTests {
    private let worst = WorstErrors("PReLU")

    @Test(
        "PReLU agrees with two-sided differences",
        arguments: [[1], [5], [3, 1], [4, 3, 5]] as [TensorShape])
    func parametricRectificationAgreesWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase([4, 3, 5], batch: 3, seed: 9) { random, count in
            random.normals(count, awayFrom: [0])
        } build: { builder in
            _ = try builder.prelu(builder.input, named: "prelu", shape: shape)
        }
        try item.expectCorrect(worst, "PReLU with \(shape)")
    }
}
