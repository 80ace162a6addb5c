import NeuralGraph
import TestSupport
import Testing

/// Functions that few networks have, and the choice between two values.
@Suite("Elementary function", .tags(.operations)) struct ElementaryFunctionTests {
    private let worst = WorstErrors("elementary functions")

    /// Each function with the places where it jumps or has a kink, and the numbers that it takes.
    private static let functions: [(function: ElementaryFunction, kinks: [Double], range: ClosedRange<Float>)] = [
        (.sine, [], -4...4), (.cosine, [], -4...4), (.tangent, [], -1.2...1.2), (.arcsine, [], -0.9...0.9),
        (.arccosine, [], -0.9...0.9), (.arctangent, [], -4...4), (.hyperbolicSine, [], -3...3),
        (.hyperbolicCosine, [], -3...3), (.inverseHyperbolicSine, [], -4...4), (.inverseHyperbolicCosine, [], 1.2...5),
        (.inverseHyperbolicTangent, [], -0.9...0.9), (.sign, [0], -2...2), (.floor, [-1, 0, 1], -1.9...1.9),
        (.ceiling, [-1, 0, 1], -1.9...1.9), (.rounding, [-1.5, -0.5, 0.5, 1.5], -1.9...1.9),
        (.thresholdedReLU(threshold: 0.5), [0.5], -2...2),
        (.shrinkage(threshold: 0.5, bias: 0.25), [-0.5, 0.5], -2...2),
        (.isPositive, [0], -2...2), (.isZero, [0], -2...2), (.isUndefined, [], -2...2), (.isInfinite, [], -2...2),
    ]

    @Test("agrees with two-sided differences", arguments: functions.indices)
    func agreesWithTwoSidedDifferences(_ index: Int) throws {
        let (function, kinks, range) = Self.functions[index]
        for shape in [[3, 5, 7], [33], []] as [TensorShape] {
            let item = try OperationCase(shape, batch: 3, seed: 1) { random, count in
                random.normals(count, deviation: 1, awayFrom: kinks).map { number in
                    var number = number
                    // Folded into the range; what a fold puts on a kink is moved off it.
                    while !range.contains(number) {
                        number =
                            number < range.lowerBound ? 2 * range.lowerBound - number : 2 * range.upperBound - number
                    }
                    return kinks.contains { abs(Double(number) - $0) < 0.05 } ? number + 0.1 : number
                }
            } build: { builder in
                _ = try builder.elementary(builder.input, named: "function", function)
            }
            try item.expectCorrect(worst, "\(function) of \(shape)")
        }
    }

    @Test("special numbers") func specialNumbers() throws {
        func values(_ function: ElementaryFunction, _ numbers: [Float]) throws -> [Float] {
            var item = try OperationCase([numbers.count], batch: 1, seed: 1) {
                _ = try $0.elementary($0.input, named: "function", function)
            }
            item.input = numbers
            return try item.run().output
        }
        let numbers: [Float] = [.nan, -.infinity, -1, 0, 0.5, 1.5, 2.5, .infinity]
        #expect(try values(.isUndefined, numbers) == [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try values(.isInfinite, numbers) == [0, 1, 0, 0, 0, 0, 0, 1])
        #expect(try values(.isZero, numbers) == [0, 0, 0, 1, 0, 0, 0, 0])
        #expect(try values(.isPositive, numbers) == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(try Array(values(.rounding, numbers)[2...6]) == [-1, 0, 0, 2, 2])
        #expect(try Array(values(.sign, numbers)[1...]) == [-1, -1, 0, 1, 1, 1, 1])
        #expect(try values(.thresholdedReLU(threshold: 0.5), numbers)[0].isNaN)
    }

    @Test("settings that make no function are refused") func settingsThatMakeNoFunctionAreRefused() throws {
        for function: ElementaryFunction in [
            .shrinkage(threshold: -1, bias: 0), .shrinkage(threshold: .nan, bias: 0),
            .shrinkage(threshold: 1, bias: .infinity), .thresholdedReLU(threshold: .nan),
        ] {
            #expect(throws: ShapeError.self) {
                var builder = GraphBuilder(inputShape: [4])
                _ = try builder.elementary(builder.input, named: "function", function)
            }
        }
    }
}
