import Unlearning

/// Four convolutions without batch norm, to see what recipes do to a network that nothing holds together.
struct PlainCNN: Architecture {
    let identifier = ArchitectureIdentifier(name: "plain-cnn")
    let endTensors = (first: "conv0.weight", last: "head.weight")

    func graph(inputShape: TensorShape, classes: Int) throws(ShapeError) -> Graph {
        var builder = GraphBuilder(inputShape: inputShape)
        var x = builder.input
        for (index, (channels, stride)) in [(32, 1), (64, 2), (128, 2), (128, 2)].enumerated() {
            x = try builder.convolution(
                x, named: "conv\(index)", channels: channels, kernelSize: 3, stride: Size2D(stride), padding: 1,
                bias: true)
            x = try builder.relu(x, named: "relu\(index)")
        }
        x = try builder.globalAveragePool(x, named: "pool")
        _ = try builder.linear(x, named: "head", outputs: classes)
        return try builder.graph()
    }
}
