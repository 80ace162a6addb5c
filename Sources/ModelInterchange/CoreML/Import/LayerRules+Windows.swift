import NeuralGraph

/// Windows, products and normalizations.
extension LayerTranslator {
    static let windowRules: [Int: Rule] = [
        100: { try $0.convolution($1) },
        120: { try $0.pooling($1) },
        140: { try $0.innerProduct($1) },
        160: { try $0.batchNormalization($1) },
        165: { try $0.meanVarianceNormalization($1) },
        180: { translator, layer in
            let parameters = layer.parameters
            let attributes: [String: ONNXAttribute] = [
                "alpha": .float(try parameters.float(1) ?? 0), "beta": .float(try parameters.float(2) ?? 0),
                "size": .integer(try parameters.integer(3) ?? 0), "bias": .float(try parameters.float(4) ?? 0),
            ]
            try translator.define(layer, "LRN", [try translator.input(layer)], attributes)
        },
        200: { translator, layer in
            let parameters = layer.parameters
            guard let amounts = try parameters.message(10) else {
                throw ONNXProblem("\(layer.place): lacks its amounts; the file is damaged")
            }
            let pads = MILTranslator.pads(try LayerTranslator.borders(amounts, layer))
            let isReflected = try parameters.field(2) != nil
            let isEdge = try parameters.field(3) != nil
            let value = translator.graph.number(try parameters.message(1)?.float(1) ?? 0)
            let mode = isReflected ? "reflect" : isEdge ? "edge" : "constant"
            let inputs = [
                try translator.input(layer), translator.graph.integers(pads), mode == "constant" ? value : "",
                translator.graph.integers([-2, -1]),
            ]
            try translator.define(layer, "Pad", inputs, ["mode": .text(mode)])
        },
        210: { translator, layer in
            let parameters = layer.parameters
            guard try parameters.integer(5) ?? 0 == 0 else {
                throw ONNXProblem("\(layer.place): interpolates between pixels, and only the nearest one is supported")
            }
            let whole = try parameters.integers(1).map { Float($0) }
            let factors = try whole.isEmpty ? parameters.floats(7) : whole
            let scales = translator.graph.numbers([1, 1] + (factors.isEmpty ? [1, 1] : factors))
            try translator.define(layer, "Resize", [try translator.input(layer), "", scales], TranslatedGraph.nearest)
        },
        345: { translator, layer in
            let mode = try layer.parameters.integer(1) ?? 0
            var attributes: [String: ONNXAttribute] = ["blocksize": .integer(try layer.parameters.integer(2) ?? 1)]
            guard (0...2).contains(mode) else {
                throw ONNXProblem("\(layer.place): has the mode \(mode), which is not known")
            }
            if mode > 0 { attributes["mode"] = .text(mode == 1 ? "DCR" : "CRD") }
            try translator.define(
                layer, mode == 0 ? "SpaceToDepth" : "DepthToSpace", [try translator.input(layer)], attributes)
        },
        1045: { try $0.batchedProduct($1) },
        1350: { translator, layer in
            let parameters = layer.parameters
            let shape = try parameters.integers(1)
            let inputs = [
                try translator.input(layer), try translator.weights(layer, 3, "gamma", shape),
                try translator.weights(layer, 4, "beta", shape),
            ]
            let attributes: [String: ONNXAttribute] = [
                "axis": .integer(-shape.count), "epsilon": .float(try parameters.float(2) ?? 1e-5),
            ]
            try translator.define(layer, "LayerNormalization", inputs, attributes)
        },
    ]

