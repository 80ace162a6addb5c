/// VGG-16 (Simonyan and Zisserman 2015, configuration D) with batch norm, and torchvision's parameter names.
public struct VGG16: Architecture {
    /// The factor of every layer's channels and features, 0.1 to 4; products are rounded to multiples of 8.
    ///
    /// At 1 the network has 138 million parameters, most of them in the classifier.
    package var width: Double
    /// The probability of the classifier's two dropouts.
    package var dropout: Float

    /// Describes a VGG-16.
    public init(width: Double = 1, dropout: Float = 0.5) {
        self.width = width
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "vgg16_bn", options: [:].adding(width: width))
    }

    public var endTensors: (first: String, last: String) { ("features.0.weight", "classifier.6.weight") }

    /// Configuration D: channels and number of 3x3 convolutions between poolings.
    private static let stages: [(channels: Int, convolutions: Int)] = [
        (64, 2), (128, 2), (256, 3), (512, 3), (512, 3),
    ]

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: identifier.name)
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        x = try net.scope("features") { net in
            var layer = 0
            for stage in Self.stages {
                for _ in 0..<stage.convolutions {
                    x = try net.convBatchNorm(
                        x, .init("\(layer)", "\(layer + 1)", "\(layer + 2)"), channels: scale.channels(stage.channels),
                        kernelSize: 3, bias: true)
                    layer += 3
                }
                x = try net.maxPool(x, named: "\(layer)", kernelSize: 2)
                layer += 1
            }
            return x
        }
        x = try net.adaptiveAveragePool(x, named: "avgpool", output: 7)
        x = try net.flatten(x, named: "flatten")
        for layer in [0, 3] {
            x = try net.linear(x, named: "classifier.\(layer)", outputs: scale.channels(4096))
            x = try net.relu(x, named: "classifier.\(layer + 1)")
            x = try net.dropout(x, named: "classifier.\(layer + 2)", probability: dropout)
        }
        _ = try net.linear(x, named: "classifier.6", outputs: classes)
        return try net.graph()
    }
}

extension VGG16: RegisteredArchitecture {
    package static var names: [String] { ["vgg16_bn"] }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard Self.names.contains(identifier.name) else { return nil }
        try identifier.allowOptions(["width"])
        self.init(width: try identifier.width())
    }
}
