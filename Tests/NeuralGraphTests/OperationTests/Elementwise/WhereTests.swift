import NeuralGraph
import TestSupport
import Testing

@Suite("Where", .tags(.operations)) struct WhereTests {
    private let worst = WorstErrors("choice")

    /// The gradient goes to what was chosen, whether inputs have other readers or not.
    @Test("choices agree with two-sided differences", arguments: [[3, 5], [40]] as [TensorShape])
    func choicesAgreeWithTwoSidedDifferences(_ shape: TensorShape) throws {
        let item = try OperationCase(shape, batch: 3, seed: 6) { builder in
            let a = try builder.linear(builder.input, named: "a", outputs: 4)
            let b = try builder.linear(builder.input, named: "b", outputs: 4)
            let test = try builder.linear(builder.input, named: "test", outputs: 4)
            let condition = try builder.elementary(test, named: "condition", .isPositive)
            let chosen = try builder.where(condition, a, b, named: "chosen")
            _ = try builder.add(chosen, b, named: "sum")
        }
        try item.expectCorrect(worst, "choice, \(shape)")
    }

    @Test("choices take three inputs of one shape") func choicesTakeThreeInputsOfOneShape() throws {
        var builder = GraphBuilder(inputShape: [4])
        let other = try builder.linear(builder.input, named: "other", outputs: 3)
        #expect(throws: ShapeError.self) {
            try builder.where(builder.input, builder.input, other, named: "choice")
        }
    }
}
