/// VGG-16 (Simonyan and Zisserman 2015, configuration D) with batch norm, and torchvision's parameter names.
public struct VGG16: Architecture {
    /// What every layer's channels and features are multiplied with, 0.1 to 4; results are whole eights. At 1, most of
    /// the 138 million parameters are the classifier's.
    public var width: Double
    /// The probability of the classifier's two dropouts.
    public var dropout: Float

    /// Describes a VGG-16.
    public init(width: Double = 1, dropout: Float = 0.5) {
        self.width = width
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "vgg16_bn", options: [:].adding(width: width))
    }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        let scale = try WidthMultiplier(width, architecture: "vgg16_bn")
        var builder = GraphBuilder(inputShape: inputShape)
        var x = builder.input
        var index = 0
        for (channels, count) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
            for _ in 0..<count {
                x = try builder.heConvolution(
                    x, named: "features.\(index)", channels: scale.channels(channels), kernelSize: 3, bias: true)
                x = try builder.batchNormalization(x, named: "features.\(index + 1)")
                x = try builder.relu(x, named: "features.\(index + 2)")
                index += 3
            }
            x = try builder.maxPool(x, named: "features.\(index)", kernelSize: 2)
            index += 1
        }
        x = try builder.adaptiveAveragePool(x, named: "avgpool", output: 7)
        x = try builder.flatten(x, named: "flatten")
        for layer in [0, 3] {
            x = try builder.linear(x, named: "classifier.\(layer)", outputs: scale.channels(4096))
            x = try builder.relu(x, named: "classifier.\(layer + 1)")
            x = try builder.dropout(x, named: "classifier.\(layer + 2)", probability: dropout)
        }
        _ = try builder.linear(x, named: "classifier.6", outputs: classes)
        return try builder.graph()
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        try shapes.dimensions(stem: "features.0.weight", head: "classifier.6.weight", architecture: "vgg16_bn")
    }
}
