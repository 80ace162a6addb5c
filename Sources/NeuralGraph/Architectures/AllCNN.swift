/// All-CNN-C (Springenberg et al. 2015) with a linear head, with or without batch norm, as unlearning papers use it.
///
/// Parameters are called `features.N.0` (convolution), `features.N.1` (batch norm) and `classifier.0`.
public struct AllCNN: Architecture {
    /// Whether each convolution is followed by batch norm.
    package var normalizes: Bool
    /// The probability of the two dropouts.
    package var dropout: Float

    /// Describes an All-CNN.
    public init(normalizes: Bool = true, dropout: Float = 0.5) {
        self.normalizes = normalizes
        self.dropout = dropout
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: normalizes ? "allcnn-bn" : "allcnn")
    }

    public var endTensors: (first: String, last: String) { ("features.0.0.weight", "classifier.0.weight") }

    public func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var net = GraphBuilder(inputShape: inputShape)
        var x = net.input
        x = try block(&net, x, 0, channels: 96)
        x = try block(&net, x, 1, channels: 96)
        x = try block(&net, x, 2, channels: 192, stride: 2)
        x = try net.dropout(x, named: "features.3", probability: dropout)
        x = try block(&net, x, 4, channels: 192)
        x = try block(&net, x, 5, channels: 192)
        x = try block(&net, x, 6, channels: 192, stride: 2)
        x = try net.dropout(x, named: "features.7", probability: dropout)
        x = try block(&net, x, 8, channels: 192)
        x = try block(&net, x, 9, channels: 192, kernelSize: 1)
        x = try net.globalAveragePool(x, named: "features.10")
        _ = try net.linear(x, named: "classifier.0", outputs: classes)
        return try net.graph()
    }

    private func block(
        _ net: inout GraphBuilder, _ input: Graph.Value, _ index: Int, channels: Int, kernelSize: Int = 3,
        stride: Int = 1
    ) throws(ShapeError) -> Graph.Value {
        try net.scope("features.\(index)") { net in
            var x = try net.convolution(
                input, named: "0", channels: channels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
                padding: Padding((kernelSize - 1) / 2), bias: !normalizes)
            if normalizes { x = try net.batchNormalization(x, named: "1") }
            return try net.relu(x, named: "relu")
        }
    }
}

extension AllCNN: RegisteredArchitecture {
    package static var names: [String] { ["allcnn", "allcnn-bn"] }

    package init?(_ identifier: ArchitectureIdentifier) throws(ArchitectureError) {
        guard Self.names.contains(identifier.name) else { return nil }
        try identifier.allowOptions([])
        self.init(normalizes: identifier.name == "allcnn-bn")
    }
}
