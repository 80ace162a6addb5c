import NeuralGraph
import TestSupport

/// One convolution of random geometry, with numbers for everything.
struct ConvolutionCase: CustomStringConvertible {
    let operation: Convolution
    let inputShape: TensorShape
    let batch: Int
    private(set) var model: Model
    private(set) var input: [Float]
    private(set) var outputGradient: [Float]

    /// Throws if the window does not fit into the image.
    init(_ operation: Convolution, inputShape: TensorShape, batch: Int, random: inout SeededRandom) throws {
        self.operation = operation
        self.inputShape = inputShape
        self.batch = batch
        var builder = GraphBuilder(inputShape: inputShape)
        _ = try builder.add(operation, named: "node", builder.input)
        let graph = try builder.graph()
        model = Model(graph: graph, seed: random.next())
        input = random.normals(batch * inputShape.count)
        outputGradient = random.normals(batch * graph.outputShape.count)
    }

    var outputShape: TensorShape { model.graph.outputShape }

    /// Positions that a weight's gradient is summed over.
    var positions: Int { batch * outputShape.positions }

    /// Multiplications of a naive forward pass, taps in the padding included.
    var products: Int {
        batch * outputShape.count * operation.kernelSize.height * operation.kernelSize.width * inputShape[2]
            / operation.groups
    }

    /// Multiplications of two-sided differences by every number.
    var numericProducts: Int {
        2 * (input.count + model.parameterCount) * products
    }

    var reference: ReferenceTensor {
        ReferenceTensor(input.map(Double.init), batch: batch, shape: inputShape)
    }

    /// The output and the gradients by the naive definition and its derivative.
    func referenceGradients() -> ReferenceGradients {
        let network = ReferenceNetwork(model)
        let weight = network.parameters["node.weight"] ?? []
        let dy = ReferenceTensor(outputGradient.map(Double.init), batch: batch, shape: outputShape)
        let gradients = Reference.convolutionGradients(of: dy, reference, weight: weight, operation)
        var result = ReferenceGradients(
            output: network.output(for: reference, mode: .training).elements, input: gradients.input.elements,
            parameters: ["node.weight": gradients.weight])
        if operation.hasBias { result.parameters["node.bias"] = gradients.bias }
        return result
    }

    /// The same with all numbers rounded to bfloat16.
    var roundedToBFloat16: ConvolutionCase {
        get throws {
            var rounded = self
            rounded.model = try model.roundedToBFloat16
            rounded.input = input.roundedToBFloat16
            rounded.outputGradient = outputGradient.roundedToBFloat16
            return rounded
        }
    }

    var description: String {
        "\(batch) x \(inputShape) -> \(outputShape), kernel \(operation.kernelSize), stride \(operation.stride), "
            + "padding \(operation.padding), dilation \(operation.dilation), groups \(operation.groups), "
            + (operation.hasBias ? "bias" : "no bias")
    }
}

extension ConvolutionCase {
    /// Every kind of geometry: strides, dilations, groups, padding that differs from side to side, odd sizes.
    static func general(_ random: inout SeededRandom) -> ConvolutionCase {
        fitting(&random) { random in
            let groups = random.pick([1, 1, 2, 3, 4])
            let isDepthwise = groups > 1 && Bool.random(using: &random)
            let inputs = groups * (isDepthwise ? 1 : random.pick([1, 2, 3]))
            let kernelSize = Size2D(height: random.pick([1, 2, 3, 5, 7]), width: random.pick([1, 2, 3, 4, 7]))
            let operation = Convolution(
                outputChannels: groups * random.pick([1, 2, 3]), kernelSize: kernelSize,
                stride: Size2D(height: random.pick([1, 2, 3]), width: random.pick([1, 2, 3])),
                padding: Padding(
                    top: random.pick([0, 1, 2, 3]), left: random.pick([0, 1, 2, 3]),
                    bottom: random.pick([0, 1, 2, 3]), right: random.pick([0, 1, 2, 3])),
                dilation: Size2D(height: random.pick([1, 1, 2]), width: random.pick([1, 1, 2])),
                groups: groups, hasBias: Bool.random(using: &random))
            let shape: TensorShape = [random.pick([1, 2, 4, 5, 7, 9]), random.pick([1, 3, 4, 5, 7, 8]), inputs]
            return (operation, shape, random.pick([1, 1, 2, 3]))
        }
    }

    /// Maps of a few pixels in batches that are large enough for products by position.
    static func tiny(_ random: inout SeededRandom) -> ConvolutionCase {
        fitting(&random) { random in
            let operation = Convolution(
                outputChannels: random.pick([1, 2, 3]),
                kernelSize: Size2D(height: random.pick([2, 3, 3, 5]), width: random.pick([1, 3, 3, 4])),
                stride: Size2D(height: random.pick([1, 1, 2]), width: random.pick([1, 1, 3])),
                padding: Padding(
                    top: random.pick([0, 1, 2]), left: random.pick([0, 1, 1]), bottom: random.pick([0, 1, 3]),
                    right: random.pick([0, 1, 2])),
                dilation: Size2D(height: random.pick([1, 2]), width: 1), hasBias: Bool.random(using: &random))
            let shape: TensorShape = [random.pick([1, 2, 3, 4]), random.pick([1, 2, 3, 4]), random.pick([1, 2, 3])]
            return (operation, shape, random.pick([16, 17, 19]))
        }
    }

    /// One pixel windows, side by side.
    static func pointwise(_ random: inout SeededRandom) -> ConvolutionCase {
        fitting(&random) { random in
            let operation = Convolution(
                outputChannels: random.pick([1, 3, 5, 8]), kernelSize: 1, hasBias: Bool.random(using: &random))
            let shape: TensorShape = [random.pick([1, 2, 3, 5]), random.pick([1, 3, 4]), random.pick([1, 2, 5, 7])]
            return (operation, shape, random.pick([1, 2, 16]))
        }
    }

    /// Windows of 3x3 side by side, over maps, channels and batches that are large enough for Winograd's algorithm and
    /// seldom divide by its tiles and panels.
    static func winograd(_ random: inout SeededRandom) -> ConvolutionCase {
        fitting(&random, numericProducts: .max) { random in
            let operation = Convolution(
                outputChannels: random.pick([16, 17, 24, 32, 45]), kernelSize: 3,
                padding: Padding(
                    top: random.pick([0, 1, 1, 2]), left: random.pick([0, 1, 1, 2]), bottom: random.pick([0, 1, 2]),
                    right: random.pick([0, 1, 2])),
                hasBias: Bool.random(using: &random))
            let shape: TensorShape = [
                random.pick([5, 6, 8, 9, 13]), random.pick([5, 7, 8, 10, 12]), random.pick([16, 19, 31, 40]),
            ]
            let padding = operation.padding
            let tiles =
                (shape[0] + padding.top + padding.bottom + 1) / 4 * ((shape[1] + padding.left + padding.right + 1) / 4)
            // The fewest images that are worth transforming weights for, or some more.
            return (operation, shape, 23 / tiles + random.pick([1, 2, 4]))
        }
    }

    /// Draws until a window fits and two-sided differences are affordable.
    private static func fitting(
        _ random: inout SeededRandom, numericProducts limit: Int = 20_000_000,
        _ draw: (inout SeededRandom) -> (Convolution, TensorShape, Int)
    ) -> ConvolutionCase {
        while true {
            let (operation, shape, batch) = draw(&random)
            if let result = try? ConvolutionCase(operation, inputShape: shape, batch: batch, random: &random),
                result.numericProducts <= limit
            {
                return result
            }
        }
    }
}
