/// The smallest of the residual networks, which ``ResNet/init(_:stem:width:)`` describes by default.
public typealias ResNet18 = ResNet

/// Residual networks (He et al. 2016) of 18, 34 and 50 layers, with torchvision's parameter names. As there, the stride
/// of a bottleneck is its 3x3 convolution's.
public struct ResNet: Architecture {
    /// How many layers, which also decides the blocks.
    public enum Depth: String, Sendable, CaseIterable {
        /// Basic blocks, 2 in each of the four stages.
        case resnet18
        /// Basic blocks, 3, 4, 6 and 3.
        case resnet34
        /// Bottlenecks, 3, 4, 6 and 3.
        case resnet50

        fileprivate var blocks: [Int] { self == .resnet18 ? [2, 2, 2, 2] : [3, 4, 6, 3] }
        fileprivate var hasBottlenecks: Bool { self == .resnet50 }
    }

    /// How the network starts.
    public enum Stem: String, Sendable, CaseIterable {
        /// 7x7 convolution with stride 2 and 3x3 max pooling with stride 2, as torchvision's.
        case imagenet
        /// 3x3 convolution with stride 1 and no pooling, for images of about 32x32.
        case small
    }

    /// How many layers.
    public var depth: Depth
    /// How the network starts.
    public var stem: Stem
    /// What every layer's channels are multiplied with, 0.1 to 4; results are whole eights.
    public var width: Double

    /// Describes a residual network.
    public init(_ depth: Depth = .resnet18, stem: Stem = .imagenet, width: Double = 1) {
        self.depth = depth
        self.stem = stem
        self.width = width
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: depth.rawValue, options: ["stem": stem.rawValue].adding(width: width))
    }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: depth.rawValue)
        var builder = GraphBuilder(inputShape: inputShape)
        let kernelSize = stem == .imagenet ? 7 : 3
        var x = try builder.heConvolution(
            builder.input, named: "conv1", channels: scale.channels(64), kernelSize: kernelSize,
            stride: stem == .imagenet ? 2 : 1)
        x = try builder.batchNormalization(x, named: "bn1")
        x = try builder.relu(x, named: "relu")
        if stem == .imagenet {
            x = try builder.maxPool(x, named: "maxpool", kernelSize: 3, stride: 2, padding: 1)
        }
        for (stage, channels) in [64, 128, 256, 512].enumerated() {
            for index in 0..<depth.blocks[stage] {
                let stride = stage > 0 && index == 0 ? 2 : 1
                x = try block(
                    &builder, x, "layer\(stage + 1).\(index)", channels: scale.channels(channels),
                    stride: stride)
            }
        }
        x = try builder.globalAveragePool(x, named: "avgpool")
        _ = try builder.linear(x, named: "fc", outputs: classes)
        return try builder.graph()
    }

    /// Convolutions with norms, ReLU between them, added to the input (projected if its shape differs), then ReLU.
    /// Basic: 3x3 - 3x3. Bottleneck: 1x1 - 3x3 - 1x1 to four times the channels.
    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, channels: Int, stride: Int
    ) throws(ShapeError) -> Graph.Value {
        let layers =
            depth.hasBottlenecks
            ? [(channels, 1, 1), (channels, 3, stride), (4 * channels, 1, 1)]
            : [(channels, 3, stride), (channels, 3, 1)]
        let outputs = depth.hasBottlenecks ? 4 * channels : channels
        var shortcut = input
        if stride != 1 || builder.shape(of: input).channels != outputs {
            shortcut = try builder.heConvolution(
                input, named: "\(name).downsample.0", channels: outputs, kernelSize: 1, stride: stride)
            shortcut = try builder.batchNormalization(shortcut, named: "\(name).downsample.1")
        }
        var x = input
        for (index, (channels, kernelSize, stride)) in layers.enumerated() {
            x = try builder.heConvolution(
                x, named: "\(name).conv\(index + 1)", channels: channels, kernelSize: kernelSize, stride: stride)
            x = try builder.batchNormalization(x, named: "\(name).bn\(index + 1)")
            if index < layers.count - 1 { x = try builder.relu(x, named: "\(name).relu\(index + 1)") }
        }
        x = try builder.add(x, shortcut, named: "\(name).add")
        return try builder.relu(x, named: "\(name).relu\(layers.count)")
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        try shapes.dimensions(stem: "conv1.weight", head: "fc.weight", architecture: depth.rawValue)
    }
}
