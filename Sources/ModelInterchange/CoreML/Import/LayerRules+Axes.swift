import NeuralGraph

/// Layers that move numbers, take some, or join several.
extension LayerTranslator {
    static let axisRules: [Int: Rule] = [
        175: { translator, layer in
            try translator.define(layer, "Softmax", [try translator.input(layer)], ["axis": .integer(-3)])
        },
        950: { translator, layer in
            let axis = try layer.parameters.integer(1) ?? 0
            try translator.define(layer, "Softmax", [try translator.input(layer)], ["axis": .integer(axis)])
        },
        290: { translator, layer in
            let shape = [1] + (try layer.parameters.integers(1))
            try translator.constant(layer, shape)
        },
        1070: { translator, layer in try translator.constant(layer, try layer.parameters.integers(1)) },
        300: { translator, layer in
            var shape = try layer.parameters.integers(1)
            guard try layer.parameters.integer(2) ?? 0 == 0, shape.count == 3 || (shape.count == 4 && shape[0] == 1)
            else {
                throw ONNXProblem("\(layer.place): reshapes to \(shape) with channels last or several examples")
            }
            if shape.count == 4 { shape.removeFirst() }
            try translator.reshape(layer, [0] + shape)
        },
        301: { translator, layer in
            var x = try translator.input(layer)
            if try layer.parameters.integer(1) ?? 0 == 1 {
                x = translator.graph.add("Transpose", [x], ["perm": .integers([0, 2, 3, 1])])
            }
            let rows = translator.graph.add("Flatten", [x], ["axis": .integer(1)])
            try translator.define(layer, "Unsqueeze", [rows, translator.graph.integers([2, 3])])
        },
        310: { translator, layer in
            let axes = try layer.parameters.integers(1)
            guard axes.count == 4, axes[0] == 0 else {
                throw ONNXProblem("\(layer.place): moves the axis of sequences, which images do not have")
            }
            try translator.define(layer, "Transpose", [try translator.input(layer)], ["perm": .integers(axes)])
        },
        320: { translator, layer in
            guard try !layer.parameters.flag(100) else {
                throw ONNXProblem("\(layer.place): joins along sequences, which images do not have")
            }
            try translator.define(layer, "Concat", try translator.inputs(layer), ["axis": .integer(-3)])
        },
        330: { translator, layer in
            translator.graph.add(
                "Split", [try translator.input(layer)], to: layer.outputs,
                ["axis": .integer(-3), "num_outputs": .integer(layer.outputs.count)])
        },
        350: { translator, layer in
            let parameters = layer.parameters
            let axis = try parameters.integer(4) ?? 0
            guard (0...2).contains(axis) else { throw ONNXProblem("\(layer.place): slices the axis \(axis)") }
            let settings = [
                try parameters.integer(1) ?? 0, try parameters.integer(2) ?? 0, axis - 3,
                try parameters.integer(3) ?? 1,
            ].map { translator.graph.integers([$0]) }
            try translator.define(layer, "Slice", [try translator.input(layer)] + settings)
        },
        975: { translator, layer in
            let parameters = layer.parameters
            var attributes: [String: ONNXAttribute] = ["axis": .integer(try parameters.integer(1) ?? 0)]
            var inputs = [try translator.input(layer)]
            let sizes = try parameters.integers(3)
            if sizes.isEmpty {
                attributes["num_outputs"] = .integer(layer.outputs.count)
            } else {
                inputs.append(translator.graph.integers(sizes))
            }
            translator.graph.add("Split", inputs, to: layer.outputs, attributes)
        },
        980: { translator, layer in
            let axis = try layer.parameters.integer(1) ?? 0
            let values = try translator.inputs(layer)
            guard try layer.parameters.flag(2) else {
                return try translator.define(layer, "Concat", values, ["axis": .integer(axis)])
            }
            translator.graph.interleave(values, axis: axis, to: layer.outputs)
        },
        985: { translator, layer in
            let axes = try layer.parameters.integers(1)
            try translator.define(layer, "Transpose", [try translator.input(layer)], ["perm": .integers(axes)])
        },
        995: { try $0.slice($1) },
        925: { translator, layer in
            let axis = try layer.parameters.integer(1) ?? 0
            let place = translator.graph.integers([axis])
            translator.setRank(layer, try translator.rank(layer) + 1)
            let rows = try translator.inputs(layer).map { translator.graph.add("Unsqueeze", [$0, place]) }
            try translator.define(layer, "Concat", rows, ["axis": .integer(axis)])
        },
        920: { translator, layer in
            let repetitions = translator.graph.integers(try layer.parameters.integers(1))
            try translator.define(layer, "Tile", [try translator.input(layer), repetitions])
        },
        1105: { translator, layer in
            let shape = try layer.parameters.integers(1)
            translator.setRank(layer, shape.count)
            try translator.define(layer, "Expand", [try translator.input(layer), translator.graph.integers(shape)])
        },
        1120: { translator, layer in
            let axes = try layer.parameters.flag(2) ? [] : layer.parameters.integers(1)
            let x = try translator.input(layer)
            guard !axes.isEmpty else {
                throw ONNXProblem("\(layer.place): removes all axes of length 1, with that of the examples")
            }
            translator.setRank(layer, max(1, try translator.rank(layer) - axes.count))
            try translator.define(layer, "Squeeze", [x, translator.graph.integers(axes)])
        },
        1125: { translator, layer in
            let axes = try layer.parameters.integers(1)
            translator.setRank(layer, try translator.rank(layer) + axes.count)
            try translator.define(layer, "Unsqueeze", [try translator.input(layer), translator.graph.integers(axes)])
        },
        1130: { translator, layer in
            translator.setRank(layer, 2)
            let axis = try layer.parameters.integer(1) ?? 0
            try translator.define(layer, "Flatten", [try translator.input(layer)], ["axis": .integer(axis)])
        },
        1140: { translator, layer in try translator.reshape(layer, try layer.parameters.integers(1)) },
        1150: { translator, layer in try translator.reshape(layer, try layer.parameters.integers(1)) },
        1155: { translator, layer in
            let pairs = try layer.parameters.integers(2)
            guard try !layer.parameters.flag(3), pairs.count % 2 == 0 else {
                throw ONNXProblem("\(layer.place): pads to a given size, which is not supported")
            }
            let inputs = [
                try translator.input(layer), translator.graph.integers(MILTranslator.pads(pairs)),
                translator.graph.number(try layer.parameters.float(1) ?? 0),
            ]
            try translator.define(layer, "Pad", inputs, ["mode": .text("constant")])
        },
    ]

