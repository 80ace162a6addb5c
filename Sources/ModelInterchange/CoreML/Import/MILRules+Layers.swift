import ModelFiles
import NeuralGraph

/// Windows, products and normalizations.
extension MILTranslator {
    static let windows: [String: MILRule] = [
        "conv": MILRule("x weight bias strides pad_type pad dilations groups") { translator, source in
            var inputs = [try translator.required(source, "x"), try translator.required(source, "weight")]
            if let bias = try translator.name(source, "bias") { inputs.append(bias) }
            var attributes = try translator.window(source)
            attributes["dilations"] = try translator.integers(source, "dilations").map { .integers($0) }
            attributes["group"] = .integer(try translator.integer(source, "groups") ?? 1)
            try translator.define(source, "Conv", inputs, attributes)
        },
        "max_pool": MILRule("x kernel_sizes strides pad_type pad ceil_mode") { translator, source in
            try translator.pool(source, "MaxPool", [:])
        },
        "avg_pool": MILRule("x kernel_sizes strides pad_type pad ceil_mode exclude_padding_from_average") {
            translator, source in
            let excludes = try translator.flag(source, "exclude_padding_from_average")
            try translator.pool(source, "AveragePool", ["count_include_pad": .integer(excludes ? 0 : 1)])
        },
        "l2_pool": MILRule("x kernel_sizes strides pad_type pad ceil_mode") { translator, source in
            try translator.pool(source, "LpPool", ["p": .integer(2)])
        },
        "upsample_nearest_neighbor": MILRule("x scale_factor_height scale_factor_width") { translator, source in
            let height = try translator.number(source, "scale_factor_height") ?? 1
            let width = try translator.number(source, "scale_factor_width") ?? 1
            let scales = translator.graph.numbers([1, 1, height, width])
            try translator.define(
                source, "Resize", [try translator.required(source, "x"), "", scales], TranslatedGraph.nearest)
        },
        "resize_nearest_neighbor": MILRule("x target_size_height target_size_width") { translator, source in
            let height = try translator.integer(source, "target_size_height") ?? 1
            let width = try translator.integer(source, "target_size_width") ?? 1
            let sizes = translator.graph.integers([height, width])
            var attributes = TranslatedGraph.nearest
            attributes["axes"] = .integers([2, 3])
            try translator.define(source, "Resize", [try translator.required(source, "x"), "", "", sizes], attributes)
        },
        "pixel_shuffle": MILRule("x upscale_factor") { translator, source in
            try translator.blocks(source, "DepthToSpace", "upscale_factor", ["mode": .text("CRD")])
        },
        "depth_to_space": MILRule("x block_size") { translator, source in
            try translator.blocks(source, "DepthToSpace", "block_size", ["mode": .text("DCR")])
        },
        "space_to_depth": MILRule("x block_size") { translator, source in
            try translator.blocks(source, "SpaceToDepth", "block_size", [:])
        },
    ]

    private mutating func blocks(
        _ source: MILOperation, _ operation: String, _ parameter: String, _ attributes: [String: ONNXAttribute]
    ) throws {
        var attributes = attributes
        attributes["blocksize"] = .integer(try integer(source, parameter) ?? 1)
        try define(source, operation, [try required(source, "x")], attributes)
    }

    /// Strides and padding, which MIL has as pairs of numbers for each axis.
    private func window(_ source: MILOperation) throws -> [String: ONNXAttribute] {
        var attributes: [String: ONNXAttribute] = [:]
        attributes["strides"] = try integers(source, "strides").map { .integers($0) }
        switch try text(source, "pad_type") ?? "valid" {
        case "valid": attributes["auto_pad"] = .text("VALID")
        case "same": attributes["auto_pad"] = .text("SAME_UPPER")
        case "same_lower": attributes["auto_pad"] = .text("SAME_LOWER")
        case "custom": attributes["pads"] = try integers(source, "pad").map { .integers(Self.pads($0)) }
        case let type: throw ONNXProblem("\(source.place): has the padding \(quoted(type)), which is not known")
        }
        return attributes
    }