    private mutating func convolution(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        guard try !parameters.flag(60) else {
            throw ONNXProblem("\(layer.place): is a transposed convolution, which is not supported")
        }
        guard layer.inputs.count == 1 else {
            throw ONNXProblem("\(layer.place): computes its weights, which have to be stored in the file")
        }
        let (outputs, channels) = (try parameters.integer(1) ?? 0, try parameters.integer(2) ?? 0)
        let kernel = try Self.pair(parameters.integers(20), 3, layer)
        var inputs = [
            try input(layer), try weights(layer, 90, "weights", [outputs, channels] + kernel),
        ]
        if try parameters.flag(70) { inputs.append(try weights(layer, 91, "bias", [outputs])) }
        var attributes: [String: ONNXAttribute] = [
            "strides": .integers(try Self.pair(parameters.integers(30), 1, layer)),
            "dilations": .integers(try Self.pair(parameters.integers(40), 1, layer)),
            "group": .integer(max(1, try parameters.integer(10) ?? 1)),
        ]
        try Self.addPadding(&attributes, valid: 50, same: 51, layer)
        try define(layer, "Conv", inputs, attributes)
    }

    private mutating func pooling(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        let type = try parameters.integer(1) ?? 0
        guard (0...2).contains(type) else {
            throw ONNXProblem("\(layer.place): pools in the way \(type), which is not known")
        }
        let x = try input(layer)
        let power: [String: ONNXAttribute] = type == 2 ? ["p": .integer(2)] : [:]
        if try parameters.flag(60) {
            let operation = ["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"][type]
            return try define(layer, operation, [x], power)
        }
        var attributes = power
        attributes["kernel_shape"] = .integers(try Self.pair(parameters.integers(10), 3, layer))
        attributes["strides"] = .integers(try Self.pair(parameters.integers(20), 1, layer))
        if type == 1 { attributes["count_include_pad"] = .integer(try parameters.flag(50) ? 0 : 1) }
        if let last = try parameters.message(32) {
            // The last window may reach beyond the padding.
            let amounts = try Self.pair(last.integers(10), 0, layer)
            attributes["pads"] = .integers(amounts + amounts)
            attributes["ceil_mode"] = .integer(1)
        } else {
            try Self.addPadding(&attributes, valid: 30, same: 31, layer)
        }
        try define(layer, ["MaxPool", "AveragePool", "LpPool"][type], [x], attributes)
    }

    /// Two numbers of a setting, or its standard.
    private static func pair(_ values: [Int], _ standard: Int, _ layer: NetworkLayer) throws -> [Int] {
        guard !values.isEmpty else { return [standard, standard] }
        guard values.count == 2, values.allSatisfy({ (0...ONNXImporter.largestSetting).contains($0) }) else {
            throw ONNXProblem("\(layer.place): has the setting \(values.prefix(8)), where two numbers are needed")
        }
        return values
    }

    /// Paddings in front of and behind rows and columns.
    fileprivate static func borders(_ amounts: WireMessage, _ layer: NetworkLayer) throws -> [Int] {
        let pairs = try amounts.messages(10).flatMap { edge in
            [try edge.integer(1) ?? 0, try edge.integer(2) ?? 0]
        }
        guard [0, 4].contains(pairs.count) else {
            throw ONNXProblem("\(layer.place): pads \(pairs.count / 2) axes, where two are needed")
        }
        return pairs.isEmpty ? [0, 0, 0, 0] : pairs
    }

    private static func addPadding(
        _ attributes: inout [String: ONNXAttribute], valid: Int, same: Int, _ layer: NetworkLayer
    ) throws {
        if let mode = try layer.parameters.message(same) {
            attributes["auto_pad"] = .text(try mode.integer(1) ?? 0 == 0 ? "SAME_UPPER" : "SAME_LOWER")
        } else if let amounts = try layer.parameters.message(valid)?.message(1) {
            attributes["pads"] = .integers(MILTranslator.pads(try borders(amounts, layer)))
        }
    }

