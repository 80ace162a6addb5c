import NeuralGraph

extension LayerTranslator {
    typealias Rule = @Sendable (inout LayerTranslator, NetworkLayer) throws -> Void

    /// The layers by the number of the field that has their parameters: `NeuralNetwork.proto` of
    /// https://github.com/apple/coremltools.
    static let rules: [Int: Rule] = windowRules.merging(elementwiseRules) { first, _ in first }
        .merging(axisRules) { first, _ in first }.merging(reductionRules) { first, _ in first }

    /// The names of the layers, as far as messages need them.
    static let kinds: [Int: String] = [
        100: "convolution", 120: "pooling", 130: "activation", 140: "innerProduct", 150: "embedding",
        160: "batchnorm", 165: "mvn", 170: "l2normalize", 175: "softmax", 180: "lrn", 190: "crop", 200: "padding",
        210: "upsample", 211: "resizeBilinear", 212: "cropResize", 220: "unary", 230: "add", 231: "multiply",
        240: "average", 245: "scale", 250: "bias", 260: "max", 261: "min", 270: "dot", 280: "reduce",
        290: "loadConstant", 300: "reshape", 301: "flatten", 310: "permute", 320: "concat", 330: "split",
        340: "sequenceRepeat", 345: "reorganizeData", 350: "slice", 400: "simpleRecurrent", 410: "gru",
        420: "uniDirectionalLSTM", 430: "biDirectionalLSTM", 500: "custom", 600: "copy", 605: "branch, control flow",
        615: "loop, control flow", 620: "loopBreak, control flow", 625: "loopContinue, control flow", 660: "clip",
        795: "gelu", 930: "gather", 950: "softmaxND", 975: "splitND", 980: "concatND", 985: "transpose",
        995: "sliceStatic", 1045: "batchedMatmul", 1070: "loadConstantND", 1120: "squeeze", 1125: "expandDims",
        1130: "flattenTo2D", 1140: "reshapeStatic", 1150: "rankPreservingReshape", 1155: "constantPad",
        1350: "layerNormalization", 1460: "clampedReLU", 1465: "pooling3d", 1471: "convolution3d",
    ]

    /// One input, elementwise.
    private static func unary(_ operation: String) -> Rule {
        { translator, layer in try translator.define(layer, operation, [try translator.input(layer)]) }
    }

    /// Several inputs, elementwise.
    private static func joining(_ operation: String) -> Rule {
        { translator, layer in try translator.define(layer, operation, try translator.inputs(layer)) }
    }

    /// Several inputs, or one and a number.
    private static func arithmetic(_ operation: String, number: Int = 1, standard: Float) -> Rule {
        { translator, layer in
            var inputs = try translator.inputs(layer)
            if inputs.count == 1 {
                inputs.append(translator.graph.number(try layer.parameters.float(number) ?? standard))
            }
            // ONNX's operators take two.
            while inputs.count > 2 {
                let pair = translator.graph.add(operation, Array(inputs.prefix(2)))
                inputs = [pair] + inputs.dropFirst(2)
            }
            try translator.define(layer, operation, inputs)
        }
    }

