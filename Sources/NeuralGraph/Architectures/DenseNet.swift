/// Densely connected networks (Huang et al. 2017, table 1) of 121, 169 and 201 layers, with torchvision's parameter names.
public struct DenseNet: Architecture {
    /// A network of the paper's table 1, with a growth rate of 32.
    public enum Variant: String, Sendable, CaseIterable {
        /// Dense blocks of 6, 12, 24 and 16 layers.
        case densenet121
        /// Dense blocks of 6, 12, 32 and 32 layers.
        case densenet169
        /// Dense blocks of 6, 12, 48 and 32 layers.
        case densenet201
    }

    /// The network of the paper.
    package var variant: Variant
    /// The layers before the first block.
    package var stem: ResNet.Stem

    /// Describes a densely connected network.
    public init(_ variant: Variant, stem: ResNet.Stem = .imagenet) {
        self.variant = variant
        self.stem = stem
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: variant.rawValue, options: ["stem": stem.rawValue])
    }

    public var endTensors: (first: String, last: String) { ("features.conv0.weight", "classifier.weight") }

    /// The channels that each layer of a block adds.
    private static let growth = 32

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        x = try net.scope("features") { net in
            x = try convolution(
                &net, x, "conv0", channels: 64, kernelSize: stem == .imagenet ? 7 : 3,
                stride: stem == .imagenet ? 2 : 1)
            x = try net.batchNormalization(x, named: "norm0")
            x = try net.relu(x, named: "relu0")
            if stem == .imagenet {
                x = try net.maxPool(x, named: "pool0", kernelSize: 3, stride: 2, padding: 1)
            }
            for (index, layers) in variant.blocks.enumerated() {
                x = try net.scope("denseblock\(index + 1)") { net in try denseBlock(&net, x, layers: layers) }
                guard index < variant.blocks.count - 1 else { break }
                x = try net.scope("transition\(index + 1)") { net in try transition(&net, x) }
            }
            x = try net.batchNormalization(x, named: "norm5")
            return try net.relu(x, named: "relu5")
        }
        x = try net.globalAveragePool(x, named: "avgpool")
        _ = try net.linear(x, named: "classifier", outputs: classes)
        return try net.graph()
    }

    /// Layers that each read the block's input and all layers before them: norm - ReLU - 1x1 - norm - ReLU - 3x3.
    private func denseBlock(
        _ net: inout GraphBuilder, _ input: Graph.Value, layers: Int
    ) throws(ShapeError) -> Graph.Value {
        var x = input
        for layer in 1...layers {
            let new = try net.scope("denselayer\(layer)") { net in
                var y = try net.batchNormalization(x, named: "norm1")
                y = try net.relu(y, named: "relu1")
                y = try convolution(&net, y, "conv1", channels: 4 * Self.growth, kernelSize: 1)
                y = try net.batchNormalization(y, named: "norm2")
                y = try net.relu(y, named: "relu2")
                return try convolution(&net, y, "conv2", channels: Self.growth, kernelSize: 3)
            }
            x = try net.concat([x, new], named: "concat\(layer)")
        }
        return x
    }

    /// Half the channels and a quarter of the positions.
    private func transition(_ net: inout GraphBuilder, _ input: Graph.Value) throws(ShapeError) -> Graph.Value {
        var x = try net.batchNormalization(input, named: "norm")
        x = try net.relu(x, named: "relu")
        x = try convolution(&net, x, "conv", channels: net.shape(of: x).channels / 2, kernelSize: 1)
        return try net.averagePool(x, named: "pool", kernelSize: 2)
    }

    /// A convolution without bias, with He initialization by fan-in, as torchvision's.
    private func convolution(
        _ net: inout GraphBuilder, _ input: Graph.Value, _ name: String, channels: Int, kernelSize: Int, stride: Int = 1
    ) throws(ShapeError) -> Graph.Value {
        try net.convolution(
            input, named: name, channels: channels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
            padding: Padding((kernelSize - 1) / 2), bias: false,
            initializer: .he(fan: net.shape(of: input).channels * kernelSize * kernelSize))
    }
}

extension DenseNet: RegisteredArchitecture {
    package static var names: [String] { Variant.allCases.map(\.rawValue) }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard let variant = Variant(rawValue: identifier.name) else { return nil }
        try identifier.allowOptions(["stem"])
        self.init(variant, stem: try identifier.option("stem", default: .imagenet))
    }
}

extension DenseNet.Variant {
    /// The number of layers of each dense block.
    fileprivate var blocks: [Int] {
        switch self {
        case .densenet121: [6, 12, 24, 16]
        case .densenet169: [6, 12, 32, 32]
        case .densenet201: [6, 12, 48, 32]
        }
    }
}
