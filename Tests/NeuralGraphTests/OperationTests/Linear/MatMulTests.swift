import NeuralGraph
import TestSupport
import Testing

@Suite("Mat mul", .tags(.operations)) struct MatMulTests {
    private let worst = WorstErrors("matrix products")

    /// Products of an input's own parts, with repeated and with equal leading axes.
    @Test(
        "matrix products agree with two-sided differences", arguments: [false, true],
        [([], []), ([2], [2]), ([2], []), ([], [3]), ([2, 1], [3]), ([1, 3], [2, 1])])
    func matrixProductsAgreeWithTwoSidedDifferences(_ transposes: Bool, _ leading: ([Int], [Int])) throws {
        let (m, k, n) = (3, 4, 5)
        let first = TensorShape(leading.0 + [m, k])
        let second = TensorShape(leading.1 + (transposes ? [n, k] : [k, n]))
        let item = try OperationCase([first.count + second.count], batch: 3, seed: 2) { builder in
            let a = try builder.slice(builder.input, named: "a", axis: 0, start: 0, count: first.count)
            let b = try builder.slice(builder.input, named: "b", axis: 0, start: first.count, count: second.count)
            _ = try builder.matMul(
                builder.reshape(a, named: "first", shape: first),
                builder.reshape(b, named: "second", shape: second),
                named: "product", transposesSecond: transposes)
        }
        try item.expectCorrect(worst, "\(first) and \(second)")
    }

    /// A matrix with itself, whose two shares are added up.
    @Test("squares agree with two-sided differences") func squaresAgreeWithTwoSidedDifferences() throws {
        let item = try OperationCase([2, 4, 3], batch: 3, seed: 3) {
            _ = try $0.matMul($0.input, $0.input, named: "gram", transposesSecond: true)
        }
        try item.expectCorrect(worst, "a matrix with itself")
    }
}
