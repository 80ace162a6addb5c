import ModelFiles
import NeuralGraph

/// How one kind of operation is translated, and which of its parameters are read. Whatever else an operation has is an
/// error, so that no setting changes a result without a word.
struct MILRule: Sendable {
    let parameters: Set<String>
    let translate: @Sendable (inout MILTranslator, MILOperation) throws -> Void

    /// - Parameter parameters: their names with a space between.
    init(
        _ parameters: String, _ translate: @escaping @Sendable (inout MILTranslator, MILOperation) throws -> Void
    ) {
        self.parameters = Set(parameters.split(separator: " ").map(String.init))
        self.translate = translate
    }

    /// One input, elementwise.
    static func unary(_ operation: String) -> MILRule {
        MILRule("x") { translator, source in
            let x = try translator.required(source, "x")
            try translator.define(source, operation, [x])
        }
    }

    /// Two inputs, elementwise.
    static func binary(_ operation: String) -> MILRule {
        MILRule("x y") { translator, source in
            let inputs = [try translator.required(source, "x"), try translator.required(source, "y")]
            try translator.define(source, operation, inputs)
        }
    }

    /// A reduction along axes; all of them if none are named.
    static func reduction(_ operation: String) -> MILRule {
        MILRule("x axes keep_dims") { translator, source in
            var inputs = [try translator.required(source, "x")]
            if let axes = try translator.integers(source, "axes") { inputs.append(translator.graph.integers(axes)) }
            let keeps = try translator.flag(source, "keep_dims")
            try translator.define(source, operation, inputs, ["keepdims": .integer(keeps ? 1 : 0)])
        }
    }
}

extension MILTranslator {
    /// The operations by name, as coremltools' documentation of MIL describes them.
    static let rules: [String: MILRule] = windows.merging(products) { first, _ in first }
        .merging(elementwise) { first, _ in first }.merging(activations) { first, _ in first }
        .merging(structure) { first, _ in first }

    /// Adds the node that gives an operation's only value.
    mutating func define(
        _ operation: MILOperation, _ type: String, _ inputs: [String], _ attributes: [String: ONNXAttribute] = [:]
    ) throws {
        guard operation.outputs.count == 1 else {
            throw ONNXProblem(
                "\(operation.place): gives \(operation.outputs.count) values, not one; the file is damaged")
        }
        graph.add(type, inputs, to: operation.outputs.map(\.name), attributes)
    }

    private static let elementwise: [String: MILRule] = [
        "abs": .unary("Abs"), "acos": .unary("Acos"), "asin": .unary("Asin"), "atan": .unary("Atan"),
        "atanh": .unary("Atanh"), "ceil": .unary("Ceil"), "cos": .unary("Cos"), "cosh": .unary("Cosh"),
        "erf": .unary("Erf"), "exp": .unary("Exp"), "floor": .unary("Floor"), "identity": .unary("Identity"),
        "logical_not": .unary("Not"), "round": .unary("Round"), "sign": .unary("Sign"), "sin": .unary("Sin"),
        "sinh": .unary("Sinh"), "sqrt": .unary("Sqrt"), "tan": .unary("Tan"), "tanh": .unary("Tanh"),
        "add": .binary("Add"), "sub": .binary("Sub"), "mul": .binary("Mul"), "real_div": .binary("Div"),
        "pow": .binary("Pow"), "maximum": .binary("Max"), "minimum": .binary("Min"), "equal": .binary("Equal"),
        "greater": .binary("Greater"), "greater_equal": .binary("GreaterOrEqual"), "less": .binary("Less"),
        "less_equal": .binary("LessOrEqual"), "logical_and": .binary("And"), "logical_or": .binary("Or"),
        "logical_xor": .binary("Xor"),
        "not_equal": MILRule("x y") { translator, source in
            let inputs = [try translator.required(source, "x"), try translator.required(source, "y")]
            try translator.define(source, "Not", [translator.graph.add("Equal", inputs)])
        },
        "square": MILRule("x") { translator, source in
            let x = try translator.required(source, "x")
            try translator.define(source, "Mul", [x, x])
        },
        "exp2": MILRule("x") { translator, source in
            let x = try translator.required(source, "x")
            try translator.define(source, "Pow", [translator.graph.number(2), x])
        },
        "log": MILRule("x epsilon") { try $0.shifted($1, epsilon: 0, "Log") },
        "inverse": MILRule("x epsilon") { try $0.shifted($1, epsilon: 1e-4, "Reciprocal") },
        "rsqrt": MILRule("x epsilon") { translator, source in
            let x = try translator.withEpsilon(source, 1e-12)
            try translator.define(source, "Reciprocal", [translator.graph.add("Sqrt", [x])])
        },
        "clip": MILRule("x alpha beta") { translator, source in
            let inputs = try ["x", "alpha", "beta"].map { try translator.required(source, $0) }
            try translator.define(source, "Clip", inputs)
        },
        "threshold": MILRule("x alpha") { translator, source in
            let inputs = try ["x", "alpha"].map { try translator.required(source, $0) }
            try translator.define(source, "Max", inputs)
        },
        "select": MILRule("cond a b") { translator, source in
            let inputs = try ["cond", "a", "b"].map { try translator.required(source, $0) }
            try translator.define(source, "Where", inputs)
        },
        "cast": MILRule("x dtype") { translator, source in
            let name = try translator.text(source, "dtype") ?? ""
            guard let type = MILDataType(castName: name)?.scalarType else {
                throw ONNXProblem("\(source.place): casts to \(quoted(name)), which is not supported")
            }
            try translator.define(
                source, "Cast", [try translator.required(source, "x")], ["to": .integer(type.rawValue)])
        },
        "constexpr_cast": MILRule("source_val output_dtype") { translator, source in
            try translator.define(
                source, "Cast", [try translator.required(source, "source_val")],
                ["to": .integer(ONNXScalarType.float32.rawValue)])
        },
    ]

