/// MobileNetV2 (Sandler et al. 2018, table 2), with torchvision's parameter names.
public struct MobileNetV2: Architecture {
    /// How the network starts.
    public enum Stem: String, Sendable, CaseIterable {
        /// Strides of 2 in the first convolution and in the second stage, as torchvision's: 224x224 ends as 7x7.
        case imagenet
        /// Strides of 1 there, for images of about 32x32, which then end as 4x4.
        case small
    }

    /// What every layer's channels are multiplied with, 0.1 to 4; results are whole eights. The last convolution has 1280
    /// at least.
    public var width: Double
    /// How the network starts.
    public var stem: Stem
    /// The probability of the dropout before the linear layer.
    public var dropout: Float

    /// Describes a MobileNetV2.
    public init(width: Double = 1, stem: Stem = .imagenet, dropout: Float = 0.2) {
        self.width = width
        self.stem = stem
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "mobilenet_v2", options: ["stem": stem.rawValue].adding(width: width))
    }

    /// Table 2: how many times a block widens its input, its output channels, how many blocks, the first one's stride.
    private static let stages = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ]

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: "mobilenet_v2")
        var builder = GraphBuilder(inputShape: inputShape)
        var x = try builder.heConvolution(
            builder.input, named: "features.0.0", channels: scale.channels(32), kernelSize: 3,
            stride: stem == .small ? 1 : 2)
        x = try builder.batchNormalization(x, named: "features.0.1")
        x = try builder.relu6(x, named: "features.0.2")
        var index = 1
        for (stage, (expansion, outputs, count, stride)) in Self.stages.enumerated() {
            for repetition in 0..<count {
                // The small stem changes strides alone: a block that has no shortcut for its stride gets none.
                let planned = repetition == 0 ? stride : 1
                x = try block(
                    &builder, x, "features.\(index)", expansion: expansion, outputs: scale.channels(outputs),
                    stride: stem == .small && stage == 1 ? 1 : planned, mayAdd: planned == 1)
                index += 1
            }
        }
        x = try builder.heConvolution(
            x, named: "features.\(index).0", channels: max(1280, scale.channels(1280)), kernelSize: 1)
        x = try builder.batchNormalization(x, named: "features.\(index).1")
        x = try builder.relu6(x, named: "features.\(index).2")
        x = try builder.globalAveragePool(x, named: "avgpool")
        x = try builder.dropout(x, named: "classifier.0", probability: dropout)
        _ = try builder.linear(x, named: "classifier.1", outputs: classes)
        return try builder.graph()
    }

    /// An inverted residual: 1x1 to more channels (left out if it widens by 1), depthwise 3x3, 1x1 to few channels
    /// without ReLU, added to the input if it may be and the shapes agree.
    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, expansion: Int, outputs: Int, stride: Int,
        mayAdd: Bool
    ) throws(ShapeError) -> Graph.Value {
        let inputs = builder.shape(of: input).channels
        var x = input
        var layer = 0
        func part(_ index: Int) -> String { "\(name).conv.\(layer).\(index)" }
        if expansion > 1 {
            x = try builder.heConvolution(x, named: part(0), channels: inputs * expansion, kernelSize: 1)
            x = try builder.batchNormalization(x, named: part(1))
            x = try builder.relu6(x, named: part(2))
            layer += 1
        }
        x = try builder.heConvolution(
            x, named: part(0), channels: inputs * expansion, kernelSize: 3, stride: stride, groups: inputs * expansion)
        x = try builder.batchNormalization(x, named: part(1))
        x = try builder.relu6(x, named: part(2))
        x = try builder.heConvolution(x, named: "\(name).conv.\(layer + 1)", channels: outputs, kernelSize: 1)
        x = try builder.batchNormalization(x, named: "\(name).conv.\(layer + 2)")
        guard mayAdd, inputs == outputs else { return x }
        return try builder.add(x, input, named: "\(name).add")
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        try shapes.dimensions(
            stem: "features.0.0.weight", head: "classifier.1.weight", architecture: "mobilenet_v2")
    }
}
