import ModelFiles
import NeuralGraph

/// Operations that move numbers, take some, or join several.
extension MILTranslator {
    static let structure: [String: MILRule] = [
        "reshape": MILRule("x shape") { translator, source in
            let inputs = [try translator.required(source, "x"), try translator.required(source, "shape")]
            try translator.define(source, "Reshape", inputs)
        },
        "transpose": MILRule("x perm") { translator, source in
            let rank = try translator.rank(source, "x")
            let axes = try (translator.integers(source, "perm") ?? []).map { $0 < 0 ? $0 + rank : $0 }
            try translator.define(
                source, "Transpose", [try translator.required(source, "x")], ["perm": .integers(axes)])
        },
        "squeeze": MILRule("x axes") { try $0.withAxes($1, "Squeeze") },
        "expand_dims": MILRule("x axes") { try $0.withAxes($1, "Unsqueeze") },
        "flatten2d": MILRule("x axis") { translator, source in
            let axis = try translator.integer(source, "axis") ?? 1
            try translator.define(source, "Flatten", [try translator.required(source, "x")], ["axis": .integer(axis)])
        },
        "concat": MILRule("values axis interleave") { translator, source in
            guard let axis = try translator.integer(source, "axis") else {
                throw ONNXProblem("\(source.place): lacks its axis; the file is damaged")
            }
            let values = try translator.names(source, "values")
            guard try translator.flag(source, "interleave") else {
                return try translator.define(source, "Concat", values, ["axis": .integer(axis)])
            }
            translator.graph.interleave(values, axis: axis, to: source.outputs.map(\.name))
        },
        "stack": MILRule("values axis") { translator, source in
            let axis = try translator.integer(source, "axis") ?? 0
            let place = translator.graph.integers([axis])
            let rows = try translator.names(source, "values").map { translator.graph.add("Unsqueeze", [$0, place]) }
            try translator.define(source, "Concat", rows, ["axis": .integer(axis)])
        },
        "split": MILRule("x num_splits split_sizes axis") { try $0.split($1) },
        "slice_by_index": MILRule("x begin end stride begin_mask end_mask squeeze_mask") { try $0.slice($1) },
        "slice_by_size": MILRule("x begin size") { translator, source in
            let begin = try translator.integers(source, "begin") ?? []
            let size = try translator.integers(source, "size") ?? []
            guard begin.count == size.count, (begin + size).allSatisfy({ abs($0) <= Int(Int32.max) }) else {
                throw ONNXProblem("\(source.place): has a beginning and a size that do not fit each other")
            }
            let end = zip(begin, size).map { $1 < 0 ? Int(Int32.max) : $0 + $1 }
            let settings = [begin, end, Array(begin.indices)].map { translator.graph.integers($0) }
            try translator.define(source, "Slice", [try translator.required(source, "x")] + settings)
        },
        "gather": MILRule("x indices axis batch_dims validate_indices") { translator, source in
            guard try translator.integer(source, "batch_dims") ?? 0 == 0 else {
                throw ONNXProblem("\(source.place): takes entries by example, which is not supported")
            }
            let inputs = [try translator.required(source, "x"), try translator.required(source, "indices")]
            let axis = try translator.integer(source, "axis") ?? 0
            try translator.define(source, "Gather", inputs, ["axis": .integer(axis)])
        },
        "tile": MILRule("x reps") { translator, source in
            let inputs = [try translator.required(source, "x"), try translator.required(source, "reps")]
            // The engine's tables of repetitions are 64-bit.
            let repetitions = translator.graph.add("Cast", [inputs[1]], ["to": .integer(ONNXScalarType.int64.rawValue)])
            try translator.define(source, "Tile", [inputs[0], repetitions])
        },
        "shape": .unary("Shape"),
        "pad": MILRule("x pad mode constant_val") { try $0.pad($1) },
    ]

    private mutating func withAxes(_ source: MILOperation, _ operation: String) throws {
        var inputs = [try required(source, "x")]
        if let axes = try integers(source, "axes") { inputs.append(graph.integers(axes)) }
        try define(source, operation, inputs)
    }

    private mutating func split(_ source: MILOperation) throws {
        var inputs = [try required(source, "x")]
        var attributes: [String: ONNXAttribute] = ["axis": .integer(try integer(source, "axis") ?? 0)]
        if let sizes = try integers(source, "split_sizes") {
            inputs.append(graph.integers(sizes))
        } else {
            attributes["num_outputs"] = .integer(try integer(source, "num_splits") ?? 0)
        }
        graph.add("Split", inputs, to: source.outputs.map(\.name), attributes)
    }