    /// A function of the input plus a small number.
    private mutating func shifted(_ source: MILOperation, epsilon: Float, _ operation: String) throws {
        let x = try withEpsilon(source, epsilon)
        try define(source, operation, [x])
    }

    private mutating func withEpsilon(_ source: MILOperation, _ standard: Float) throws -> String {
        let x = try required(source, "x")
        let epsilon = try number(source, "epsilon") ?? standard
        // Below the smallest normal number it is there for 0 alone.
        guard abs(epsilon) >= .leastNormalMagnitude else { return x }
        return graph.add("Add", [x, graph.number(epsilon)])
    }

    private static let activations: [String: MILRule] = [
        "relu": .unary("Relu"), "sigmoid": .unary("Sigmoid"), "softsign": .unary("Softsign"),
        "softplus": .unary("Softplus"), "silu": .unary("Swish"),
        "relu6": MILRule("x") { translator, source in
            let x = try translator.required(source, "x")
            try translator.define(source, "Clip", [x, translator.graph.number(0), translator.graph.number(6)])
        },
        "leaky_relu": MILRule("x alpha") { translator, source in
            let alpha = try translator.number(source, "alpha") ?? 0.01
            try translator.define(
                source, "LeakyRelu", [try translator.required(source, "x")], ["alpha": .float(alpha)])
        },
        // x from alpha on, where ONNX has x above it.
        "thresholded_relu": MILRule("x alpha") { translator, source in
            let alpha = try translator.number(source, "alpha") ?? 1
            try translator.define(
                source, "ThresholdedRelu", [try translator.required(source, "x")], ["alpha": .float(alpha.nextDown)])
        },
        "elu": MILRule("x alpha") { translator, source in
            let alpha = try translator.number(source, "alpha") ?? 1
            try translator.define(source, "Elu", [try translator.required(source, "x")], ["alpha": .float(alpha)])
        },
        "clamped_relu": MILRule("x alpha beta") { translator, source in
            let (alpha, beta) = (
                try translator.number(source, "alpha") ?? 1, try translator.number(source, "beta") ?? 1
            )
            let x = try translator.required(source, "x")
            let rectified = translator.graph.add("LeakyRelu", [x], ["alpha": .float(alpha)])
            try translator.define(source, "Min", [rectified, translator.graph.number(beta)])
        },
        "sigmoid_hard": MILRule("x alpha beta") { translator, source in
            let alpha = try translator.number(source, "alpha") ?? 0.2
            let beta = try translator.number(source, "beta") ?? 0.5
            try translator.define(
                source, "HardSigmoid", [try translator.required(source, "x")],
                ["alpha": .float(alpha), "beta": .float(beta)])
        },
        "linear_activation": MILRule("x alpha beta") { translator, source in
            let (alpha, beta) = (
                try translator.number(source, "alpha") ?? 1, try translator.number(source, "beta") ?? 0
            )
            let x = try translator.required(source, "x")
            let scaled = translator.graph.add("Mul", [x, translator.graph.number(alpha)])
            try translator.define(source, "Add", [scaled, translator.graph.number(beta)])
        },
        "scaled_tanh": MILRule("x alpha beta") { translator, source in
            let (alpha, beta) = (
                try translator.number(source, "alpha") ?? 1, try translator.number(source, "beta") ?? 1
            )
            let x = try translator.required(source, "x")
            let inner = translator.graph.add("Mul", [x, translator.graph.number(beta)])
            let curve = translator.graph.add("Tanh", [inner])
            try translator.define(source, "Mul", [curve, translator.graph.number(alpha)])
        },
        "prelu": MILRule("x alpha") { translator, source in
            let (x, alpha) = (try translator.required(source, "x"), try translator.required(source, "alpha"))
            let slope = try translator.acrossChannels(alpha, rank: translator.rank(source, "x"))
            try translator.define(source, "PRelu", [x, slope])
        },
        "gelu": MILRule("x mode") { translator, source in
            let x = try translator.required(source, "x")
            try translator.gelu(x, mode: try translator.text(source, "mode") ?? "EXACT", source)
        },
    ]

    /// A number for each channel, in the shape that broadcasts along the second axis.
    mutating func acrossChannels(_ name: String, rank: Int) -> String {
        guard rank > 2 else { return name }
        return graph.add("Reshape", [name, graph.integers([-1] + [Int](repeating: 1, count: rank - 2))])
    }

    private mutating func gelu(_ x: String, mode: String, _ source: MILOperation) throws {
        switch mode {
        case "EXACT": try define(source, "Gelu", [x], ["approximate": .text("none")])
        case "TANH_APPROXIMATION": try define(source, "Gelu", [x], ["approximate": .text("tanh")])
        case "SIGMOID_APPROXIMATION":
            let gate = graph.add("Sigmoid", [graph.add("Mul", [x, graph.number(1.702)])])
            try define(source, "Mul", [x, gate])
        default: throw ONNXProblem("\(source.place): has the mode \(quoted(mode)), which is not known")
        }
    }
}
