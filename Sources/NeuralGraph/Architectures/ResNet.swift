/// Residual networks (He et al. 2016, table 1) of 18, 34 and 50 layers, with torchvision's parameter names.
public struct ResNet: Architecture {
    /// A network of the paper's table 1.
    public enum Variant: String, Sendable, CaseIterable {
        /// Basic blocks, 2 in each of the four stages.
        case resnet18
        /// Basic blocks: 3, 4, 6 and 3.
        case resnet34
        /// Bottlenecks: 3, 4, 6 and 3.
        case resnet50
    }

    /// The layers before the first block.
    public enum Stem: String, Sendable, CaseIterable {
        /// A 7x7 convolution and a 3x3 max pooling, both with stride 2, as torchvision's.
        case imagenet
        /// A 3x3 convolution with stride 1 and no pooling, for images of about 32x32.
        case small
    }

    /// The network of the paper.
    package var variant: Variant
    /// The layers before the first block.
    package var stem: Stem
    /// The factor of every layer's channels, 0.1 to 4; products are rounded to multiples of 8.
    package var width: Double

    /// Describes a residual network.
    public init(_ variant: Variant, stem: Stem = .imagenet, width: Double = 1) {
        self.variant = variant
        self.stem = stem
        self.width = width
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: variant.rawValue, options: ["stem": stem.rawValue].adding(width: width))
    }

    public var endTensors: (first: String, last: String) { ("conv1.weight", "fc.weight") }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: variant.rawValue)
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        switch stem {
        case .imagenet:
            x = try net.convBatchNorm(
                x, .init("conv1", "bn1", "relu"), channels: scale.channels(64), kernelSize: 7, stride: 2)
            x = try net.maxPool(x, named: "maxpool", kernelSize: 3, stride: 2, padding: 1)
        case .small:
            x = try net.convBatchNorm(x, .init("conv1", "bn1", "relu"), channels: scale.channels(64), kernelSize: 3)
        }
        for (index, stage) in variant.stages.enumerated() {
            for block in 0..<stage.blocks {
                x = try net.scope("layer\(index + 1).\(block)") { net in
                    let channels = scale.channels(stage.channels)
                    let stride = block == 0 ? stage.stride : 1
                    return variant.hasBottlenecks
                        ? try net.bottleneck(x, channels: channels, stride: stride)
                        : try net.basicBlock(x, channels: channels, stride: stride)
                }
            }
        }
        x = try net.globalAveragePool(x, named: "avgpool")
        _ = try net.linear(x, named: "fc", outputs: classes)
        return try net.graph()
    }
}

extension ResNet: RegisteredArchitecture {
    package static var names: [String] { Variant.allCases.map(\.rawValue) }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard let variant = Variant(rawValue: identifier.name) else { return nil }
        try identifier.allowOptions(["stem", "width"])
        self.init(
            variant, stem: try identifier.option("stem", default: .imagenet), width: try identifier.width())
    }
}

extension ResNet.Variant {
    fileprivate var hasBottlenecks: Bool { self == .resnet50 }

    /// Table 1: channels, number of blocks, stride of the first one.
    fileprivate var stages: [(channels: Int, blocks: Int, stride: Int)] {
        let blocks = self == .resnet18 ? [2, 2, 2, 2] : [3, 4, 6, 3]
        return zip([64, 128, 256, 512], blocks).map { ($0, $1, $0 == 64 ? 1 : 2) }
    }
}