    private mutating func slice(_ source: MILOperation) throws {
        guard let begin = try integers(source, "begin"), let end = try integers(source, "end"),
            begin.count == end.count
        else {
            throw ONNXProblem("\(source.place): lacks its beginning or its end; the file is damaged")
        }
        let count = begin.count
        func list(_ parameter: String, _ standard: Int) throws -> [Int] {
            let values = try integers(source, parameter) ?? [Int](repeating: standard, count: count)
            guard values.count == count else {
                throw ONNXProblem("\(source.place): has a \(parameter) of \(values.count) numbers for \(count) axes")
            }
            return values
        }
        let bounds = SliceBounds(
            begin: begin, end: end, steps: try list("stride", 1), beginMask: try list("begin_mask", 0),
            endMask: try list("end_mask", 0), squeezeMask: try list("squeeze_mask", 0))
        graph.slice(try required(source, "x"), bounds, to: source.outputs.map(\.name))
    }

    private mutating func pad(_ source: MILOperation) throws {
        guard let pairs = try integers(source, "pad"), pairs.count % 2 == 0 else {
            throw ONNXProblem("\(source.place): lacks its pad; the file is damaged")
        }
        let mode: String
        switch try text(source, "mode") ?? "constant" {
        case "constant": mode = "constant"
        case "reflect": mode = "reflect"
        case "replicate": mode = "edge"
        case let other: throw ONNXProblem("\(source.place): pads by \(quoted(other)), which is not known")
        }
        let value = graph.number(try number(source, "constant_val") ?? 0)
        // The pairs are those of the last axes.
        let axes = (0..<(pairs.count / 2)).map { $0 - pairs.count / 2 }
        let inputs = [
            try required(source, "x"), graph.integers(Self.pads(pairs)), mode == "constant" ? value : "",
            graph.integers(axes),
        ]
        try define(source, "Pad", inputs, ["mode": .text(mode)])
    }
}

/// Which part of each axis a slice takes, as Core ML has it.
struct SliceBounds {
    let begin: [Int]
    let end: [Int]
    let steps: [Int]
    /// 1 where the slice begins at the axis's end that the steps lead away from.
    let beginMask: [Int]
    /// 1 where the slice ends at the axis's other end.
    let endMask: [Int]
    /// 1 where one entry is taken and the axis goes away.
    let squeezeMask: [Int]
}

extension TranslatedGraph {
    /// Joins values so that their entries take turns along an axis, as channel shuffles are written.
    mutating func interleave(_ values: [String], axis: Int, to outputs: [String]) {
        // A negative axis counts from the end, behind which the new one comes as well.
        let place = axis < 0 ? axis : axis + 1
        let position = integers([place])
        let rows = values.map { add("Unsqueeze", [$0, position]) }
        let stacked = add("Concat", rows, ["axis": .integer(place)])
        let joined = add("Concat", values, ["axis": .integer(axis)])
        add("Reshape", [stacked, add("Shape", [joined])], to: outputs)
    }

    /// Takes a part of each axis.
    mutating func slice(_ x: String, _ bounds: SliceBounds, to outputs: [String]) {
        let furthest = Int(Int32.max)
        var (starts, ends, axes, steps): ([Int], [Int], [Int], [Int]) = ([], [], [], [])
        for axis in bounds.begin.indices {
            let isSqueezed = bounds.squeezeMask[axis] != 0
            let step = isSqueezed ? 1 : bounds.steps[axis]
            let begin = bounds.begin[axis]
            var (start, end) = (begin, bounds.end[axis])
            if isSqueezed {
                end = begin == -1 ? furthest : begin &+ 1
            } else {
                if bounds.beginMask[axis] != 0 { start = step < 0 ? furthest : 0 }
                if bounds.endMask[axis] != 0 { end = step < 0 ? -furthest : furthest }
            }
            // Whole axes, among them that of the examples, need no part.
            if start == 0, end == furthest, step == 1 { continue }
            starts.append(start)
            ends.append(end)
            axes.append(axis)
            steps.append(step)
        }
        let squeezed = bounds.squeezeMask.indices.filter { bounds.squeezeMask[$0] != 0 }
        let settings = axes.isEmpty ? [] : [starts, ends, axes, steps].map { integers($0) }
        let operation = axes.isEmpty ? "Identity" : "Slice"
        guard !squeezed.isEmpty else { return add(operation, [x] + settings, to: outputs) }
        let part = add(operation, [x] + settings)
        add("Squeeze", [part, integers(squeezed)], to: outputs)
    }
}
