/// EfficientNet-Lite0 (Tan and Le 2019, table 1) with timm's parameter names.
///
/// It differs from EfficientNet-B0 in that it has no squeeze-and-excitation and uses ReLU6.
public struct EfficientNetLite0: Architecture {
    /// The origin of the weights: the same tensors mean different networks.
    public enum Origin: String, Sendable, CaseIterable {
        /// timm's `efficientnet_lite0`, trained in PyTorch: equal padding on all sides, batch norm's epsilon 1e-5.
        case pytorch
        /// timm's `tf_efficientnet_lite0`, ported from TensorFlow: its padding `SAME`, epsilon 1e-3.
        case tensorflow
    }

    /// The origin of the weights.
    package var origin: Origin
    /// The factor of every block's channels, 0.1 to 4; products are rounded to multiples of 8.
    ///
    /// The first and the last convolution stay as they are.
    package var width: Double
    /// The probability of the dropout before the linear layer.
    package var dropout: Float

    /// Describes an EfficientNet-Lite0.
    public init(origin: Origin = .pytorch, width: Double = 1, dropout: Float = 0.2) {
        self.origin = origin
        self.width = width
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(
            name: origin == .pytorch ? "efficientnet_lite0" : "tf_efficientnet_lite0",
            options: [:].adding(width: width))
    }

    public var endTensors: (first: String, last: String) { ("conv_stem.weight", "classifier.weight") }

    /// Table 1: the factor by which blocks widen their input, kernel size, output channels, number of blocks, and the
    /// first one's stride.
    private static let stages: [(expansion: Int, kernelSize: Int, channels: Int, blocks: Int, stride: Int)] = [
        (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    ]

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: identifier.name)
        let style = ConvolutionStyle(
            ceiling: 6, epsilon: origin == .pytorch ? 1e-5 : 1e-3, padsLikeTensorFlow: origin == .tensorflow,
            drawsByGroup: true)
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        x = try net.convBatchNorm(
            x, .init("conv_stem", "bn1", "bn1.act"), channels: 32, kernelSize: 3, stride: 2, style: style)
        for (index, stage) in Self.stages.enumerated() {
            for block in 0..<stage.blocks {
                let stride = block == 0 ? stage.stride : 1
                x = try net.scope("blocks.\(index).\(block)") { net in
                    try net.invertedResidual(
                        x, expansion: stage.expansion, channels: scale.channels(stage.channels),
                        kernelSize: stage.kernelSize, stride: stride, addsInput: stride == 1,
                        names: stage.expansion > 1 ? Self.widening : Self.separable, style: style)
                }
            }
        }
        x = try net.convBatchNorm(x, .init("conv_head", "bn2", "bn2.act"), channels: 1280, style: style)
        x = try net.globalAveragePool(x, named: "global_pool")
        x = try net.dropout(x, named: "dropout", probability: dropout)
        _ = try net.linear(x, named: "classifier", outputs: classes)
        return try net.graph()
    }

    private typealias BlockNames = (
        widening: ConvolutionNames?, depthwise: ConvolutionNames, projection: ConvolutionNames
    )
    private static let widening: BlockNames = (
        .init("conv_pw", "bn1", "bn1.act"), .init("conv_dw", "bn2", "bn2.act"), .init("conv_pwl", "bn3")
    )
    private static let separable: BlockNames = (
        nil, .init("conv_dw", "bn1", "bn1.act"), .init("conv_pw", "bn2")
    )
}

extension EfficientNetLite0: RegisteredArchitecture {
    package static var names: [String] { ["efficientnet_lite0", "tf_efficientnet_lite0"] }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard let position = Self.names.firstIndex(of: identifier.name) else { return nil }
        try identifier.allowOptions(["width"])
        self.init(origin: position == 0 ? .pytorch : .tensorflow, width: try identifier.width())
    }
}
