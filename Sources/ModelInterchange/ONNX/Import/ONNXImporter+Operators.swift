import ModelFiles
import NeuralGraph

extension ONNXImporter {
    package typealias Lowering = @Sendable (inout ONNXImporter, ONNXNode) throws -> Void

    /// Whether a node's operator can be read.
    static func supports(_ node: ONNXNode) -> Bool {
        node.domain.isEmpty && lowerings[node.operation] != nil
    }

    /// Imports one node of the file as nodes of the graph, as a view of a value, or as a constant.
    mutating func lower(_ node: ONNXNode) throws {
        guard let lowering = Self.lowerings[node.operation] else {
            throw ONNXProblem(node, "is an operator that is not supported")
        }
        if try fold(node) { return }
        try lowering(&self, node)
    }

    /// The operators by name, as https://onnx.ai/onnx/operators describes them.
    package static let lowerings: [String: Lowering] = [
        // Windows over images
        "Conv": { try $0.convolution($1) },
        "MaxPool": { try $0.maxPool($1) },
        "AveragePool": { try $0.averagePool($1) },
        "GlobalAveragePool": { try $0.globalPooling($1, .mean) },
        "GlobalMaxPool": { try $0.globalPooling($1, .maximum) },
        "Pad": { try $0.padding($1) },
        "Resize": { try $0.resizing($1) },
        "Upsample": { try $0.resizing($1) },
        // Matrix products
        "Gemm": { try $0.generalProduct($1) },
        "MatMul": { try $0.matMul($1) },
        "Einsum": { try $0.einsum($1) },
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
        // One input, elementwise
        "Relu": { try $0.relu($1) },
        "Clip": { try $0.clip($1) },
        "PRelu": { try $0.prelu($1) },
        "LeakyRelu": { try $0.pointwise($1, .leakyReLU(slope: $1.float("alpha") ?? 0.01)) },
        "Elu": { try $0.pointwise($1, .elu(alpha: $1.float("alpha") ?? 1)) },
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
        "Log": { try $0.logarithm($1) },
        "Sqrt": { try $0.pointwise($1, .squareRoot) },
        "Neg": { try $0.pointwise($1, .negation) },
        "Abs": { try $0.pointwise($1, .absolute) },
        "Reciprocal": { try $0.pointwise($1, .reciprocal) },
        "Dropout": { try $0.dropout($1) },
        "Sin": { try $0.elementary($1, .sine) },
        "Cos": { try $0.elementary($1, .cosine) },
        "Tan": { try $0.elementary($1, .tangent) },
        "Asin": { try $0.elementary($1, .arcsine) },
        "Acos": { try $0.elementary($1, .arccosine) },
        "Atan": { try $0.elementary($1, .arctangent) },
        "Sinh": { try $0.elementary($1, .hyperbolicSine) },
        "Cosh": { try $0.elementary($1, .hyperbolicCosine) },
        "Asinh": { try $0.elementary($1, .inverseHyperbolicSine) },
        "Acosh": { try $0.elementary($1, .inverseHyperbolicCosine) },
        "Atanh": { try $0.elementary($1, .inverseHyperbolicTangent) },
        "ThresholdedRelu": { try $0.elementary($1, .thresholdedReLU(threshold: $1.float("alpha") ?? 1)) },
        "Shrink": {
            try $0.elementary($1, .shrinkage(threshold: $1.float("lambd") ?? 0.5, bias: $1.float("bias") ?? 0))
        },
        "Selu": { try $0.selu($1) },
        "Celu": { try $0.continuousExponentialLinear($1) },
        "Mish": { try $0.mish($1) },
        "Softsign": { try $0.softsign($1) },
        "Mean": { try $0.mean($1) },
        "Tile": { try $0.tile($1) },
        "DepthToSpace": { try $0.depthToSpace($1) },
        "SpaceToDepth": { try $0.spaceToDepth($1) },
        "LpPool": { try $0.powerPooling($1) },
        "GlobalLpPool": { try $0.globalPowerPooling($1) },
        "LRN": { try $0.localResponseNormalization($1) },
        "LpNormalization": { try $0.powerNormalization($1) },
        "RMSNormalization": { try $0.rootMeanSquareNormalization($1) },
        "MeanVarianceNormalization": { try $0.meanVarianceNormalization($1) },
        "ReduceMin": { try $0.reduction($1, of: [.negation], .maximum, then: [.negation]) },
        "ReduceL1": { try $0.reduction($1, of: [.absolute], .sum) },
        "ReduceL2": { try $0.reduction($1, of: [.power(2)], .sum, then: [.squareRoot]) },
        "ReduceSumSquare": { try $0.reduction($1, of: [.power(2)], .sum) },
        "ReduceLogSum": { try $0.reduction($1, of: [], .sum, then: [.logarithm]) },
        "ReduceLogSumExp": { try $0.logSumExp($1) },
        // Two inputs, elementwise
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
        "CastLike": { try $0.castLike($1) },
        "Flatten": { try $0.flatten($1) },
        "Reshape": { try $0.reshape($1) },
        "Transpose": { try $0.transpose($1) },
        "Squeeze": { try $0.squeeze($1) },
        "Unsqueeze": { try $0.unsqueeze($1) },
        "Expand": { try $0.expand($1) },
        "Concat": { try $0.concat($1) },
        "Split": { try $0.split($1) },
        "Slice": { try $0.slice($1) },
        "Gather": { try $0.gather($1) },
        // Known when the file is read
        "Constant": { try $0.constant($1) },
        "Shape": { try $0.shape($1) },
        "Size": { try $0.size($1) },
        "ConstantOfShape": { try $0.constantOfShape($1) },
        "Range": { try $0.unfoldable($1) },
        "Equal": { try $0.comparison($1, .isZero) },
        "Greater": { try $0.greater($1) },
        "Less": { try $0.comparison($1, .isPositive, swaps: true) },
        "Not": { try $0.negation($1) },
        "And": { try $0.arithmetic($1, .multiplication) },
        "Or": { try $0.arithmetic($1, .maximum) },
        "Where": { try $0.choice($1) },
        "Mod": { try $0.unfoldable($1) },
        "Floor": { try $0.elementary($1, .floor) },
        "Ceil": { try $0.elementary($1, .ceiling) },
        "ReduceProd": { try $0.unfoldable($1) },
        "GreaterOrEqual": { try $0.comparison($1, .isPositive, .isZero) },
        "LessOrEqual": { try $0.comparison($1, .isPositive, .isZero, swaps: true) },
        "Xor": { try $0.exclusiveOr($1) },
        "Sign": { try $0.elementary($1, .sign) },
        "Round": { try $0.elementary($1, .rounding) },
        "IsNaN": { try $0.elementary($1, .isUndefined) },
        "IsInf": { try $0.infinity($1) },
        "GatherND": { try $0.gatherByIndices($1) },
        "Trilu": { try $0.unfoldable($1) },
        "CumSum": { try $0.unfoldable($1) },
        "NonZero": { try $0.unfoldable($1) },
    ]

    /// Imports an operator that is supported for constants alone.
    func unfoldable(_ node: ONNXNode) throws {
        let name = node.inputs.first { name in
            if case .view(let view)? = operands[name] { view.value != nil } else { false }
        }
        guard let name else {
            throw ONNXProblem(
                node, "computes with the batch size in a way that is not supported; export the model with a batch of 1")
        }
        throw ONNXProblem(
            node,
            "has the input \(quoted(name)), which depends on the images, and is only supported where shapes are computed; "
                + "export the model without it")
    }
}