    /// Paddings in front of all axes and then behind them, from pairs for each axis.
    static func pads(_ pairs: [Int]) -> [Int] {
        let even = pairs.indices.filter { $0 % 2 == 0 }.map { pairs[$0] }
        return even + pairs.indices.filter { $0 % 2 == 1 }.map { pairs[$0] }
    }

    private mutating func pool(
        _ source: MILOperation, _ operation: String, _ own: [String: ONNXAttribute]
    ) throws {
        var attributes = try window(source).merging(own) { first, _ in first }
        attributes["kernel_shape"] = try integers(source, "kernel_sizes").map { .integers($0) }
        // LpPool has no such setting where it rounds down.
        if try flag(source, "ceil_mode") { attributes["ceil_mode"] = .integer(1) }
        try define(source, operation, [try required(source, "x")], attributes)
    }

    static let products: [String: MILRule] = [
        "linear": MILRule("x weight bias") { translator, source in
            let (x, weight) = (try translator.required(source, "x"), try translator.required(source, "weight"))
            let bias = try translator.name(source, "bias")
            translator.graph.linear(x, weight, bias, to: source.outputs.map(\.name))
        },
        "matmul": MILRule("x y transpose_x transpose_y") { translator, source in
            let inputs = try ["x", "y"].map { parameter in
                let name = try translator.required(source, parameter)
                guard try translator.flag(source, "transpose_\(parameter)") else { return name }
                return translator.graph.transposed(name, rank: try translator.rank(source, parameter))
            }
            try translator.define(source, "MatMul", inputs)
        },
        "scaled_dot_product_attention": MILRule("query key value attn_mask") { try $0.attention($1) },
        "batch_norm": MILRule("x mean variance gamma beta epsilon") { translator, source in
            let count = try translator.length(source, "x", axis: 1)
            let scale = try translator.name(source, "gamma")
            let shift = try translator.name(source, "beta")
            let inputs = [
                try translator.required(source, "x"), translator.graph.constant(scale, 1, count: count),
                translator.graph.constant(shift, 0, count: count), try translator.required(source, "mean"),
                try translator.required(source, "variance"),
            ]
            try translator.define(source, "BatchNormalization", inputs, translator.epsilon(source))
        },
        "instance_norm": MILRule("x gamma beta epsilon") { translator, source in
            let count = try translator.length(source, "x", axis: 1)
            let scale = try translator.name(source, "gamma")
            let shift = try translator.name(source, "beta")
            let inputs = [
                try translator.required(source, "x"), translator.graph.constant(scale, 1, count: count),
                translator.graph.constant(shift, 0, count: count),
            ]
            try translator.define(source, "InstanceNormalization", inputs, translator.epsilon(source))
        },
        "layer_norm": MILRule("x axes gamma beta epsilon") { try $0.layerNormalization($1) },
        "local_response_norm": MILRule("x size alpha beta k") { translator, source in
            let attributes: [String: ONNXAttribute] = [
                "size": .integer(try translator.integer(source, "size") ?? 1),
                "alpha": .float(try translator.number(source, "alpha") ?? 1e-4),
                "beta": .float(try translator.number(source, "beta") ?? 0.75),
                "bias": .float(try translator.number(source, "k") ?? 1),
            ]
            try translator.define(source, "LRN", [try translator.required(source, "x")], attributes)
        },
        "softmax": MILRule("x axis") { translator, source in
            let axis = try translator.integer(source, "axis") ?? -1
            try translator.define(source, "Softmax", [try translator.required(source, "x")], ["axis": .integer(axis)])
        },
        "reduce_mean": .reduction("ReduceMean"), "reduce_sum": .reduction("ReduceSum"),
        "reduce_max": .reduction("ReduceMax"), "reduce_min": .reduction("ReduceMin"),
        "reduce_prod": .reduction("ReduceProd"), "reduce_l1_norm": .reduction("ReduceL1"),
        "reduce_l2_norm": .reduction("ReduceL2"), "reduce_log_sum": .reduction("ReduceLogSum"),
        "reduce_log_sum_exp": .reduction("ReduceLogSumExp"), "reduce_sum_square": .reduction("ReduceSumSquare"),
    ]

