/// MobileNetV2 (Sandler et al. 2018, table 2), with torchvision's parameter names.
public struct MobileNetV2: Architecture {
    /// The strides of the first layers.
    public enum Stem: String, Sendable, CaseIterable {
        /// 2 in the first convolution and in the second stage, as torchvision's: 224x224 ends as 7x7.
        case imagenet
        /// 1 in both, for images of about 32x32, which then end as 4x4.
        case small
    }

    /// The factor of every layer's channels, 0.1 to 4; products are rounded to multiples of 8.
    ///
    /// The last convolution has at least 1280 channels.
    package var width: Double
    /// The strides of the first layers.
    package var stem: Stem
    /// The probability of the dropout before the linear layer.
    package var dropout: Float

    /// Describes a MobileNetV2.
    public init(width: Double = 1, stem: Stem = .imagenet, dropout: Float = 0.2) {
        self.width = width
        self.stem = stem
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "mobilenet_v2", options: ["stem": stem.rawValue].adding(width: width))
    }

    public var endTensors: (first: String, last: String) { ("features.0.0.weight", "classifier.1.weight") }

    /// Table 2: the factor t by which blocks widen their input, output channels c, number of blocks n, and the first
    /// one's stride s.
    private static let stages: [(t: Int, c: Int, n: Int, s: Int)] = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: identifier.name)
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        x = try net.convBatchNorm(
            x, .init("features.0.0", "features.0.1", "features.0.2"), channels: scale.channels(32), kernelSize: 3,
            stride: stem == .small ? 1 : 2, style: .relu6)
        var index = 1
        for (number, stage) in Self.stages.enumerated() {
            for block in 0..<stage.n {
                // The small stem changes strides alone: a block that has no shortcut for its stride gets none.
                let stride = block == 0 ? stage.s : 1
                x = try net.scope("features.\(index)") { net in
                    try net.invertedResidual(
                        x, expansion: stage.t, channels: scale.channels(stage.c),
                        stride: stem == .small && number == 1 ? 1 : stride, addsInput: stride == 1,
                        names: Self.names(widens: stage.t > 1))
                }
                index += 1
            }
        }
        x = try net.scope("features.\(index)") { net in
            try net.convBatchNorm(x, .init("0", "1", "2"), channels: max(1280, scale.channels(1280)), style: .relu6)
        }
        x = try net.globalAveragePool(x, named: "avgpool")
        x = try net.dropout(x, named: "classifier.0", probability: dropout)
        _ = try net.linear(x, named: "classifier.1", outputs: classes)
        return try net.graph()
    }

    /// The layers of a block are numbered, so that their names depend on whether the first one is there.
    private static func names(
        widens: Bool
    ) -> (widening: ConvolutionNames?, depthwise: ConvolutionNames, projection: ConvolutionNames) {
        func layer(_ index: Int) -> ConvolutionNames {
            .init("conv.\(index).0", "conv.\(index).1", "conv.\(index).2")
        }
        return widens
            ? (layer(0), layer(1), .init("conv.2", "conv.3")) : (nil, layer(0), .init("conv.1", "conv.2"))
    }
}

extension MobileNetV2: RegisteredArchitecture {
    package static var names: [String] { ["mobilenet_v2"] }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard Self.names.contains(identifier.name) else { return nil }
        try identifier.allowOptions(["stem", "width"])
        self.init(width: try identifier.width(), stem: try identifier.option("stem", default: .imagenet))
    }
}
