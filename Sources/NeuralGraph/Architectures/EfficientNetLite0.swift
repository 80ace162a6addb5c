/// EfficientNet-Lite0 (Tan and Le 2019, table 1, without squeeze-and-excitation and with ReLU6), with timm's parameter
/// names.
public struct EfficientNetLite0: Architecture {
    /// Where weights come from: the same tensors mean different networks.
    public enum Origin: String, Sendable, CaseIterable {
        /// timm's `efficientnet_lite0`, trained in PyTorch: equal padding on all sides, batch norm's epsilon 1e-5.
        case pytorch
        /// timm's `tf_efficientnet_lite0`, ported from TensorFlow: ``Padding/same(_:kernelSize:stride:)``, epsilon 1e-3.
        case tensorflow
    }

    /// Where weights come from.
    public var origin: Origin
    /// What the channels of every block are multiplied with, 0.1 to 4; results are whole eights. The first and the last
    /// convolution stay as they are.
    public var width: Double
    /// The probability of the dropout before the linear layer.
    public var dropout: Float

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

    /// Table 1: how many times a block widens its input, its kernel, its output channels, how many blocks, the first
    /// one's stride.
    private static let stages = [
        (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    ]

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: identifier.name)
        var builder = GraphBuilder(inputShape: inputShape)
        var x = try layer(&builder, builder.input, "conv_stem", "bn1", channels: 32, kernelSize: 3, stride: 2)
        for (stage, (expansion, kernelSize, outputs, count, stride)) in Self.stages.enumerated() {
            for index in 0..<count {
                x = try block(
                    &builder, x, "blocks.\(stage).\(index).", expansion: expansion, kernelSize: kernelSize,
                    outputs: scale.channels(outputs),
                    stride: index == 0 ? stride : 1)
            }
        }
        x = try layer(&builder, x, "conv_head", "bn2", channels: 1280)
        x = try builder.globalAveragePool(x, named: "global_pool")
        x = try builder.dropout(x, named: "dropout", probability: dropout)
        _ = try builder.linear(x, named: "classifier", outputs: classes)
        return try builder.graph()
    }

    /// An inverted residual: 1x1 to more channels (left out in the first stage), depthwise, 1x1 to few channels without
    /// ReLU, added to the input if the shapes agree.
    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, expansion: Int, kernelSize: Int,
        outputs: Int,
        stride: Int
    ) throws(ShapeError) -> Graph.Value {
        let inputs = builder.shape(of: input).channels
        let middle = inputs * expansion
        var x = input
        let widens = expansion > 1
        if widens { x = try layer(&builder, x, "\(name)conv_pw", "\(name)bn1", channels: middle) }
        x = try layer(
            &builder, x, "\(name)conv_dw", "\(name)bn\(widens ? 2 : 1)", channels: middle, kernelSize: kernelSize,
            stride: stride,
            groups: middle)
        x = try layer(
            &builder, x, "\(name)conv_pw\(widens ? "l" : "")", "\(name)bn\(widens ? 3 : 2)", channels: outputs,
            rectifies: false)
        guard stride == 1, inputs == outputs else { return x }
        return try builder.add(x, input, named: "\(name)add")
    }

    /// Convolution without bias, batch norm and, unless told otherwise, ReLU6.
    private func layer(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, _ norm: String, channels: Int,
        kernelSize: Int = 1, stride: Int = 1, groups: Int = 1, rectifies: Bool = true
    ) throws(ShapeError) -> Graph.Value {
        let shape = builder.shape(of: input)
        let padding: Padding =
            origin == .pytorch || shape.rank != 3
            ? Padding((kernelSize - 1) / 2)
            : .same(Size2D(height: shape[0], width: shape[1]), kernelSize: Size2D(kernelSize), stride: Size2D(stride))
        // He initialization by fan-out within a group, as timm's.
        let deviation = (2 * Float(groups) / Float(channels * kernelSize * kernelSize)).squareRoot()
        var x = try builder.convolution(
            input, named: name, channels: channels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
            padding: padding,
            groups: groups, bias: false, initializer: .normal(standardDeviation: deviation))
        x = try builder.batchNormalization(x, named: norm, epsilon: origin == .pytorch ? 1e-5 : 1e-3)
        return rectifies ? try builder.relu6(x, named: "\(norm).act") : x
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        try shapes.dimensions(stem: "conv_stem.weight", head: "classifier.weight", architecture: identifier.name)
    }
}
