/// Two-dimensional convolution (cross-correlation), as PyTorch's `Conv2d`.
///
/// The input is `[height, width, input channels]`, the output `[output height, output width, output channels]` with
///
///     output height = (height + top + bottom - dilation * (kernel height - 1) - 1) / stride + 1
///
/// rounded down, and the width likewise. The parameters are `weight`
/// `[output channels, input channels / groups, kernel height, kernel width]` and, with `hasBias`, `bias`
/// `[output channels]`.
///
/// ```swift
/// var net = GraphBuilder(inputShape: [32, 32, 3])
/// let x = try net.convolution(net.input, named: "conv1", channels: 64, kernelSize: 7, stride: 2, padding: 3)
/// net.shape(of: x)  // [16, 16, 64]
/// ```
package struct Convolution: GraphOperation {
    /// The number of output channels.
    package var outputChannels: Int
    /// The kernel's height and width.
    package var kernelSize: Size2D
    /// The distance between neighboring windows.
    package var stride: Size2D
    /// The rows and columns of zeros around the image.
    package var padding: Padding
    /// The distance between neighboring kernel elements on the image.
    package var dilation: Size2D
    /// The number of groups of channels; each output group reads one input group. It divides both numbers of channels.
    package var groups: Int
    /// Whether a bias is added to each output channel.
    package var hasBias: Bool
    /// The distribution of the first weights; PyTorch's default if nil.
    package var initializer: Initializer?

    /// Describes a convolution.
    package init(
        outputChannels: Int, kernelSize: Size2D, stride: Size2D = 1, padding: Padding = 0, dilation: Size2D = 1,
        groups: Int = 1, hasBias: Bool = true, initializer: Initializer? = nil
    ) {
        self.outputChannels = outputChannels
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.hasBias = hasBias
        self.initializer = initializer
    }

    package var kind: String { "Convolution" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let geometry = try geometry(for: inputs, node: node)
        return [geometry.rows.outputLength, geometry.columns.outputLength, outputChannels]
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let groupInputs = inputs[0].channels / groups
        let patch = kernelSize.height * kernelSize.width * groupInputs
        let standard = Initializer.uniform(bound: 1 / Float(patch).squareRoot())
        let weight = ParameterSpecification(
            name: "weight", shape: [outputChannels, groupInputs, kernelSize.height, kernelSize.width],
            layout: .permuted(
                view: [groups, outputChannels / groups, groupInputs, kernelSize.height, kernelSize.width],
                order: [0, 3, 4, 2, 1]),
            initializer: initializer ?? standard)
        guard hasBias else { return [weight] }
        return [weight, ParameterSpecification(name: "bias", shape: [outputChannels], initializer: standard)]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        guard let geometry = try? geometry(for: request.inputs, node: kind) else {
            preconditionFailure("the graph was built with this shape")
        }
        return ConvolutionKernel(geometry: geometry, fusion: ConvolutionFusion(hasBias: hasBias), request: request)
    }

    func geometry(for inputs: [TensorShape], node: String) throws(ShapeError) -> ConvolutionGeometry {
        guard inputs.count == 1, inputs[0].rank == 3 else {
            throw ShapeError(node, "convolution takes one image [height, width, channels], not \(inputs)")
        }
        let input = inputs[0]
        guard groups > 0, outputChannels > 0, input[2] > 0, input[2] % groups == 0, outputChannels % groups == 0
        else {
            throw ShapeError(
                node,
                "\(groups) groups must divide \(input[2]) input and \(outputChannels) output channels, "
                    + "all of them at least 1")
        }
        _ = try checked(
            TensorShape([kernelSize.height, kernelSize.width, input[2] / groups, outputChannels]), node: node)
        return ConvolutionGeometry(
            rows: try SlidingWindow(
                length: input[0], kernelSize: kernelSize.height, stride: stride.height, dilation: dilation.height,
                paddingBefore: padding.top, paddingAfter: padding.bottom, node: node),
            columns: try SlidingWindow(
                length: input[1], kernelSize: kernelSize.width, stride: stride.width, dilation: dilation.width,
                paddingBefore: padding.left, paddingAfter: padding.right, node: node),
            inputChannels: input[2], outputChannels: outputChannels, groups: groups)
    }
}

extension GraphBuilder {
    /// Adds a convolution: `[h, w, c]` to `[h', w', channels]`.
    /// - Throws: ``ShapeError`` if the input is not an image, the kernel is larger than the padded image, or the groups do
    ///   not divide the channels.
    public mutating func convolution(
        _ input: Graph.Value, named name: String, channels: Int, kernelSize: Size2D, stride: Size2D = 1,
        padding: Padding = 0, dilation: Size2D = 1, groups: Int = 1, bias: Bool = true,
        initializer: Initializer? = nil
    ) throws(ShapeError) -> Graph.Value {
        try add(
            Convolution(
                outputChannels: channels, kernelSize: kernelSize, stride: stride, padding: padding, dilation: dilation,
                groups: groups, hasBias: bias, initializer: initializer),
            named: name, input)
    }
}
