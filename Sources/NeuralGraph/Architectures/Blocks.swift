/// What a network's convolutions with batch norm have in common.
struct ConvolutionStyle {
    /// The largest output of the ReLU: infinity, or 6 for ReLU6.
    var ceiling = Float.infinity
    /// Batch norm's epsilon.
    var epsilon: Float = 1e-5
    /// Whether padding is TensorFlow's `SAME` instead of half the kernel on every side.
    var padsLikeTensorFlow = false
    /// Whether weights are drawn by the fan-out within a group, as timm does, or over all groups, as torchvision does.
    var drawsByGroup = false

    /// Half the kernel as padding, ReLU, and torchvision's first weights.
    static let standard = ConvolutionStyle()
    /// The same with ReLU6.
    static let relu6 = ConvolutionStyle(ceiling: 6)
}

/// The names of a convolution, its batch norm and, where one follows, its activation.
struct ConvolutionNames {
    let convolution: String
    let norm: String
    /// Nil where no activation follows.
    let activation: String?

    init(_ convolution: String, _ norm: String, _ activation: String? = nil) {
        self.convolution = convolution
        self.norm = norm
        self.activation = activation
    }
}

/// What networks are made of.
extension GraphBuilder {
    /// Adds a convolution padded by half its kernel, so that stride 1 keeps the image's size, with He initialization by
    /// fan-out over all groups, as torchvision's networks have it.
    mutating func heConvolution(
        _ input: Graph.Value, named name: String, channels: Int, kernelSize: Int, stride: Int = 1, groups: Int = 1,
        bias: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        try convolution(
            input, named: name, channels: channels, kernelSize: Size2D(kernelSize), stride: Size2D(stride),
            padding: Padding((kernelSize - 1) / 2), groups: groups, bias: bias,
            initializer: .he(fan: channels * kernelSize * kernelSize))
    }

    /// Adds a convolution, batch norm and, where the names have one, ReLU: `[h, w, c]` to `[h / stride, w / stride,
    /// channels]`.
    mutating func convBatchNorm(
        _ input: Graph.Value, _ names: ConvolutionNames, channels: Int, kernelSize: Int = 1, stride: Int = 1,
        groups: Int = 1, bias: Bool = false, style: ConvolutionStyle = .standard
    ) throws(ShapeError) -> Graph.Value {
        let shape = shape(of: input)
        let padding: Padding =
            style.padsLikeTensorFlow && shape.rank == 3
            ? .same(Size2D(height: shape[0], width: shape[1]), kernelSize: Size2D(kernelSize), stride: Size2D(stride))
            : Padding((kernelSize - 1) / 2)
        var x = try convolution(
            input, named: names.convolution, channels: channels, kernelSize: Size2D(kernelSize),
            stride: Size2D(stride), padding: padding, groups: groups, bias: bias,
            initializer: .he(fan: channels * kernelSize * kernelSize, groups: style.drawsByGroup ? groups : 1))
        x = try batchNormalization(x, named: names.norm, epsilon: style.epsilon)
        guard let activation = names.activation else { return x }
        return try add(ReLU(ceiling: style.ceiling), named: activation, x)
    }

    /// Adds two 3x3 convolutions beside a shortcut (He et al. 2016, figure 5, left).
    mutating func basicBlock(
        _ input: Graph.Value, channels: Int, stride: Int
    ) throws(ShapeError) -> Graph.Value {
        let shortcut = try shortcut(input, channels: channels, stride: stride)
        var x = input
        x = try convBatchNorm(x, .init("conv1", "bn1", "relu1"), channels: channels, kernelSize: 3, stride: stride)
        x = try convBatchNorm(x, .init("conv2", "bn2"), channels: channels, kernelSize: 3)
        x = try add(x, shortcut, named: "add")
        return try relu(x, named: "relu2")
    }

    /// Adds a 1x1, a 3x3 and a 1x1 convolution, the last to four times the channels, beside a shortcut (He et al. 2016,
    /// figure 5, right). As in torchvision, the stride is the 3x3 convolution's.
    mutating func bottleneck(
        _ input: Graph.Value, channels: Int, stride: Int
    ) throws(ShapeError) -> Graph.Value {
        let shortcut = try shortcut(input, channels: 4 * channels, stride: stride)
        var x = input
        x = try convBatchNorm(x, .init("conv1", "bn1", "relu1"), channels: channels)
        x = try convBatchNorm(x, .init("conv2", "bn2", "relu2"), channels: channels, kernelSize: 3, stride: stride)
        x = try convBatchNorm(x, .init("conv3", "bn3"), channels: 4 * channels)
        x = try add(x, shortcut, named: "add")
        return try relu(x, named: "relu3")
    }

    /// The input of a residual block as its output's addend: a 1x1 convolution where the shapes differ.
    private mutating func shortcut(
        _ input: Graph.Value, channels: Int, stride: Int
    ) throws(ShapeError) -> Graph.Value {
        guard stride != 1 || shape(of: input).channels != channels else { return input }
        return try convBatchNorm(input, .init("downsample.0", "downsample.1"), channels: channels, stride: stride)
    }

    /// Adds an inverted residual (Sandler et al. 2018, figure 3): 1x1 to more channels, depthwise, 1x1 to few channels
    /// without ReLU; the input is added where `addsInput` allows it and the channels agree.
    /// - Parameter names: of the three convolutions; without the first one, nothing is widened.
    mutating func invertedResidual(
        _ input: Graph.Value, expansion: Int, channels: Int, kernelSize: Int = 3, stride: Int, addsInput: Bool,
        names: (widening: ConvolutionNames?, depthwise: ConvolutionNames, projection: ConvolutionNames),
        style: ConvolutionStyle = .relu6
    ) throws(ShapeError) -> Graph.Value {
        let inputs = shape(of: input).channels
        let inner = inputs * expansion
        var x = input
        if let widening = names.widening {
            x = try convBatchNorm(x, widening, channels: inner, style: style)
        }
        x = try convBatchNorm(
            x, names.depthwise, channels: inner, kernelSize: kernelSize, stride: stride, groups: inner, style: style)
        x = try convBatchNorm(x, names.projection, channels: channels, style: style)
        guard addsInput, inputs == channels else { return x }
        return try add(x, input, named: "add")
    }
}

extension Initializer {
    /// He initialization (He et al. 2015, eq. 10): normal with standard deviation `sqrt(2 / fan)`, by the fan of one group.
    static func he(fan: Int, groups: Int = 1) -> Initializer {
        .normal(standardDeviation: (2 * Float(groups) / Float(fan)).squareRoot())
    }
}

/// A factor for the channels of every layer: the same network, narrower or wider.
struct WidthMultiplier {
    /// The factors that are allowed.
    static let range = 0.1...4.0

    private let factor: Double

    /// - Throws: ``ShapeError`` if the factor is out of ``range``.
    init(_ factor: Double, architecture: String) throws(ShapeError) {
        guard Self.range.contains(factor) else {
            throw ShapeError(
                architecture,
                "the width is \(factor); use a number from \(Self.range.lowerBound) to \(Self.range.upperBound)")
        }
        self.factor = factor
    }

    /// A number of channels times the factor, rounded to a multiple of 8: at least 8, and at least nine tenths of the
    /// product, as in the code of MobileNet's authors.
    func channels(_ count: Int) -> Int {
        let wanted = Double(count) * factor
        let rounded = max(8, Int(wanted + 4) / 8 * 8)
        return Double(rounded) < 0.9 * wanted ? rounded + 8 : rounded
    }
}
