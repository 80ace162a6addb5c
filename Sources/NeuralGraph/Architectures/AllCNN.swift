/// All-CNN-C (Springenberg et al. 2015) with a linear head, with or without batch norm, as unlearning papers use it.
/// Parameters are called `features.N.0` (convolution), `features.N.1` (batch norm) and `classifier.0`.
public struct AllCNN: Architecture {
    /// Whether each convolution is followed by batch norm.
    public var normalizes: Bool
    /// The probability of the two dropouts.
    public var dropout: Float

    /// Describes an All-CNN.
    public init(normalizes: Bool = true, dropout: Float = 0.5) {
        self.normalizes = normalizes
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: normalizes ? "allcnn-bn" : "allcnn")
    }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var builder = GraphBuilder(inputShape: inputShape)
        var x = builder.input
        x = try block(&builder, x, 0, channels: 96)
        x = try block(&builder, x, 1, channels: 96)
        x = try block(&builder, x, 2, channels: 192, stride: 2)
        x = try builder.dropout(x, named: "features.3", probability: dropout)
        x = try block(&builder, x, 4, channels: 192)
        x = try block(&builder, x, 5, channels: 192)
        x = try block(&builder, x, 6, channels: 192, stride: 2)
        x = try builder.dropout(x, named: "features.7", probability: dropout)
        x = try block(&builder, x, 8, channels: 192)
        x = try block(&builder, x, 9, channels: 192, kernelSize: 1)
        x = try builder.globalAveragePool(x, named: "features.10")
        _ = try builder.linear(x, named: "classifier.0", outputs: classes)
        return try builder.graph()
    }

    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ index: Int, channels: Int, kernelSize: Int = 3,
        stride: Int = 1
    ) throws(ShapeError) -> Graph.Value {
        var x = try builder.convolution(
            input, named: "features.\(index).0", channels: channels, kernelSize: Size2D(kernelSize),
            stride: Size2D(stride), padding: Padding((kernelSize - 1) / 2), bias: !normalizes)
        if normalizes { x = try builder.batchNormalization(x, named: "features.\(index).1") }
        return try builder.relu(x, named: "features.\(index).relu")
    }

    public func dimensions(
        fromStateDictionary shapes: [String: TensorShape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        let name = identifier.name
        let stem = try shapes.shape("features.0.0.weight", rank: 4, architecture: name)
        let head = try shapes.shape("classifier.0.weight", rank: 2, architecture: name)
        return (stem[1], head[0])
    }
}