    private static let elementwiseRules: [Int: Rule] = [
        130: { try $0.activation($1) },
        220: { try $0.unaryFunction($1) },
        230: arithmetic("Add", standard: 0), 231: arithmetic("Mul", standard: 1), 240: joining("Mean"),
        260: joining("Max"), 261: joining("Min"),
        600: unary("Identity"), 665: unary("Ceil"), 670: unary("Floor"), 680: unary("Sign"), 685: unary("Round"),
        710: unary("Sin"), 715: unary("Cos"), 720: unary("Tan"), 730: unary("Asin"), 735: unary("Acos"),
        740: unary("Atan"), 750: unary("Sinh"), 755: unary("Cosh"), 760: unary("Tanh"), 770: unary("Asinh"),
        775: unary("Acosh"), 780: unary("Atanh"), 790: unary("Erf"),
        870: joining("Min"), 875: joining("Max"), 880: arithmetic("Add", standard: 0), 885: joining("Pow"),
        890: joining("Div"), 900: arithmetic("Mul", standard: 1), 905: joining("Sub"),
        660: { translator, layer in
            let limits = [try layer.parameters.float(1) ?? 0, try layer.parameters.float(2) ?? 0]
            let names = limits.map { translator.graph.number($0) }
            try translator.define(layer, "Clip", [try translator.input(layer)] + names)
        },
        795: { translator, layer in
            let x = try translator.input(layer)
            switch try layer.parameters.integer(1) ?? 0 {
            case 0: try translator.define(layer, "Gelu", [x], ["approximate": .text("none")])
            case 1: try translator.define(layer, "Gelu", [x], ["approximate": .text("tanh")])
            case 2:
                let scaled = translator.graph.add("Mul", [x, translator.graph.number(1.702)])
                try translator.define(layer, "Mul", [x, translator.graph.add("Sigmoid", [scaled])])
            case let mode: throw ONNXProblem("\(layer.place): has the mode \(mode), which is not known")
            }
        },
        1460: { translator, layer in
            let (alpha, beta) = (try layer.parameters.float(1) ?? 0, try layer.parameters.float(2) ?? 0)
            let x = try translator.input(layer)
            let rectified = translator.graph.add("LeakyRelu", [x], ["alpha": .float(alpha)])
            try translator.define(layer, "Min", [rectified, translator.graph.number(beta)])
        },
        245: { translator, layer in
            let parameters = layer.parameters
            let scale = try translator.weights(layer, 2, "scale", translator.spread(parameters.integers(1), layer))
            let x = try translator.input(layer)
            guard try parameters.flag(3) else { return try translator.define(layer, "Mul", [x, scale]) }
            let bias = try translator.weights(layer, 5, "bias", translator.spread(parameters.integers(4), layer))
            try translator.define(layer, "Add", [translator.graph.add("Mul", [x, scale]), bias])
        },
        250: { translator, layer in
            let shape = try translator.spread(layer.parameters.integers(1), layer)
            let bias = try translator.weights(layer, 2, "bias", shape)
            try translator.define(layer, "Add", [try translator.input(layer), bias])
        },
    ]

    /// The shape of factors or addends: one number a channel is `[C, 1, 1]`.
    private func spread(_ shape: [Int], _ layer: NetworkLayer) throws -> [Int] {
        guard [1, 3].contains(shape.count) else {
            throw ONNXProblem("\(layer.place): has numbers of the shape \(shape), and [C] or [C, H, W] are supported")
        }
        return shape.count == 1 ? shape + [1, 1] : shape
    }

    private mutating func activation(_ layer: NetworkLayer) throws {
        let x = try input(layer)
        guard let kind = try layer.parameters.numbers().max(), let settings = try layer.parameters.message(kind) else {
            throw ONNXProblem("\(layer.place): has no function; the file is damaged")
        }
        let (alpha, beta) = (
            try kind == 25 || kind == 71 ? nil : settings.float(1), try kind == 71 ? nil : settings.float(2)
        )
        switch kind {
        case 5:
            let scaled = graph.add("Mul", [x, graph.number(alpha ?? 0)])
            try define(layer, "Add", [scaled, graph.number(beta ?? 0)])
        case 10: try define(layer, "Relu", [x])
        case 15: try define(layer, "LeakyRelu", [x], ["alpha": .float(alpha ?? 0)])
        case 20: try define(layer, "ThresholdedRelu", [x], ["alpha": .float((alpha ?? 0).nextDown)])
        case 25:
            let slopes = try layer.parameters.message(25)?.message(1)?.fields(1).isEmpty == false
            guard slopes else { throw ONNXProblem("\(layer.place): lacks its slopes, or has them in 16 bits") }
            try prelu(layer, x, settings)
        case 30: try define(layer, "Tanh", [x])
        case 31:
            let curve = graph.add("Tanh", [graph.add("Mul", [x, graph.number(beta ?? 0)])])
            try define(layer, "Mul", [curve, graph.number(alpha ?? 0)])
        case 40: try define(layer, "Sigmoid", [x])
        case 41: try define(layer, "HardSigmoid", [x], ["alpha": .float(alpha ?? 0), "beta": .float(beta ?? 0)])
        case 50: try define(layer, "Elu", [x], ["alpha": .float(alpha ?? 0)])
        case 60: try define(layer, "Softsign", [x])
        case 70: try define(layer, "Softplus", [x])
        default:
            throw ONNXProblem("\(layer.place): has the function of kind \(kind), which is not supported")
        }
    }

