import NeuralGraph
import TestSupport
import Testing

@Suite("Pointwise", .tags(.operations)) struct PointwiseTests {
    private let worst = WorstErrors("pointwise functions")

    /// Each function with the places where its slope jumps, and whether it takes numbers above 0 alone.
    private static let functions: [(function: PointwiseFunction, kinks: [Double], positive: Bool)] = [
        (.sigmoid, [], false), (.hardSigmoid(alpha: 0.25, beta: 0.5), [-2, 2], false), (.hardSwish, [-3, 3], false),
        (.silu, [], false), (.gelu, [], false), (.geluTanh, [], false), (.tanh, [], false), (.erf, [], false),
        (.leakyReLU(slope: 0.125), [0], false), (.elu(alpha: 0.75), [0], false),
        (.softplus, [], false), (.exponential, [], false), (.logarithm, [], true), (.squareRoot, [], true),
        (.reciprocal, [], true), (.negation, [], false), (.absolute, [0], false), (.power(2), [], false),
        (.power(3), [], false), (.power(0.5), [], true), (.power(-1.5), [], true),
        (.affine(scale: -1.5, shift: 0.25), [], false), (.clamp(minimum: -1, maximum: 0.5), [-1, 0.5], false),
    ]

    @Test("agrees with two-sided differences", arguments: functions.indices, [0.1, 1, 4])
    func agreesWithTwoSidedDifferences(_ index: Int, _ deviation: Double) throws {
        let (function, kinks, positive) = Self.functions[index]
        for shape in [[3, 5, 7], [33], []] as [TensorShape] {
            let item = try OperationCase(shape, batch: 3, seed: 1) { random, count in
                let values = random.normals(count, deviation: deviation, awayFrom: kinks)
                return positive ? values.map { abs($0) + 0.05 } : values
            } build: { builder in
                _ = try builder.pointwise(builder.input, named: "function", function)
            }
            try item.expectCorrect(worst, "\(function) of \(shape), deviation \(deviation)")
        }
    }

    /// Of each number by itself, not of the norm of many: relative to the larger of result and smallest normal number.
    @Test("each number is accurate", arguments: functions.indices)
    func eachNumberIsAccurate(_ index: Int) throws {
        let (function, _, positive) = Self.functions[index]
        let input = stride(from: positive ? Float(0.01) : -20, through: 20, by: 0.01).map { $0 }
        var item = try OperationCase([input.count], batch: 1, seed: 1) {
            _ = try $0.pointwise($0.input, named: "function", function)
        }
        item.input = input
        for (x, y) in zip(input, try item.run().output) {
            let expected = Reference.value(of: function, at: Double(x))
            // The error function's complement has its own accuracy below 0; functions that cross zero have an absolute one.
            let error = abs(Double(y) - expected) / max(abs(expected), 1e-3)
            #expect(worst.isWithin(3e-6, error, "of one number", at: "\(function) at \(x)"), "\(function)(\(x)) = \(y)")
        }
    }

    /// In place behind a layer, and added to another consumer's gradient.
    @Test(
        "works in place and accumulates",
        arguments: [PointwiseFunction.gelu, .negation, .affine(scale: 2, shift: 1), .silu])
    func worksInPlaceAndAccumulates(_ function: PointwiseFunction) throws {
        let item = try OperationCase([4, 6], batch: 3, seed: 2) { builder in
            let x = try builder.linear(builder.input, named: "first", outputs: 5)
            let y = try builder.pointwise(x, named: "once", function)
            let z = try builder.linear(y, named: "second", outputs: 5)
            let both = try builder.add(try builder.pointwise(z, named: "twice", function), z, named: "sum")
            _ = try builder.linear(both, named: "last", outputs: 3)
        }
        try item.expectCorrect(worst, "\(function) in a chain")
    }

    /// Undefined numbers stay undefined, and no finite number becomes one.
    @Test("special numbers", arguments: functions.indices)
    func specialNumbers(_ index: Int) throws {
        let (function, _, positive) = Self.functions[index]
        var item = try OperationCase([6], batch: 1, seed: 1) {
            _ = try $0.pointwise($0.input, named: "function", function)
        }
        let numbers: [Float] = positive ? [.nan, 1e-30, 1e-3, 1, 1e3, 1e30] : [.nan, -1e18, -100, 0, 100, 1e18]
        item.input = numbers
        let output = try item.run().output
        #expect(output[0].isNaN, "\(function)")
        for (x, y) in zip(numbers, output).dropFirst() {
            let expected = Float(Reference.value(of: function, at: Double(x)))
            if expected.isFinite {
                #expect(abs(y - expected) <= 1e-5 * max(abs(expected), 1e-3), "\(function)(\(x)) = \(y)")
            } else {
                // A cube in between may overflow where the result does.
                #expect(y == expected, "\(function)(\(x)) = \(y)")
            }
        }
    }

    /// Whole exponents have values and slopes below and at 0 as well; a constant has no slope, not even at 0.
    @Test("whole powers below and at zero", arguments: [0, 1, 2, 3] as [Float])
    func wholePowersBelowAndAtZero(_ exponent: Float) throws {
        let function = PointwiseFunction.power(exponent)
        var item = try OperationCase([7], batch: 3, seed: 1) {
            _ = try $0.pointwise($0.input, named: "function", function)
        }
        let numbers: [Float] = [-3, -1.25, -0.0, 0, 1e-3, 1, 2.5]
        item.input = numbers + numbers + numbers
        let run = try item.run()
        // Differences over a step are exact up to the third power's step squared.
        let step = 1e-5
        for (index, x) in item.input.enumerated() {
            let expected = Reference.value(of: function, at: Double(x))
            let (up, down) = (
                Reference.value(of: function, at: Double(x) + step), Reference.value(of: function, at: Double(x) - step)
            )
            let gradient = Double(item.outputGradient[index]) * (up - down) / (2 * step)
            let place = "\(x) to the power \(exponent)"
            let difference = abs(Double(run.output[index]) - expected) / max(1, abs(expected))
            #expect(worst.isWithin(1e-6, difference, "value", at: place), "\(place): \(run.output[index])")
            let error = abs(Double(run.inputGradient[index]) - gradient) / max(1, abs(gradient))
            #expect(worst.isWithin(1e-6, error, "slope", at: place), "\(place): \(run.inputGradient[index])")
        }
    }

    /// PyTorch's choices where a slope jumps.
    @Test("kinks") func kinks() throws {
        func slope(_ function: PointwiseFunction, at x: Float) throws -> Float {
            var item = try OperationCase([1], batch: 1, seed: 1) {
                _ = try $0.pointwise($0.input, named: "function", function)
            }
            (item.input, item.outputGradient) = ([x], [1])
            return try item.run().inputGradient[0]
        }
        #expect(try slope(.leakyReLU(slope: 0.5), at: 0) == 0.5)
        #expect(try slope(.absolute, at: 0) == 0)
        #expect(try slope(.clamp(minimum: -1, maximum: 1), at: 1) == 1)
        #expect(try slope(.clamp(minimum: -1, maximum: 1), at: -1) == 1)
        #expect(try slope(.hardSigmoid(alpha: 0.5, beta: 0.5), at: 1) == 0)
        #expect(try slope(.elu(alpha: 2), at: 0) == 2)
    }
}