    private mutating func innerProduct(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        guard try !parameters.flag(22) else { throw dynamicallyQuantized(layer) }
        let (inputs, outputs) = (try parameters.integer(1) ?? 0, try parameters.integer(2) ?? 0)
        let weight = try weights(layer, 20, "weights", [outputs, inputs])
        let bias = try parameters.flag(10) ? weights(layer, 21, "bias", [outputs]) : nil
        let x = try input(layer)
        guard hasFiveAxes else { return graph.linear(x, weight, bias, to: layer.outputs) }
        // Rows go in as [1, C, 1, 1], and out again.
        let rows = graph.add("Flatten", [x], ["axis": .integer(1)])
        let scores = graph.unique("\(layer.name).rows")
        graph.linear(rows, weight, bias, to: [scores])
        try define(layer, "Unsqueeze", [scores, graph.integers([2, 3])])
    }

    private func dynamicallyQuantized(_ layer: NetworkLayer) -> ONNXProblem {
        ONNXProblem("\(layer.place): quantizes its inputs, which is not supported; give the model as it was before")
    }

    private mutating func batchNormalization(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        let channels = try parameters.integer(1) ?? 0
        let attributes: [String: ONNXAttribute] = ["epsilon": .float(try parameters.float(10) ?? 1e-5)]
        let isInstance = try parameters.flag(6)
        guard try parameters.flag(5) == isInstance else {
            throw ONNXProblem(
                "\(layer.place): computes statistics from the images, which is only supported for each image by itself")
        }
        var inputs = [try input(layer)]
        for (number, suffix, standard) in [(15, "gamma", Float(1)), (16, "beta", 0)] {
            let isThere = try parameters.field(number) != nil
            inputs.append(
                isThere
                    ? try weights(layer, number, suffix, [channels])
                    : graph.constant(nil, standard, count: min(max(0, channels), ONNXImporter.largestSetting)))
        }
        guard !isInstance else { return try define(layer, "InstanceNormalization", inputs, attributes) }
        inputs.append(try weights(layer, 17, "mean", [channels]))
        inputs.append(try weights(layer, 18, "variance", [channels]))
        try define(layer, "BatchNormalization", inputs, attributes)
    }

    /// (x - mean) / sqrt(variance + epsilon) over rows and columns, and over channels too if it says so.
    private mutating func meanVarianceNormalization(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        let axes = graph.integers(try parameters.flag(1) ? [-3, -2, -1] : [-2, -1])
        let keeps: [String: ONNXAttribute] = ["keepdims": .integer(1)]
        let x = try input(layer)
        let mean = graph.add("ReduceMean", [x, axes], keeps)
        guard try parameters.flag(2) else { return try define(layer, "Sub", [x, mean]) }
        let centered = graph.add("Sub", [x, mean])
        let squares = graph.add("Pow", [centered, graph.number(2)])
        let variance = graph.add("ReduceMean", [squares, axes], keeps)
        let epsilon = graph.number(try parameters.float(3) ?? 1e-5)
        let deviation = graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])
        try define(layer, "Div", [centered, deviation])
    }

    private mutating func batchedProduct(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        guard try !parameters.flag(10) else { throw dynamicallyQuantized(layer) }
        guard layer.inputs.count == 1 else {
            let inputs = try [(0, 1), (1, 2)].map { position, number in
                let name = try input(layer, position)
                guard try parameters.flag(number) else { return name }
                return graph.transposed(name, rank: try rank(layer, position))
            }
            return try define(layer, "MatMul", inputs)
        }
        guard try !parameters.flag(1), try !parameters.flag(2) else {
            throw ONNXProblem("\(layer.place): transposes stored weights, which is not supported")
        }
        let (inputs, outputs) = (try parameters.integer(5) ?? 0, try parameters.integer(6) ?? 0)
        // Stored like those of an inner product.
        let weight = try weights(layer, 8, "weights", [outputs, inputs])
        let bias = try parameters.flag(7) ? weights(layer, 9, "bias", [outputs]) : nil
        graph.linear(try input(layer), weight, bias, to: layer.outputs)
    }
}
