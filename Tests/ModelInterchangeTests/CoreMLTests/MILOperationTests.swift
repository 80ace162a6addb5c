import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Single operations of ML programs, against their definitions in Double.
@Suite("MIL operations", .tags(.files)) struct MILOperationTests {
    typealias Argument = MILProgramWriter.Argument

    /// An operation of one value with its settings, and what it computes.
    struct Function: Sendable, CustomTestStringConvertible {
        let type: String
        let settings: [(String, Argument)]
        let value: @Sendable (Double) -> Double

        var testDescription: String { type }

        init(_ type: String, _ settings: [(String, Argument)] = [], _ value: @escaping @Sendable (Double) -> Double) {
            self.type = type
            self.settings = settings
            self.value = value
        }
    }

    static let functions: [Function] = [
        Function("relu") { max(0, $0) }, Function("relu6") { min(6, max(0, $0)) },
        Function("sigmoid") { 1 / (1 + exp(-$0)) }, Function("silu") { $0 / (1 + exp(-$0)) },
        Function("tanh") { tanh($0) }, Function("softplus") { log(1 + exp($0)) },
        Function("softsign") { $0 / (1 + abs($0)) }, Function("erf") { erf($0) }, Function("exp") { exp($0) },
        Function("exp2") { exp2($0) }, Function("abs") { abs($0) }, Function("square") { $0 * $0 },
        Function("sign") { $0 > 0 ? 1 : -1 }, Function("sin") { sin($0) }, Function("cos") { cos($0) },
        Function("atan") { atan($0) }, Function("sinh") { sinh($0) }, Function("cosh") { cosh($0) },
        Function("inverse", [("epsilon", .number(0.25))]) { 1 / ($0 + 0.25) },
        Function("inverse") { 1 / ($0 + 1e-4) },
        Function("leaky_relu", [("alpha", .number(0.2))]) { $0 > 0 ? $0 : 0.2 * $0 },
        Function("elu", [("alpha", .number(0.7))]) { $0 > 0 ? $0 : 0.7 * (exp($0) - 1) },
        Function("clamped_relu", [("alpha", .number(0.1)), ("beta", .number(1.5))]) {
            min(1.5, $0 >= 0 ? $0 : 0.1 * $0)
        },
        Function("thresholded_relu", [("alpha", .number(0.75))]) { $0 >= 0.75 ? $0 : 0 },
        Function("threshold", [("alpha", .number(-0.5))]) { max(-0.5, $0) },
        Function("clip", [("alpha", .number(-0.5)), ("beta", .number(0.9))]) { min(0.9, max(-0.5, $0)) },
        Function("sigmoid_hard", [("alpha", .number(0.3)), ("beta", .number(0.4))]) { min(1, max(0, 0.3 * $0 + 0.4)) },
        Function("linear_activation", [("alpha", .number(2)), ("beta", .number(-0.3))]) { 2 * $0 - 0.3 },
        Function("scaled_tanh", [("alpha", .number(1.7)), ("beta", .number(0.6))]) { 1.7 * tanh(0.6 * $0) },
        Function("gelu", [("mode", .text("EXACT"))]) { $0 * (1 + erf($0 / 2.0.squareRoot())) / 2 },
        Function("gelu", [("mode", .text("TANH_APPROXIMATION"))]) { x in
            let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            return 0.5 * x * (1 + tanh(inner))
        },
        Function("gelu", [("mode", .text("SIGMOID_APPROXIMATION"))]) { $0 / (1 + exp(-1.702 * $0)) },
    ]

    @Test("functions of one value", arguments: functions)
    func computes(_ function: Function) throws {
        let folder = try TemporaryFolder()
        var file = ProgramFile()
        try file.add(function.type, [("x", .value("x"))] + function.settings, [1, 4])
        let inputs: [Float] = [-2.5, -0.375, 0.75, 2.25]
        let output = try Self.output(file.model(in: folder), inputs)
        for (input, found) in zip(inputs, output) {
            let expected = function.value(Double(input))
            #expect(abs(Double(found) - expected) <= 2e-6 * max(1, abs(expected)), "\(function.type)(\(input))")
        }
    }

    /// Functions that are only defined for numbers above 0.
    @Test(
        "functions of positive values",
        arguments: [
            Function("sqrt") { $0.squareRoot() }, Function("log") { log($0) },
            Function("log", [("epsilon", .number(0.5))]) { log($0 + 0.5) },
            Function("rsqrt") { 1 / ($0 + 1e-12).squareRoot() },
        ])
    func computesOfPositive(_ function: Function) throws {
        let folder = try TemporaryFolder()
        var file = ProgramFile()
        try file.add(function.type, [("x", .value("x"))] + function.settings, [1, 4])
        let inputs: [Float] = [0.01, 0.5, 1, 30]
        for (input, found) in zip(inputs, try Self.output(file.model(in: folder), inputs)) {
            let expected = function.value(Double(input))
            #expect(abs(Double(found) - expected) <= 1e-5 * max(1, abs(expected)), "\(function.type)(\(input))")
        }
    }

    @Test("functions of two values") func computesOfTwo() throws {
        let functions: [(String, (Double, Double) -> Double)] = [
            ("add", { $0 + $1 }), ("sub", { $0 - $1 }), ("mul", { $0 * $1 }), ("real_div", { $0 / $1 }),
            ("maximum", { max($0, $1) }), ("minimum", { min($0, $1) }), ("pow", { pow($0, $1) }),
        ]
        let (inputs, others): ([Float], [Float]) = ([0.5, 1.5, 2, 3], [2, -1.25, 0.5, 3])
        for (type, value) in functions {
            let folder = try TemporaryFolder()
            var file = ProgramFile()
            file.writer.store("c", [1, 4], others)
            try file.add(type, [("x", .value("x")), ("y", .value("c"))], [1, 4])
            let output = try Self.output(file.model(in: folder), inputs)
            for index in inputs.indices {
                let expected = value(Double(inputs[index]), Double(others[index]))
                #expect(abs(Double(output[index]) - expected) <= 1e-5 * max(1, abs(expected)), "\(type)")
            }
        }
    }

    /// Windows with every kind of padding over an image of 5x5.
    @Test(
        "paddings of windows",
        arguments: [
            ("valid", [0, 0, 0, 0], 2, [12, 14, 22, 24] as [Float]),
            ("same", [0, 0, 0, 0], 2, [6, 8, 9, 16, 18, 19, 21, 23, 24]),
            ("same", [0, 0, 0, 0], 3, [12, 14, 22, 24]),
            ("same_lower", [0, 0, 0, 0], 3, [6, 9, 21, 24]),
            ("custom", [1, 0, 0, 1], 3, [7, 9, 22, 24]),
        ])
    func pads(_ type: String, _ pad: [Int], _ stride: Int, _ expected: [Float]) throws {
        let folder = try TemporaryFolder()
        var file = ProgramFile(input: [1, 1, 5, 5])
        let settings: [(String, Argument)] = [
            ("x", .value("x")), ("kernel_sizes", .integers([3, 3])), ("strides", .integers([stride, stride])),
            ("pad_type", .text(type)), ("pad", .integers(pad)), ("ceil_mode", .flag(false)),
        ]
        try file.add("max_pool", settings, to: "p", [1, 1, 1, 1])
        try file.add("reshape", [("x", .value("p")), ("shape", .integers([1, expected.count]))], [1, expected.count])
        #expect(try Self.output(file.model(in: folder), (0..<25).map(Float.init)) == expected)
    }

    /// What each slice takes of [[0, 1, 2], [3, 4, 5]].
    @Test("parts of axes") func takesParts() throws {
        let slices: [([(String, Argument)], [Int], [Float])] = [
            ([("begin", .integers([0, 0, 1])), ("end", .integers([1, 2, 3]))], [1, 2, 2], [1, 2, 4, 5]),
            (
                [
                    ("begin", .integers([0, -1, 0])), ("end", .integers([0, 0, 0])),
                    ("end_mask", .flags([true, false, true])), ("squeeze_mask", .flags([false, true, false])),
                ], [1, 3], [3, 4, 5]
            ),
            (
                [
                    ("begin", .integers([0, 0, 0])), ("end", .integers([0, 0, 0])), ("stride", .integers([1, 1, -2])),
                    ("begin_mask", .flags([true, true, true])), ("end_mask", .flags([true, true, true])),
                ], [1, 2, 2], [2, 0, 5, 3]
            ),
        ]
        for (settings, shape, expected) in slices {
            let folder = try TemporaryFolder()
            var file = ProgramFile(input: [1, 2, 3])
            try file.add("slice_by_index", [("x", .value("x"))] + settings, to: "p", shape)
            try file.add("reshape", [("x", .value("p")), ("shape", .integers([1, -1]))], [1, expected.count])
            #expect(try Self.output(file.model(in: folder), (0..<6).map(Float.init)) == expected)
        }
    }

    @Test("layer norm along other axes than the last") func normalizesOtherAxes() throws {
        let folder = try TemporaryFolder()
        var file = ProgramFile(input: [1, 2, 3])
        file.writer.store("gamma", [2], [1, 2])
        file.writer.store("beta", [2], [0.5, 0])
        let settings: [(String, Argument)] = [
            ("x", .value("x")), ("axes", .integers([1])), ("gamma", .value("gamma")), ("beta", .value("beta")),
            ("epsilon", .number(0)),
        ]
        try file.add("layer_norm", settings, to: "n", [1, 2, 3])
        try file.add("reshape", [("x", .value("n")), ("shape", .integers([1, 6]))], [1, 6])
        // Of two numbers the larger is 1 and the smaller -1.
        let output = try Self.output(file.model(in: folder), [0, 5, 2, 4, 1, 6])
        for (found, expected) in zip(output, [-0.5, 1.5, -0.5, 2, -2, 2] as [Float]) {
            #expect(abs(found - expected) <= 1e-5)
        }
    }

    static func output(_ model: Model, _ input: [Float]) throws -> [Float] {
        try EngineRun(
            model, input: input, outputGradient: [Float](repeating: 0, count: model.classCount),
            EngineRun.Options().with {
                $0.mode = .inference
                $0.request = .input
            }
        ).output
    }
}
