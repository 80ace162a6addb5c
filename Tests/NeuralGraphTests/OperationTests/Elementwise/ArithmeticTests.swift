import NeuralGraph
import TestSupport
import Testing

/// Two inputs, or an input and a parameter, of shapes that spread to each other.
@Suite("Arithmetic", .tags(.operations)) struct ArithmeticTests {
    private let worst = WorstErrors("arithmetic")

    /// Axes of a [4, 3, 5] image over which the second operand is averaged, and whether they stay.
    private static let spreads: [(axes: [Int], keepsAxes: Bool)] = [
        ([], true), ([0, 1], true), ([0, 1], false), ([2], true), ([1], true), ([0], false), ([0, 2], true),
        ([0, 1, 2], true), ([0, 1, 2], false),
    ]

    @Test("agrees with two-sided differences", arguments: ArithmeticKind.allCases, spreads.indices)
    func agreesWithTwoSidedDifferences(_ kind: ArithmeticKind, _ index: Int) throws {
        let (axes, keepsAxes) = Self.spreads[index]
        for isSwapped in [false, true] {
            var item = try OperationCase([4, 3, 5], batch: 2, seed: 3) { builder in
                // Above 0, for division and powers.
                let a = try builder.pointwise(builder.input, named: "a", .softplus)
                let x = try builder.linear(builder.input, named: "x", outputs: 5)
                let b = try builder.pointwise(
                    builder.reduction(.mean, x, named: "mean", axes: axes, keepsAxes: keepsAxes), named: "b", .softplus)
                _ = try builder.arithmetic(kind, isSwapped ? b : a, isSwapped ? a : b, named: "both")
            }
            // Of one sign: the sum over a repeated axis would else be a small difference of large numbers.
            item.outputGradient = item.outputGradient.map { abs($0) + 0.1 }
            try item.expectCorrect(worst, "\(kind), axes \(axes), \(isSwapped)")
        }
    }

    /// Both operands are repeated along each other's axes.
    @Test("both operands spread", arguments: ArithmeticKind.allCases)
    func bothOperandsSpread(_ kind: ArithmeticKind) throws {
        let item = try OperationCase([4, 3], batch: 3, seed: 4) { builder in
            let x = try builder.pointwise(builder.input, named: "x", .softplus)
            let rows = try builder.reduction(.sum, x, named: "rows", axes: [1], keepsAxes: true)
            let columns = try builder.reduction(.mean, x, named: "columns", axes: [0], keepsAxes: true)
            _ = try builder.arithmetic(kind, rows, columns, named: "both")
        }
        try item.expectCorrect(worst, "\(kind) of rows and columns")
    }

    /// The same value twice: the second share is added to the first.
    @Test("a value with itself", arguments: ArithmeticKind.allCases)
    func aValueWithItself(_ kind: ArithmeticKind) throws {
        guard ![.maximum, .minimum].contains(kind) else { return }
        let item = try OperationCase([2, 9], batch: 3, seed: 5) { builder in
            let x = try builder.pointwise(builder.input, named: "x", .softplus)
            _ = try builder.arithmetic(kind, x, x, named: "both")
        }
        try item.expectCorrect(worst, "\(kind) with itself")
    }

    @Test("ties share the gradient") func tiesShareTheGradient() throws {
        for kind in [ArithmeticKind.maximum, .minimum] {
            var item = try OperationCase([3], batch: 1, seed: 1) {
                let same = try $0.pointwise($0.input, named: "same", .affine(scale: 1, shift: 0))
                _ = try $0.arithmetic(kind, $0.input, same, named: "both")
            }
            (item.input, item.outputGradient) = ([1, -2, .nan], [1, 2, 3])
            let run = try item.run()
            #expect(run.output[..<2] == [1, -2])
            #expect(run.output[2].isNaN)
            #expect(run.inputGradient[..<2] == [1, 2])
        }
    }

    /// Long rows, that working memory holds a part of at a time.
    @Test("long rows") func longRows() throws {
        let item = try OperationCase([5000], batch: 2, seed: 6) { builder in
            let mean = try builder.reduction(.mean, builder.input, named: "mean", axes: [0], keepsAxes: true)
            _ = try builder.arithmetic(.multiplication, mean, builder.input, named: "product")
        }
        // By hand, since differences of ten thousand numbers take long: with g = sum of dy x / n,
        // d/dx_i = dy_i mean + g.
        let run = try item.run()
        for example in 0..<2 {
            let range = example * 5000..<(example + 1) * 5000
            let x = item.input[range].map(Double.init)
            let dy = item.outputGradient[range].map(Double.init)
            let mean = x.reduce(0, +) / 5000
            let shared = zip(x, dy).reduce(0) { $0 + $1.0 * $1.1 } / 5000
            #expect(relativeDifference(run.inputGradient[range], from: dy.map { $0 * mean + shared }) < 1e-5)
        }
    }

    private static let parameterShapes: [TensorShape] = [
        [5], [1], [], [4, 3, 5], [3, 1], [4, 1, 1], [1, 4, 3, 5], [1, 1, 5],
    ]

    @Test(
        "parameters agree with two-sided differences", arguments: ArithmeticKind.allCases, parameterShapes.indices)
    func parametersAgreeWithTwoSidedDifferences(_ kind: ArithmeticKind, _ index: Int) throws {
        let shape = Self.parameterShapes[index]
        for parameterFirst in [false, true] {
            for batch in [1, 3, 35] where batch < 35 || shape.count < 6 {
                var item = try OperationCase([4, 3, 5], batch: batch, seed: 7) { builder in
                    let x = try builder.pointwise(builder.input, named: "x", .softplus)
                    _ = try builder.parametricArithmetic(
                        kind, x, named: "weighted", shape: shape, initializer: .constant(1),
                        parameterFirst: parameterFirst)
                }
                #expect(item.model.graph.outputShape == [4, 3, 5])
                // Away from 0, where quotients and powers have no slope that differences could tell.
                let weights = GeneratedNumbers.uniform("weights", count: shape.count).map { Float(0.5 + $0) }
                item.model = try item.model.replacing(["weighted.weight": Tensor(weights, shape: shape)])
                try item.expectCorrect(worst, "\(kind) with \(shape), first: \(parameterFirst), batch \(batch)")
            }
        }
    }

    /// The input is repeated along the parameter's axes, and the chain works in place where it can.
    @Test("inputs spread to parameters", arguments: ArithmeticKind.allCases)
    func inputsSpreadToParameters(_ kind: ArithmeticKind) throws {
        let item = try OperationCase([4], batch: 3, seed: 8) { builder in
            let x = try builder.pointwise(
                builder.linear(builder.input, named: "first", outputs: 4), named: "x", .softplus)
            let y = try builder.parametricArithmetic(
                kind, x, named: "spread", shape: [3, 4], initializer: .constant(1))
            let z = try builder.parametricArithmetic(
                .subtraction, y, named: "minus", shape: [4], initializer: .constant(1), parameterFirst: true)
            _ = try builder.linear(z, named: "last", outputs: 2)
        }
        try item.expectCorrect(worst, "\(kind), spread inputs")
    }

    /// What does not learn has no gradient, no optimizer reaches it, and it is none of the parameters that are counted.
    @Test("constants stay as they are") func constantsStayAsTheyAre() throws {
        let item = try OperationCase([3], batch: 2, seed: 10) { builder in
            let x = try builder.parametricArithmetic(
                .multiplication, builder.input, named: "constant", shape: [3], initializer: .constant(2), learns: false)
            let token = try builder.parameterValue(
                named: "token", shape: [3], initializer: .constant(1), learns: false)
            _ = try builder.linear(builder.add(x, token, named: "sum"), named: "fc", outputs: 2)
        }
        let executor = Executor(model: item.model, batchCapacity: 2, computing: .both)
        let run = try EngineRun(executor, input: item.input, outputGradient: item.outputGradient)
        #expect(Set(run.parameterGradients.keys) == ["fc.weight", "fc.bias"])
        #expect(item.model.parameterCount == 8)
        #expect(Set(item.model.parameters.keys).isSuperset(of: ["constant.weight", "token.weight"]))
        for index in 0..<executor.trainableCount { executor.parameters[index] += 1 }
        let moved = try executor.model()
        #expect(moved.parameters["constant.weight"] == item.model.parameters["constant.weight"])
        #expect(moved.parameters["fc.weight"] != item.model.parameters["fc.weight"])
        try item.expectCorrect(worst, "constants")
    }
}
