extension GraphBuilder {
    /// A convolution padded by half its kernel, so that stride 1 keeps the image's size, without bias unless asked for,
    /// and with He initialization by fan-out over all groups, as torchvision's networks have it.
    mutating func heConvolution(
        _ input: Graph.Value, named name: String, channels: Int, kernelSize: Int, stride: Int = 1, groups: Int = 1,
        bias: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        let deviation = (2 / Float(channels * kernelSize * kernelSize)).squareRoot()
        return try convolution(
            input, named: name, channels: channels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
            padding: Padding((kernelSize - 1) / 2), groups: groups, bias: bias,
            initializer: .normal(standardDeviation: deviation))
    }
}
