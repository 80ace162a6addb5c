import NeuralGraph

extension CoreMLExporter {
    /// Writes functions of one value that are not one operation, or have settings.
    mutating func exportFunction(_ node: ONNXNode) throws -> Bool {
        guard let kind = Function(rawValue: node.operation) else { return false }
        let x = try input(node, 0)
        let shape = try shape(x)
        switch kind {
        case .gelu:
            let isTanh = try node.text("approximate") == "tanh"
            try add(
                node, "gelu", [("x", .value(x)), ("mode", .text(isTanh ? "TANH_APPROXIMATION" : "EXACT"))], shape)
        case .clip:
            let low = try number(node, 1) ?? -.greatestFiniteMagnitude
            let high = try number(node, 2) ?? .greatestFiniteMagnitude
            try add(node, "clip", [("x", .value(x)), ("alpha", .number(low)), ("beta", .number(high))], shape)
        case .leakyRelu, .elu:
            let standard: Float = kind == .elu ? 1 : 0.01
            try add(
                node, kind == .elu ? "elu" : "leaky_relu",
                [("x", .value(x)), ("alpha", .number(try node.float("alpha") ?? standard))], shape)
        case .hardSigmoid:
            let (alpha, beta) = (try node.float("alpha") ?? 0.2, try node.float("beta") ?? 0.5)
            try add(
                node, "sigmoid_hard", [("x", .value(x)), ("alpha", .number(alpha)), ("beta", .number(beta))], shape)
        case .hardSwish:
            let gate = try part(
                node, "gate", "sigmoid_hard", [("x", .value(x)), ("alpha", .number(1.0 / 6)), ("beta", .number(0.5))],
                shape)
            try add(node, "mul", [("x", .value(x)), ("y", .value(gate))], shape)
        case .log: try add(node, "log", [("x", .value(x)), ("epsilon", .number(0))], shape)
        case .reciprocal: try add(node, "real_div", [("x", .number(1)), ("y", .value(x))], shape)
        case .negation: try add(node, "mul", [("x", .value(x)), ("y", .number(-1))], shape)
        case .dropout: writer.alias(node.outputs[0], x)
        case .prelu: try prelu(node, x, shape)
        case .asinh, .acosh: try inverseHyperbolic(node, x, shape, shift: kind == .asinh ? 1 : -1)
        case .thresholded:
            let above = try truth(node, "above", "greater", x, .number(try node.float("alpha") ?? 1), shape)
            try add(node, "mul", [("x", .value(x)), ("y", .value(above))], shape)
        case .shrink: try shrink(node, x, shape)
        }
        return true
    }

    /// The operators that ``exportFunction(_:)`` writes.
    private enum Function: String {
        case gelu = "Gelu"
        case clip = "Clip"
        case leakyRelu = "LeakyRelu"
        case elu = "Elu"
        case hardSigmoid = "HardSigmoid"
        case hardSwish = "HardSwish"
        case log = "Log"
        case reciprocal = "Reciprocal"
        case negation = "Neg"
        case dropout = "Dropout"
        case prelu = "PRelu"
        case asinh = "Asinh"
        case acosh = "Acosh"
        case thresholded = "ThresholdedRelu"
        case shrink = "Shrink"
    }

    /// relu(x) - slope relu(-x), with slopes of any shape.
    private mutating func prelu(_ node: ONNXNode, _ x: String, _ shape: [Int]) throws {
        let slope = try input(node, 1)
        let above = try part(node, "above", "relu", [("x", .value(x))], shape)
        let opposite = try part(node, "opposite", "mul", [("x", .value(x)), ("y", .number(-1))], shape)
        let below = try part(node, "below", "relu", [("x", .value(opposite))], shape)
        let scaled = try part(node, "scaled", "mul", [("x", .value(below)), ("y", .value(slope))], shape)
        try add(node, "sub", [("x", .value(above)), ("y", .value(scaled))], shape)
    }

    /// log(x + sqrt(x² + shift))
    private mutating func inverseHyperbolic(_ node: ONNXNode, _ x: String, _ shape: [Int], shift: Float) throws {
        let square = try part(node, "square", "mul", [("x", .value(x)), ("y", .value(x))], shape)
        let shifted = try part(node, "shifted", "add", [("x", .value(square)), ("y", .number(shift))], shape)
        let root = try part(node, "root", "sqrt", [("x", .value(shifted))], shape)
        let sum = try part(node, "sum", "add", [("x", .value(x)), ("y", .value(root))], shape)
        try add(node, "log", [("x", .value(sum)), ("epsilon", .number(0))], shape)
    }

    /// (x - bias sign x) where |x| is above the threshold, and 0 elsewhere.
    private mutating func shrink(_ node: ONNXNode, _ x: String, _ shape: [Int]) throws {
        let (threshold, bias) = (try node.float("lambd") ?? 0.5, try node.float("bias") ?? 0)
        let size = try part(node, "size", "abs", [("x", .value(x))], shape)
        let above = try truth(node, "above", "greater", size, .number(threshold), shape)
        let sign = try part(node, "sign", "sign", [("x", .value(x))], shape)
        let step = try part(node, "step", "mul", [("x", .value(sign)), ("y", .number(bias))], shape)
        let moved = try part(node, "moved", "sub", [("x", .value(x)), ("y", .value(step))], shape)
        try add(node, "mul", [("x", .value(moved)), ("y", .value(above))], shape)
    }

    /// A comparison as 0 or 1.
    private mutating func truth(
        _ node: ONNXNode, _ suffix: String, _ operation: String, _ x: String, _ y: Argument, _ shape: [Int]
    ) throws -> String {
        let truth = try part(
            node, suffix + "_truth", operation, [("x", .value(x)), ("y", y)], shape, element: .bool)
        return try part(node, suffix, "cast", [("x", .value(truth)), ("dtype", .text("fp32"))], shape)
    }

    /// Writes comparisons, and what is chosen by them.
    mutating func exportComparison(_ node: ONNXNode) throws -> Bool {
        switch node.operation {
        case "Greater", "Equal":
            let (x, y) = (try input(node, 0), try input(node, 1))
            try add(
                node, node.operation == "Greater" ? "greater" : "equal", [("x", .value(x)), ("y", .value(y))],
                broadcast(x, y), element: .bool)
        case "IsNaN":
            let x = try input(node, 0)
            try add(node, "not_equal", [("x", .value(x)), ("y", .value(x))], shape(x), element: .bool)
        case "IsInf":
            let x = try input(node, 0)
            let size = try part(node, "size", "abs", [("x", .value(x))], shape(x))
            try add(node, "equal", [("x", .value(size)), ("y", .number(.infinity))], shape(x), element: .bool)
        case "Cast":
            let x = try input(node, 0)
            let isBool = try node.integer("to") == ONNXScalarType.bool.rawValue
            try add(
                node, "cast", [("x", .value(x)), ("dtype", .text(isBool ? "bool" : "fp32"))], shape(x),
                element: isBool ? .bool : .float32)
        case "Where":
            let (condition, first, second) = (try input(node, 0), try input(node, 1), try input(node, 2))
            guard
                let shape = broadcastShape([try shape(condition), try shape(first), try shape(second)])
            else { throw ONNXProblem("chooses between shapes that do not fit each other") }
            try add(
                node, "select", [("cond", .value(condition)), ("a", .value(first)), ("b", .value(second))], shape)
        default: return false
        }
        return true
    }
}
