import NeuralGraph

extension CoreMLExporter {
    typealias ValueType = MILProgramWriter.ValueType
    typealias Argument = MILProgramWriter.Argument

    /// Writes one of ONNX's nodes as one or several operations.
    mutating func export(_ node: ONNXNode) throws {
        if let operation = Self.unary[node.operation] { return try elementwise(node, operation) }
        if let operation = Self.binary[node.operation] { return try arithmetic(node, operation) }
        guard
            try exportWindow(node) || exportLayer(node) || exportFunction(node) || exportComparison(node)
                || exportStructure(node)
        else {
            throw ONNXProblem("has no counterpart in Core ML here; write safetensors or ONNX instead")
        }
    }

    /// Adds an operation that gives a node's value.
    mutating func add(
        _ node: ONNXNode, _ operation: String, _ arguments: [(String, Argument)], _ shape: [Int],
        element: MILDataType = .float32
    ) throws {
        try writer.add(operation, arguments, to: node.outputs[0], ValueType(element: element, shape: shape))
    }

    /// Adds an operation between others.
    /// - Returns: its value's name.
    mutating func part(
        _ node: ONNXNode, _ suffix: String, _ operation: String, _ arguments: [(String, Argument)], _ shape: [Int],
        element: MILDataType = .float32
    ) throws -> String {
        let name = "\(node.outputs[0]).\(suffix)"
        try writer.add(operation, arguments, to: name, ValueType(element: element, shape: shape))
        return name
    }

    func shape(_ name: String) throws -> [Int] { try writer.type(name).shape }

    // MARK: Elementwise

    private static let unary = [
        "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Erf": "erf", "Softplus": "softplus", "Exp": "exp",
        "Sqrt": "sqrt", "Abs": "abs", "Swish": "silu", "Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin",
        "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Atanh": "atanh", "Sign": "sign",
        "Floor": "floor", "Ceil": "ceil", "Round": "round", "Identity": "identity",
    ]

    private static let binary = [
        "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "real_div", "Pow": "pow", "Max": "maximum",
        "Min": "minimum",
    ]

    private mutating func elementwise(_ node: ONNXNode, _ operation: String) throws {
        let x = try input(node, 0)
        try add(node, operation, [("x", .value(x))], shape(x))
    }

    private mutating func arithmetic(_ node: ONNXNode, _ operation: String) throws {
        let (x, y) = (try input(node, 0), try input(node, 1))
        try add(node, operation, [("x", .value(x)), ("y", .value(y))], broadcast(x, y))
    }

    /// The shape of two values that broadcast.
    func broadcast(_ x: String, _ y: String) throws -> [Int] {
        guard let shape = broadcastShape([try shape(x), try shape(y)]) else {
            throw ONNXProblem("joins \(try shape(x)) and \(try shape(y)), which do not fit each other")
        }
        return shape
    }

    // MARK: Windows

    private mutating func exportWindow(_ node: ONNXNode) throws -> Bool {
        switch node.operation {
        case "Conv": try convolution(node)
        case "MaxPool": try pool(node, "max_pool", [])
        case "AveragePool":
            let excludes = try node.integer("count_include_pad") ?? 0 == 0
            try pool(node, "avg_pool", [("exclude_padding_from_average", .flag(excludes))])
        case "Resize": try resize(node)
        default: return false
        }
        return true
    }

    /// The settings of a window, and the lengths that it leaves.
    private func window(
        _ node: ONNXNode, kernel: [Int], lengths: [Int], roundsUp: Bool
    ) throws -> (arguments: [(String, Argument)], lengths: [Int]) {
        let strides = try node.integers("strides") ?? [1, 1]
        let pads = try node.integers("pads") ?? [0, 0, 0, 0]
        let dilations = try node.integers("dilations") ?? [1, 1]
        let result = (0..<2).map { axis -> Int in
            let reach = dilations[axis] * (kernel[axis] - 1) + 1
            let room = lengths[axis] + pads[axis] + pads[axis + 2] - reach
            guard roundsUp else { return room / strides[axis] + 1 }
            let count = (room + strides[axis] - 1) / strides[axis] + 1
            // The last window begins inside the image or the padding in front of it.
            return (count - 1) * strides[axis] >= lengths[axis] + pads[axis] ? count - 1 : count
        }
        let arguments: [(String, Argument)] = [
            ("strides", .integers(strides)), ("pad_type", .text("custom")),
            ("pad", .integers([pads[0], pads[2], pads[1], pads[3]])),
        ]
        return (arguments, result)
    }

    private mutating func convolution(_ node: ONNXNode) throws {
        let (x, weight) = (try input(node, 0), try input(node, 1))
        let (lengths, kernel) = (try shape(x), try shape(weight))
        let window = try window(node, kernel: Array(kernel[2...]), lengths: Array(lengths[2...]), roundsUp: false)
        var arguments: [(String, Argument)] = [("x", .value(x)), ("weight", .value(weight))]
        if node.input(2) != nil { arguments.append(("bias", .value(try input(node, 2)))) }
        arguments += window.arguments
        arguments.append(("dilations", .integers(try node.integers("dilations") ?? [1, 1])))
        arguments.append(("groups", .integer(try node.integer("group") ?? 1)))
        try add(node, "conv", arguments, [1, kernel[0]] + window.lengths)
    }