    /// A stored tensor that is a blob of its own, under the blob's name.
    private mutating func constant(_ layer: NetworkLayer, _ shape: [Int]) throws {
        guard let name = layer.outputs.first, layer.outputs.count == 1 else {
            throw ONNXProblem("\(layer.place): gives no blob, or several; the file is damaged")
        }
        setRank(layer, shape.count)
        _ = try weights(layer, 2, "data", shape, named: name)
    }

    private mutating func reshape(_ layer: NetworkLayer, _ shape: [Int]) throws {
        setRank(layer, shape.count)
        try define(layer, "Reshape", [try input(layer), graph.integers(shape)])
    }

    private mutating func slice(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        let begin = try parameters.integers(1)
        func list(_ number: Int, _ standard: Int) throws -> [Int] {
            let values = try parameters.integers(number)
            guard values.isEmpty || values.count == begin.count else {
                throw ONNXProblem("\(layer.place): has settings for different numbers of axes; the file is damaged")
            }
            return values.isEmpty ? [Int](repeating: standard, count: begin.count) : values
        }
        let bounds = SliceBounds(
            begin: begin, end: try list(3, 0), steps: try list(5, 1), beginMask: try list(2, 0),
            endMask: try list(4, 0), squeezeMask: try list(6, 0))
        setRank(layer, max(1, begin.count - bounds.squeezeMask.filter { $0 != 0 }.count))
        graph.slice(try input(layer), bounds, to: layer.outputs)
    }
}