    /// Slopes are stored one level further down than other weights.
    private mutating func prelu(_ layer: NetworkLayer, _ x: String, _ settings: WireMessage) throws {
        let own = NetworkLayer(layer, parameters: settings)
        guard let message = try settings.message(1) else { return }
        let count = try message.floats(1).count
        let slopes = try weights(own, 1, "alpha", count == 1 ? [1] : [count, 1, 1])
        try define(layer, "PRelu", [x, slopes])
    }

    private mutating func unaryFunction(_ layer: NetworkLayer) throws {
        let parameters = layer.parameters
        var x = try input(layer)
        let (scale, shift) = (try parameters.float(5) ?? 1, try parameters.float(4) ?? 0)
        if scale != 1 { x = graph.add("Mul", [x, graph.number(scale)]) }
        if shift != 0 { x = graph.add("Add", [x, graph.number(shift)]) }
        let (alpha, epsilon) = (try parameters.float(2) ?? 1, try parameters.float(3) ?? 1e-6)
        switch try parameters.integer(1) ?? 0 {
        case 0: try define(layer, "Sqrt", [x])
        case 1:
            let root = graph.add("Sqrt", [graph.add("Add", [x, graph.number(epsilon)])])
            try define(layer, "Reciprocal", [root])
        case 2: try define(layer, "Reciprocal", [graph.add("Add", [x, graph.number(epsilon)])])
        case 3: try define(layer, "Pow", [x, graph.number(alpha)])
        case 4: try define(layer, "Exp", [x])
        case 5: try define(layer, "Log", [x])
        case 6: try define(layer, "Abs", [x])
        case 7: try define(layer, "Max", [x, graph.number(alpha)])
        case let type: throw ONNXProblem("\(layer.place): has the function \(type), which is not known")
        }
    }

    private static func reduction(_ operation: String) -> Rule {
        { translator, layer in
            let parameters = layer.parameters
            let all = try parameters.flag(3)
            let axes = all ? [] : try parameters.integers(1)
            let keeps = try parameters.flag(2)
            let rank = try translator.rank(layer)
            translator.setRank(layer, keeps ? rank : max(1, rank - (all ? rank : axes.count)))
            let inputs = [try translator.input(layer)] + (all ? [] : [translator.graph.integers(axes)])
            try translator.define(layer, operation, inputs, ["keepdims": .integer(keeps ? 1 : 0)])
        }
    }

    private static let reductionRules: [Int: Rule] = [
        1250: reduction("ReduceL1"), 1255: reduction("ReduceL2"), 1260: reduction("ReduceMax"),
        1265: reduction("ReduceMin"), 1270: reduction("ReduceSum"), 1275: reduction("ReduceProd"),
        1280: reduction("ReduceMean"), 1285: reduction("ReduceLogSum"), 1290: reduction("ReduceSumSquare"),
        1295: reduction("ReduceLogSumExp"),
        280: { translator, layer in
            let operations = [
                0: "ReduceSum", 1: "ReduceMean", 2: "ReduceProd", 4: "ReduceSumSquare", 5: "ReduceL1", 6: "ReduceL2",
                7: "ReduceMax", 8: "ReduceMin",
            ]
            let (mode, axis) = (try layer.parameters.integer(1) ?? 0, try layer.parameters.integer(3) ?? 0)
            let axes = [0: [-3, -2, -1], 1: [-2, -1], 2: [-3], 3: [-2], 4: [-1]]
            guard let operation = operations[mode], let axes = axes[axis] else {
                throw ONNXProblem("\(layer.place): reduces in the mode \(mode), which is not supported")
            }
            let inputs = [try translator.input(layer), translator.graph.integers(axes)]
            try translator.define(layer, operation, inputs, ["keepdims": .integer(1)])
        },
    ]
}

extension NetworkLayer {
    /// A layer with some of its parameters.
    fileprivate init(_ layer: NetworkLayer, parameters: WireMessage) {
        name = layer.name
        inputs = layer.inputs
        outputs = layer.outputs
        kind = layer.kind
        self.parameters = parameters
    }
}