    private mutating func pool(_ node: ONNXNode, _ operation: String, _ own: [(String, Argument)]) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        let kernel = try node.integers("kernel_shape") ?? [1, 1]
        let roundsUp = try node.integer("ceil_mode") ?? 0 == 1
        let window = try window(node, kernel: kernel, lengths: Array(lengths[2...]), roundsUp: roundsUp)
        let arguments: [(String, Argument)] =
            [("x", .value(x)), ("kernel_sizes", .integers(kernel))] + window.arguments + own
            + [("ceil_mode", .flag(roundsUp))]
        try add(node, operation, arguments, Array(lengths[..<2]) + window.lengths)
    }

    private mutating func resize(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        let sizes: [Int]
        if let given = try integers(node, 3) {
            sizes = given
        } else {
            guard let name = node.input(2), let scales = try floats(name), scales.count == 4 else {
                throw ONNXProblem("lacks its scales")
            }
            sizes = zip(lengths, scales).map { Int(Float($0) * $1) }
        }
        let arguments: [(String, Argument)]
        let isMultiple = sizes[2] % lengths[2] == 0 && sizes[3] % lengths[3] == 0
        if isMultiple {
            arguments = [
                ("x", .value(x)), ("scale_factor_height", .integer(sizes[2] / lengths[2])),
                ("scale_factor_width", .integer(sizes[3] / lengths[3])),
            ]
        } else {
            arguments = [
                ("x", .value(x)), ("target_size_height", .integer(sizes[2])),
                ("target_size_width", .integer(sizes[3])),
            ]
        }
        let operation = isMultiple ? "upsample_nearest_neighbor" : "resize_nearest_neighbor"
        try add(node, operation, arguments, Array(lengths[..<2]) + sizes[2...])
    }

    // MARK: Layers

    private mutating func exportLayer(_ node: ONNXNode) throws -> Bool {
        switch node.operation {
        case "Gemm":
            var arguments: [(String, Argument)] = [
                ("x", .value(try input(node, 0))), ("weight", .value(try input(node, 1))),
            ]
            if node.input(2) != nil { arguments.append(("bias", .value(try input(node, 2)))) }
            let outputs = try shape(try input(node, 1))[0]
            try add(node, "linear", arguments, shape(try input(node, 0)).dropLast() + [outputs])
        case "MatMul": try product(node)
        case "BatchNormalization":
            let x = try input(node, 0)
            let names = ["gamma", "beta", "mean", "variance"]
            var arguments: [(String, Argument)] = [("x", .value(x))]
            for (index, name) in names.enumerated() { arguments.append((name, .value(try input(node, index + 1)))) }
            arguments.append(("epsilon", .number(try node.float("epsilon") ?? 1e-5)))
            try add(node, "batch_norm", arguments, shape(x))
        case "InstanceNormalization", "LayerNormalization":
            let x = try input(node, 0)
            var arguments: [(String, Argument)] = [("x", .value(x)), ("gamma", .value(try input(node, 1)))]
            if node.input(2) != nil { arguments.append(("beta", .value(try input(node, 2)))) }
            if node.operation == "LayerNormalization" { arguments.append(("axes", .integers([-1]))) }
            arguments.append(("epsilon", .number(try node.float("epsilon") ?? 1e-5)))
            try add(node, node.operation == "LayerNormalization" ? "layer_norm" : "instance_norm", arguments, shape(x))
        case "Softmax":
            let x = try input(node, 0)
            try add(node, "softmax", [("x", .value(x)), ("axis", .integer(try node.integer("axis") ?? -1))], shape(x))
        case "LogSoftmax":
            let x = try input(node, 0)
            let axis = try node.integer("axis") ?? -1
            var lengths = try shape(x)
            lengths[axis < 0 ? axis + lengths.count : axis] = 1
            let total = try part(
                node, "total", "reduce_log_sum_exp",
                [("x", .value(x)), ("axes", .integers([axis])), ("keep_dims", .flag(true))], lengths)
            try add(node, "sub", [("x", .value(x)), ("y", .value(total))], shape(x))
        default: return false
        }
        return true
    }

    private mutating func product(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        if let second = node.input(1), let matrix = transposed[second] {
            let weight = try stored(matrix)
            let outputs = try shape(weight)[0]
            return try add(
                node, "linear", [("x", .value(x)), ("weight", .value(weight))], lengths.dropLast() + [outputs])
        }
        let y = try input(node, 1)
        let others = try shape(y)
        guard lengths.count >= 2, others.count >= 2,
            let front = broadcastShape([Array(lengths.dropLast(2)), Array(others.dropLast(2))])
        else {
            throw ONNXProblem("multiplies \(lengths) by \(others), which do not fit each other")
        }
        let arguments: [(String, Argument)] = [
            ("x", .value(x)), ("y", .value(y)), ("transpose_x", .flag(false)), ("transpose_y", .flag(false)),
        ]
        try add(node, "matmul", arguments, front + [lengths[lengths.count - 2], others[others.count - 1]])
    }
}
