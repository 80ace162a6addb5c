import NeuralGraph
import TestSupport
import Testing

@Suite("ReLU", .tags(.operations)) struct ReLUTests {
    private let worst = WorstErrors("ReLU")

    @Test(
        "ReLU agrees with two-sided differences", arguments: [[3, 5, 4], [7]] as [TensorShape],
        [Float.infinity, 6, 0.5])
    func rectificationAgreesWithTwoSidedDifferences(_ shape: TensorShape, _ ceiling: Float) throws {
        let item = try OperationCase(shape, batch: 3, seed: 1) { random, count in
            random.normals(count, deviation: 4, awayFrom: [0, Double(ceiling)])
        } build: { builder in
            _ = try builder.add(ReLU(ceiling: ceiling), named: "relu", builder.input)
        }
        try item.expectCorrect(worst, "ReLU up to \(ceiling)")
    }

    /// At the kinks the gradient is 0, as in PyTorch.
    @Test("kinks have no gradient") func kinksHaveNoGradient() throws {
        var item = try OperationCase([5], batch: 1, seed: 1) { _ = try $0.relu6($0.input, named: "relu") }
        item.input = [-0.0, 0, 6, 5.5, 7]
        item.outputGradient = [1, 1, 1, 1, 1]
        #expect(try item.run().output == [0, 0, 6, 5.5, 6])
        #expect(try item.run().inputGradient == [0, 0, 0, 1, 0])
    }
}
