import NeuralGraph

extension CoreMLExporter {
    /// Writes operators that move numbers, take some, or sum them up.
    mutating func exportStructure(_ node: ONNXNode) throws -> Bool {
        switch node.operation {
        case "Reshape": try reshape(node)
        case "Flatten":
            let x = try input(node, 0)
            let lengths = try shape(x)
            try reshape(node, x, [lengths[0], lengths.dropFirst().reduce(1, *)])
        case "Transpose": try transpose(node)
        case "Unsqueeze":
            let x = try input(node, 0)
            let axes = try integers(node, 1) ?? []
            var lengths = try shape(x)
            for axis in axes.sorted() { lengths.insert(1, at: axis) }
            try add(node, "expand_dims", [("x", .value(x)), ("axes", .integers(axes))], lengths)
        case "Shape": define(node, [1])
        case "Concat": try concat(node)
        case "Split": try split(node)
        case "Slice": try slice(node)
        case "Gather":
            let x = try input(node, 0)
            let places = try integers(node, 1) ?? []
            let axis = try node.integer("axis") ?? 0
            var lengths = try shape(x)
            lengths[axis] = places.count
            try add(
                node, "gather", [("x", .value(x)), ("indices", .integers(places)), ("axis", .integer(axis))], lengths)
        case "Expand": try expand(node)
        case "Pad": try pad(node)
        case "GlobalAveragePool":
            let x = try input(node, 0)
            let lengths = Array(try shape(x)[..<2]) + [1, 1]
            try add(
                node, "reduce_mean", [("x", .value(x)), ("axes", .integers([2, 3])), ("keep_dims", .flag(true))],
                lengths)
        case "ReduceMean", "ReduceSum", "ReduceMax": try reduce(node)
        default: return false
        }
        return true
    }

    private mutating func reshape(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        guard var target = try integers(node, 1) else { throw ONNXProblem("lacks its shape") }
        for (axis, length) in target.enumerated() where length == 0 && axis < lengths.count {
            target[axis] = lengths[axis]
        }
        if let open = target.firstIndex(of: -1) {
            let others = target.enumerated().filter { $0.offset != open }.reduce(1) { $0 * $1.element }
            target[open] = lengths.reduce(1, *) / max(1, others)
        }
        try reshape(node, x, target)
    }

    private mutating func reshape(_ node: ONNXNode, _ x: String, _ target: [Int]) throws {
        try add(node, "reshape", [("x", .value(x)), ("shape", .integers(target))], target)
    }

    private mutating func transpose(_ node: ONNXNode) throws {
        let axes = try node.integers("perm") ?? []
        // A product with a stored matrix takes it as it is.
        if let name = node.input(0), axes == [1, 0], storedShape(name)?.count == 2 {
            transposed[node.outputs[0]] = name
            return
        }
        let x = try input(node, 0)
        let lengths = try shape(x)
        try add(node, "transpose", [("x", .value(x)), ("perm", .integers(axes))], axes.map { lengths[$0] })
    }

    private mutating func concat(_ node: ONNXNode) throws {
        if node.inputs.allSatisfy(isKnown) {
            return define(node, try node.inputs.indices.flatMap { try integers(node, $0) ?? [] })
        }
        let axis = try node.integer("axis") ?? 0
        let inputs = try node.inputs.indices.map { try input(node, $0) }
        var lengths = try shape(inputs[0])
        lengths[axis] = try inputs.reduce(0) { try $0 + shape($1)[axis] }
        try add(
            node, "concat", [("values", .values(inputs)), ("axis", .integer(axis)), ("interleave", .flag(false))],
            lengths)
    }

    /// One slice for each part: the program's operations have one value each here.
    private mutating func split(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        let axis = try node.integer("axis") ?? 0
        guard let sizes = try integers(node, 1), sizes.count == node.outputs.count else {
            throw ONNXProblem("lacks the lengths of its parts")
        }
        var start = 0
        for (size, output) in zip(sizes, node.outputs) {
            try slice(x, lengths, axis: axis, start: start, end: start + size, step: 1, to: output)
            start += size
        }
    }

    private mutating func slice(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let settings = try (1...4).map { try integers(node, $0)?.first ?? 1 }
        try slice(
            x, try shape(x), axis: settings[2], start: settings[0], end: settings[1], step: settings[3],
            to: node.outputs[0])
    }

    private mutating func slice(
        _ x: String, _ lengths: [Int], axis: Int, start: Int, end: Int, step: Int, to output: String
    ) throws {
        var result = lengths
        let last = end < 0 ? -1 : min(end, lengths[axis])
        result[axis] = step > 0 ? (last - start + step - 1) / step : (start - last - step - 1) / -step
        let axes = lengths.indices
        let arguments: [(String, Argument)] = [
            ("x", .value(x)), ("begin", .integers(axes.map { $0 == axis ? start : 0 })),
            ("end", .integers(axes.map { $0 == axis ? max(0, last) : lengths[$0] })),
            ("stride", .integers(axes.map { $0 == axis ? step : 1 })),
            ("begin_mask", .flags(axes.map { $0 != axis })),
            ("end_mask", .flags(axes.map { $0 != axis || end < 0 })),
        ]
        try writer.add("slice_by_index", arguments, to: output, ValueType(shape: result))
    }

    /// Repeats axes of length 1.
    private mutating func expand(_ node: ONNXNode) throws {
        var x = try input(node, 0)
        guard let target = try integers(node, 1) else { throw ONNXProblem("lacks its shape") }
        var lengths = try shape(x)
        if lengths.count < target.count {
            lengths = [Int](repeating: 1, count: target.count - lengths.count) + lengths
            x = try part(node, "padded", "reshape", [("x", .value(x)), ("shape", .integers(lengths))], lengths)
        }
        let repetitions = zip(lengths, target).map { $0 == 1 ? $1 : 1 }
        try add(
            node, "tile", [("x", .value(x)), ("reps", .integers(repetitions))],
            zip(lengths, repetitions).map { $0 * $1 })
    }

    private mutating func pad(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        let pads = try integers(node, 1) ?? []
        let count = lengths.count
        let mode =
            switch try node.text("mode") ?? "constant" {
            case "edge": "replicate"
            case let other: other
            }
        let pairs = (0..<count).flatMap { [pads[$0], pads[$0 + count]] }
        let arguments: [(String, Argument)] = [
            ("x", .value(x)), ("pad", .integers(pairs)), ("mode", .text(mode)),
            ("constant_val", .number(try number(node, 2) ?? 0)),
        ]
        try add(node, "pad", arguments, (0..<count).map { lengths[$0] + pads[$0] + pads[$0 + count] })
    }

    private mutating func reduce(_ node: ONNXNode) throws {
        let x = try input(node, 0)
        let lengths = try shape(x)
        let axes = try (node.integers("axes") ?? integers(node, 1) ?? []).map { $0 < 0 ? $0 + lengths.count : $0 }
        let keeps = try node.integer("keepdims") ?? 1 == 1
        let operations = ["ReduceMean": "reduce_mean", "ReduceSum": "reduce_sum", "ReduceMax": "reduce_max"]
        let result = lengths.enumerated().compactMap { axis, length in
            axes.contains(axis) ? (keeps ? 1 : nil) : length
        }
        try add(
            node, operations[node.operation] ?? "",
            [
                ("x", .value(x)), ("axes", .integers(axes)), ("keep_dims", .flag(keeps)),
            ], result)
    }
}
