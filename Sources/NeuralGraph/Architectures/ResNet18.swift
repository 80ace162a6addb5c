/// ResNet-18 (He et al. 2016), with torchvision's parameter names.
public struct ResNet18: Architecture {
    /// How the network starts.
    public enum Stem: String, Sendable, CaseIterable {
        /// 7x7 convolution with stride 2 and 3x3 max pooling with stride 2, as torchvision's.
        case imagenet
        /// 3x3 convolution with stride 1 and no pooling, for images of about 32x32.
        case small
    }

    /// How the network starts.
    public var stem: Stem

    /// Describes a ResNet-18.
    public init(stem: Stem = .imagenet) {
        self.stem = stem
    }

    public var identifier: ArchitectureIdentifier {
        ArchitectureIdentifier(name: "resnet18", options: ["stem": stem.rawValue])
    }

    public func graph(inputShape: Shape, classes: Int) throws(ShapeError) -> Graph {
        var builder = GraphBuilder(inputShape: inputShape)
        var x: Graph.Value
        switch stem {
        case .imagenet:
            x = try convolution(&builder, builder.input, "conv1", channels: 64, kernel: 7, stride: 2, padding: 3)
            x = try builder.batchNormalization(x, named: "bn1")
            x = try builder.relu(x, named: "relu")
            x = try builder.maxPooling(x, named: "maxpool", kernel: 3, stride: 2, padding: 1)
        case .small:
            x = try convolution(&builder, builder.input, "conv1", channels: 64, kernel: 3, padding: 1)
            x = try builder.batchNormalization(x, named: "bn1")
            x = try builder.relu(x, named: "relu")
        }
        for (stage, channels) in [64, 128, 256, 512].enumerated() {
            let name = "layer\(stage + 1)"
            x = try block(&builder, x, "\(name).0", channels: channels, stride: stage == 0 ? 1 : 2)
            x = try block(&builder, x, "\(name).1", channels: channels, stride: 1)
        }
        x = try builder.globalAveragePooling(x, named: "avgpool")
        _ = try builder.linear(x, named: "fc", outputs: classes)
        return try builder.graph()
    }

    /// conv 3x3 - norm - ReLU - conv 3x3 - norm, added to the input (projected if its shape differs), then ReLU.
    private func block(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, channels: Int, stride: Int
    ) throws(ShapeError) -> Graph.Value {
        var shortcut = input
        if stride != 1 || builder.shape(of: input).channels != channels {
            shortcut = try convolution(
                &builder, input, "\(name).downsample.0", channels: channels, kernel: 1, stride: Extent(stride))
            shortcut = try builder.batchNormalization(shortcut, named: "\(name).downsample.1")
        }
        var x = try convolution(
            &builder, input, "\(name).conv1", channels: channels, kernel: 3, stride: Extent(stride), padding: 1)
        x = try builder.batchNormalization(x, named: "\(name).bn1")
        x = try builder.relu(x, named: "\(name).relu1")
        x = try convolution(&builder, x, "\(name).conv2", channels: channels, kernel: 3, padding: 1)
        x = try builder.batchNormalization(x, named: "\(name).bn2")
        x = try builder.sum(x, shortcut, named: "\(name).add")
        return try builder.relu(x, named: "\(name).relu2")
    }

    /// Without bias, and with He initialization by fan-out, as torchvision's.
    private func convolution(
        _ builder: inout GraphBuilder, _ input: Graph.Value, _ name: String, channels: Int, kernel: Int,
        stride: Extent = 1, padding: Padding = 0
    ) throws(ShapeError) -> Graph.Value {
        let deviation = (2 / Float(channels * kernel * kernel)).squareRoot()
        return try builder.convolution(
            input, named: name, channels: channels, kernel: Extent(kernel), stride: stride, padding: padding,
            bias: false, initializer: .normal(deviation: deviation))
    }

    public func dimensions(
        fromStateDictionary shapes: [String: Shape]
    ) throws(ArchitectureError) -> (channels: Int, classes: Int) {
        let stem = try shapes.shape("conv1.weight", rank: 4, architecture: "resnet18")
        let head = try shapes.shape("fc.weight", rank: 2, architecture: "resnet18")
        return (stem[1], head[0])
    }
}