    private func epsilon(_ source: MILOperation) throws -> [String: ONNXAttribute] {
        ["epsilon": .float(try number(source, "epsilon") ?? 1e-5)]
    }

    private mutating func layerNormalization(_ source: MILOperation) throws {
        let rank = try rank(source, "x")
        let axes = try (integers(source, "axes") ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 }.sorted()
        guard let first = axes.first, axes.allSatisfy({ (0..<rank).contains($0) }), Set(axes).count == axes.count else {
            throw ONNXProblem("\(source.place): normalizes along the axes \(axes) of \(rank); the file is damaged")
        }
        let others = (0..<rank).filter { !axes.contains($0) }
        let isLast = first == others.count
        var x = try required(source, "x")
        if !isLast { x = graph.add("Transpose", [x], ["perm": .integers(others + axes)]) }
        let scale: String
        if let gamma = try name(source, "gamma") {
            scale = gamma
        } else {
            let lengths = try axes.map { try length(source, "x", axis: $0) }
            let count = lengths.reduce(1.0) { $0 * Double($1) }
            guard count <= Double(ONNXImporter.largestSetting) else {
                throw ONNXProblem("\(source.place): normalizes \(count) numbers at a time, which is not supported")
            }
            scale = graph.numbers([Float](repeating: 1, count: Int(count)), shape: lengths)
        }
        var inputs = [x, scale]
        if let beta = try name(source, "beta") { inputs.append(beta) }
        var attributes = try epsilon(source)
        attributes["axis"] = .integer(others.count)
        guard !isLast else { return try define(source, "LayerNormalization", inputs, attributes) }
        let normalized = graph.add("LayerNormalization", inputs, attributes)
        let order = others + axes
        let back = (0..<rank).map { axis in order.firstIndex(of: axis) ?? 0 }
        try define(source, "Transpose", [normalized], ["perm": .integers(back)])
    }

    /// softmax(q kT / sqrt d + mask) v
    private mutating func attention(_ source: MILOperation) throws {
        let inputs = try ["query", "key", "value"].map { try required(source, $0) }
        let depth = try length(source, "query", axis: -1)
        let key = graph.transposed(inputs[1], rank: try rank(source, "key"))
        let product = graph.add("MatMul", [inputs[0], key])
        var scores = graph.add("Mul", [product, graph.number(1 / Float(depth).squareRoot())])
        if let mask = try name(source, "attn_mask") { scores = graph.add("Add", [scores, mask]) }
        let weights = graph.add("Softmax", [scores], ["axis": .integer(-1)])
        try define(source, "MatMul", [weights, inputs[2]])
    }
}

extension TranslatedGraph {
    static let nearest: [String: ONNXAttribute] = [
        "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"),
        "nearest_mode": .text("floor"),
    ]

    /// A product with stored weights `[outputs, inputs]`, and a bias.
    mutating func linear(_ x: String, _ weight: String, _ bias: String?, to outputs: [String]) {
        let turned = add("Transpose", [weight], ["perm": .integers([1, 0])])
        guard let bias else { return add("MatMul", [x, turned], to: outputs) }
        let product = add("MatMul", [x, turned])
        add("Add", [product, bias], to: outputs)
    }

    /// A value with its last two axes exchanged.
    mutating func transposed(_ name: String, rank: Int) -> String {
        guard rank >= 2 else { return name }
        return add("Transpose", [name], ["perm": .integers(Array(0..<(rank - 2)) + [rank - 1, rank - 2])])
    }

    /// A tensor's name; that of as many equal numbers if there is none.
    mutating func constant(_ name: String?, _ value: Float, count: Int) -> String {
        name ?? numbers([Float](repeating: value, count: count))
    }
}
