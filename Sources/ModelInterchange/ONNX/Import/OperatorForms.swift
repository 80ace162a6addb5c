extension OperatorForm {
    private static let window = "auto_pad kernel_shape pads strides"
    private static let normalization = "epsilon"

    /// The forms by operator, oldest first. A test compares them with ONNX's own schemas, which
    /// `Tests/Validation/ONNX/make_operator_schemas.py` lists.
    package static let all: [String: [OperatorForm]] = windows.merging(products) { first, _ in first }
        .merging(reductions) { first, _ in first }.merging(pointwise) { first, _ in first }
        .merging(structure) { first, _ in first }

    private static let windows: [String: [OperatorForm]] = [
        "Conv": [.init(1, inputs: 3, window + " dilations group")],
        "MaxPool": [
            .init(1, inputs: 1, window), .init(8, inputs: 1, window + " storage_order"),
            .init(10, inputs: 1, window + " storage_order dilations ceil_mode"),
        ],
        "AveragePool": [
            .init(7, inputs: 1, window + " count_include_pad"),
            .init(10, inputs: 1, window + " count_include_pad ceil_mode"),
            .init(19, inputs: 1, window + " count_include_pad ceil_mode dilations"),
        ],
        "LpPool": [
            .init(2, inputs: 1, window + " p"), .init(18, inputs: 1, window + " p ceil_mode=0 dilations"),
        ],
        "GlobalAveragePool": [.init(1, inputs: 1)],
        "GlobalMaxPool": [.init(1, inputs: 1)],
        "GlobalLpPool": [.init(2, inputs: 1, "p")],
        "Pad": [
            .init(2, inputs: 1, "mode pads value"), .init(11, inputs: 3, "mode"), .init(18, inputs: 4, "mode"),
        ],
        // The attributes that are ignored matter only to modes other than nearest, which are not run.
        "Resize": [
            .init(10, inputs: 2, "mode"),
            .init(
                11, inputs: 4,
                "mode nearest_mode coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value"),
            .init(
                18, inputs: 4,
                "mode nearest_mode coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value axes "
                    + "antialias=0 keep_aspect_ratio_policy=stretch"),
        ],
        "Upsample": [.init(7, inputs: 1, "mode scales"), .init(9, inputs: 2, "mode")],
        "DepthToSpace": [.init(1, inputs: 1, "blocksize"), .init(11, inputs: 1, "blocksize mode")],
        "SpaceToDepth": [.init(1, inputs: 1, "blocksize"), .init(28, inputs: 1, "blocksize mode")],
    ]

    private static let products: [String: [OperatorForm]] = [
        "Gemm": [.init(7, inputs: 3, "alpha beta transA transB")],
        "MatMul": [.init(1, inputs: 2)],
        "Einsum": [.init(12, inputs: nil, "equation")],
        // Precision is that of 32 bits, and the fourth output is not given.
        "Attention": [
            .init(
                23, inputs: 4,
                "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision"),
            .init(
                25, inputs: 4,
                "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision "
                    + "left_window_size right_window_size"),
        ],
        "BatchNormalization": [
            .init(7, inputs: 5, normalization + " momentum spatial=1"),
            .init(9, inputs: 5, normalization + " momentum"),
            .init(14, inputs: 5, normalization + " momentum training_mode=0"),
        ],
        "LayerNormalization": [.init(17, inputs: 3, normalization + " axis stash_type")],
        "GroupNormalization": [
            .init(18, inputs: 3, normalization + " num_groups"),
            .init(21, inputs: 3, normalization + " num_groups stash_type"),
        ],
        "InstanceNormalization": [.init(6, inputs: 3, normalization)],
        "LRN": [.init(1, inputs: 1, "alpha beta bias size")],
        "LpNormalization": [.init(1, inputs: 1, "axis p")],
        "MeanVarianceNormalization": [.init(9, inputs: 1, "axes")],
        "RMSNormalization": [.init(23, inputs: 2, normalization + " axis stash_type")],
        "Softmax": [.init(1, inputs: 1, "axis")],
        "LogSoftmax": [.init(1, inputs: 1, "axis")],
    ]

    private static func reduction(axesSince version: Int) -> [OperatorForm] {
        [.init(1, inputs: 1, "axes keepdims"), .init(version, inputs: 2, "keepdims noop_with_empty_axes")]
    }

    private static let reductions: [String: [OperatorForm]] = Dictionary(
        uniqueKeysWithValues: [
            "Mean", "Max", "Min", "L1", "L2", "SumSquare", "LogSum", "LogSumExp", "Prod",
        ].map { ("Reduce" + $0, reduction(axesSince: 18)) } + [("ReduceSum", reduction(axesSince: 13))])

    private static let pointwise: [String: [OperatorForm]] = [
        "Relu": [.init(6, inputs: 1)],
        "Clip": [.init(6, inputs: 1, "max min"), .init(11, inputs: 3)],
        "PRelu": [.init(7, inputs: 2)],
        "LeakyRelu": [.init(6, inputs: 1, "alpha")],
        "Elu": [.init(6, inputs: 1, "alpha")],
        "Selu": [.init(6, inputs: 1, "alpha gamma")],
        "Celu": [.init(12, inputs: 1, "alpha")],
        "Mish": [.init(18, inputs: 1)],
        "Softsign": [.init(1, inputs: 1)],
        "ThresholdedRelu": [.init(10, inputs: 1, "alpha")],
        "Shrink": [.init(9, inputs: 1, "bias lambd")],
        "Sigmoid": [.init(6, inputs: 1)],
        "HardSigmoid": [.init(6, inputs: 1, "alpha beta")],
        "HardSwish": [.init(14, inputs: 1)],
        "Swish": [.init(24, inputs: 1, "alpha")],
        "Gelu": [.init(20, inputs: 1, "approximate")],
        "Tanh": [.init(6, inputs: 1)],
        "Erf": [.init(9, inputs: 1)],
        "Softplus": [.init(1, inputs: 1)],
        "Exp": [.init(6, inputs: 1)],
        "Log": [.init(6, inputs: 1)],
        "Sqrt": [.init(6, inputs: 1)],
        "Neg": [.init(6, inputs: 1)],
        "Abs": [.init(6, inputs: 1)],
        "Reciprocal": [.init(6, inputs: 1)],
        "Sign": [.init(9, inputs: 1)],
        "Floor": [.init(6, inputs: 1)],
        "Ceil": [.init(6, inputs: 1)],
        "Round": [.init(11, inputs: 1)],
        "Sin": [.init(7, inputs: 1)],
        "Cos": [.init(7, inputs: 1)],
        "Tan": [.init(7, inputs: 1)],
        "Asin": [.init(7, inputs: 1)],
        "Acos": [.init(7, inputs: 1)],
        "Atan": [.init(7, inputs: 1)],
        "Sinh": [.init(9, inputs: 1)],
        "Cosh": [.init(9, inputs: 1)],
        "Asinh": [.init(9, inputs: 1)],
        "Acosh": [.init(9, inputs: 1)],
        "Atanh": [.init(9, inputs: 1)],
        "IsNaN": [.init(9, inputs: 1)],
        "IsInf": [.init(10, inputs: 1, "detect_negative detect_positive")],
        "Dropout": [.init(7, inputs: 1, "ratio"), .init(12, inputs: 3, "seed")],
        "Add": [.init(7, inputs: 2)],
        "Sub": [.init(7, inputs: 2)],
        "Mul": [.init(7, inputs: 2)],
        "Div": [.init(7, inputs: 2)],
        "Pow": [.init(7, inputs: 2)],
        "Min": [.init(6, inputs: nil)],
        "Max": [.init(6, inputs: nil)],
        "Sum": [.init(6, inputs: nil)],
        "Mean": [.init(6, inputs: nil)],
        "Mod": [.init(10, inputs: 2, "fmod")],
        "Equal": [.init(7, inputs: 2)],
        "Greater": [.init(7, inputs: 2)],
        "GreaterOrEqual": [.init(12, inputs: 2)],
        "Less": [.init(7, inputs: 2)],
        "LessOrEqual": [.init(12, inputs: 2)],
        "Not": [.init(1, inputs: 1)],
        "And": [.init(7, inputs: 2)],
        "Or": [.init(7, inputs: 2)],
        "Xor": [.init(7, inputs: 2)],
        "Where": [.init(9, inputs: 3)],
    ]

    private static let structure: [String: [OperatorForm]] = [
        "Identity": [.init(1, inputs: 1)],
        // Saturation and rounding are those of 8-bit floats, which are not read.
        "Cast": [
            .init(6, inputs: 1, "to"), .init(19, inputs: 1, "to saturate"),
            .init(24, inputs: 1, "to saturate round_mode"),
        ],
        "CastLike": [
            .init(15, inputs: 2), .init(19, inputs: 2, "saturate"), .init(24, inputs: 2, "saturate round_mode"),
        ],
        "Flatten": [.init(1, inputs: 1, "axis")],
        "Reshape": [.init(5, inputs: 2), .init(14, inputs: 2, "allowzero")],
        "Transpose": [.init(1, inputs: 1, "perm")],
        "Squeeze": [.init(1, inputs: 1, "axes"), .init(13, inputs: 2)],
        "Unsqueeze": [.init(1, inputs: 1, "axes"), .init(13, inputs: 2)],
        "Expand": [.init(8, inputs: 2)],
        "Tile": [.init(6, inputs: 2)],
        "Concat": [.init(4, inputs: nil, "axis")],
        "Split": [
            .init(2, inputs: 1, outputs: nil, "axis split"), .init(13, inputs: 2, outputs: nil, "axis"),
            .init(18, inputs: 2, outputs: nil, "axis num_outputs"),
        ],
        "Slice": [.init(1, inputs: 1, "axes ends starts"), .init(10, inputs: 5)],
        "Gather": [.init(1, inputs: 2, "axis")],
        "GatherND": [.init(11, inputs: 2), .init(12, inputs: 2, "batch_dims")],
        "Trilu": [.init(14, inputs: 2, "upper")],
        "CumSum": [.init(11, inputs: 2, "exclusive reverse")],
        "NonZero": [.init(9, inputs: 1)],
        "Constant": [
            .init(1, inputs: 0, "value"),
            .init(12, inputs: 0, "value value_float value_floats value_int value_ints"),
        ],
        "Shape": [.init(1, inputs: 1), .init(15, inputs: 1, "end start")],
        "Size": [.init(1, inputs: 1)],
        "ConstantOfShape": [.init(9, inputs: 1, "value")],
        "Range": [.init(11, inputs: 3), .init(27, inputs: 3, "stash_type")],
    ]
}
