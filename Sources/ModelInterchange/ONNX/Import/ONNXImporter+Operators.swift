extension ONNXImporter {
    typealias Lowering = @Sendable (inout ONNXImporter, ONNXNode) throws -> Void

    /// Whether a node's operator can be read.
    static func supports(_ node: ONNXNode) -> Bool {
        node.domain.isEmpty && lowerings[node.operation] != nil
    }

    /// Turns one node of the file into nodes of ours, another view of a value, or known numbers.
    mutating func lower(_ node: ONNXNode) throws {
        guard let lowering = Self.lowerings[node.operation] else {
            throw ONNXProblem(node, "is an operator that is not supported")
        }
        if try fold(node) { return }
        try lowering(&self, node)
    }

    /// The operators by name, as https://onnx.ai/onnx/operators describes them.
    static let lowerings: [String: Lowering] = [
        // Windows over images
        "Conv": { try $0.convolution($1) },
        "MaxPool": { try $0.maxPooling($1) },
        "AveragePool": { try $0.averagePooling($1) },
        "GlobalAveragePool": { try $0.globalPooling($1, .mean) },
        "GlobalMaxPool": { try $0.globalPooling($1, .maximum) },
        "Pad": { try $0.padding($1) },
        "Resize": { try $0.resizing($1) },
        "Upsample": { try $0.resizing($1) },
        // Matrix products
        "Gemm": { try $0.generalProduct($1) },
        "MatMul": { try $0.matrixProduct($1) },
        "Attention": { try $0.attention($1) },
        // Normalization
        "BatchNormalization": { try $0.batchNormalization($1) },
        "LayerNormalization": { try $0.layerNormalization($1) },
        "GroupNormalization": { try $0.groupNormalization($1) },
        "InstanceNormalization": { try $0.instanceNormalization($1) },
        "Softmax": { try $0.softmax($1) },
        "LogSoftmax": { try $0.logSoftmax($1) },
        "ReduceMean": { try $0.reduction($1, .mean) },
        "ReduceSum": { try $0.reduction($1, .sum) },
        "ReduceMax": { try $0.reduction($1, .maximum) },
        // One input, number by number
        "Relu": { try $0.rectification($1) },
        "Clip": { try $0.clip($1) },
        "PRelu": { try $0.parametricRectification($1) },
        "LeakyRelu": { try $0.pointwise($1, .leakyRectification(slope: $1.float("alpha") ?? 0.01)) },
        "Elu": { try $0.pointwise($1, .exponentialLinear(alpha: $1.float("alpha") ?? 1)) },
        "Sigmoid": { try $0.pointwise($1, .sigmoid) },
        "HardSigmoid": {
            try $0.pointwise($1, .hardSigmoid(alpha: $1.float("alpha") ?? 0.2, beta: $1.float("beta") ?? 0.5))
        },
        "HardSwish": { try $0.pointwise($1, .hardSwish) },
        "Swish": { try $0.swish($1) },
        "Gelu": { try $0.pointwise($1, $1.text("approximate") == "tanh" ? .geluTanh : .gelu) },
        "Tanh": { try $0.pointwise($1, .tanh) },
        "Erf": { try $0.pointwise($1, .erf) },
        "Softplus": { try $0.pointwise($1, .softplus) },
        "Exp": { try $0.pointwise($1, .exponential) },
        "Log": { try $0.pointwise($1, .logarithm) },
        "Sqrt": { try $0.pointwise($1, .squareRoot) },
        "Neg": { try $0.pointwise($1, .negation) },
        "Abs": { try $0.pointwise($1, .absolute) },
        "Reciprocal": { try $0.pointwise($1, .reciprocal) },
        "Dropout": { try $0.dropout($1) },
        // Two inputs, number by number
        "Add": { try $0.arithmetic($1, .addition) },
        "Sub": { try $0.arithmetic($1, .subtraction) },
        "Mul": { try $0.arithmetic($1, .multiplication) },
        "Div": { try $0.arithmetic($1, .division) },
        "Pow": { try $0.arithmetic($1, .power) },
        "Min": { try $0.arithmetic($1, .minimum) },
        "Max": { try $0.arithmetic($1, .maximum) },
        "Sum": { try $0.arithmetic($1, .addition) },
        // Axes
        "Identity": { try $0.identity($1) },
        "Cast": { try $0.cast($1) },
        "CastLike": { try $0.identity($1) },
        "Flatten": { try $0.flatten($1) },
        "Reshape": { try $0.reshape($1) },
        "Transpose": { try $0.transpose($1) },
        "Squeeze": { try $0.squeeze($1) },
        "Unsqueeze": { try $0.unsqueeze($1) },
        "Expand": { try $0.expand($1) },
        "Concat": { try $0.concatenation($1) },
        "Split": { try $0.split($1) },
        "Slice": { try $0.slice($1) },
        "Gather": { try $0.gather($1) },
        // Known when the file is read
        "Constant": { try $0.constant($1) },
        "Shape": { try $0.shape($1) },
        "Size": { try $0.size($1) },
        "ConstantOfShape": { try $0.constantOfShape($1) },
        "Range": { try $0.unfoldable($1) },
        "Equal": { try $0.unfoldable($1) },
        "Greater": { try $0.comparison($1) },
        "Less": { try $0.unfoldable($1) },
        "Not": { try $0.unfoldable($1) },
        "And": { try $0.unfoldable($1) },
        "Or": { try $0.unfoldable($1) },
        "Where": { try $0.choice($1) },
        "Mod": { try $0.unfoldable($1) },
        "Floor": { try $0.unfoldable($1) },
        "Ceil": { try $0.unfoldable($1) },
        "ReduceProd": { try $0.unfoldable($1) },
    ]

    /// An operator that is only run on numbers that are known when the file is read.
    func unfoldable(_ node: ONNXNode) throws {
        throw ONNXProblem(
            node, "depends on the images, and is only supported where shapes are computed; export the model without it")
    }
}
