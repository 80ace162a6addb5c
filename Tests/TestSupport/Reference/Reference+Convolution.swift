import NeuralGraph

extension Reference {
    /// The gradients of a convolution.
    public struct ConvolutionGradients: Sendable {
        /// By the input.
        public var input: ReferenceTensor
        /// By the weights, in PyTorch's layout.
        public var weight: [Double]
        /// By the bias.
        public var bias: [Double]
    }

    /// `y[n, p, o] = bias[o] + sum over taps and the group's inputs of x[n, window, i] weight[o, i, tap]`.
    /// - Parameters:
    ///   - weight: in PyTorch's layout, `[outputs, inputs / groups, kernel height, kernel width]`.
    ///   - bias: `[outputs]`; none if nil.
    public static func convolution(
        _ x: ReferenceTensor, weight: [Double], bias: [Double]?, _ operation: Convolution
    ) -> ReferenceTensor {
        var y = ReferenceTensor(batch: x.batch, shape: outputShape(operation, input: x.shape))
        forEachProduct(operation, x: x, y: y) { input, weightIndex, output in
            y.elements[output] += x.elements[input] * weight[weightIndex]
        }
        if let bias {
            for index in y.elements.indices { y.elements[index] += bias[index % operation.outputChannels] }
        }
        return y
    }

    /// The gradients of `sum(dy * convolution(x))`; ``convolution(_:weight:bias:_:)``'s products, each read backwards.
    public static func convolutionGradients(
        of dy: ReferenceTensor, _ x: ReferenceTensor, weight: [Double], _ operation: Convolution
    ) -> ConvolutionGradients {
        var gradients = ConvolutionGradients(
            input: ReferenceTensor(batch: x.batch, shape: x.shape),
            weight: [Double](repeating: 0, count: weight.count),
            bias: [Double](repeating: 0, count: operation.outputChannels))
        forEachProduct(operation, x: x, y: dy) { input, weightIndex, output in
            gradients.input.elements[input] += dy.elements[output] * weight[weightIndex]
            gradients.weight[weightIndex] += dy.elements[output] * x.elements[input]
        }
        for (index, value) in dy.elements.enumerated() {
            gradients.bias[index % operation.outputChannels] += value
        }
        return gradients
    }

    private static func outputShape(_ operation: Convolution, input: Shape) -> Shape {
        func length(_ length: Int, _ padding: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
            (length + padding - dilation * (kernel - 1) - 1) / stride + 1
        }
        let (padding, kernel) = (operation.padding, operation.kernel)
        return [
            length(
                input[0], padding.top + padding.bottom, kernel.height, operation.stride.height,
                operation.dilation.height),
            length(
                input[1], padding.left + padding.right, kernel.width, operation.stride.width,
                operation.dilation.width),
            operation.outputChannels,
        ]
    }

    /// Calls `body` with the indices of every input, weight and output that belong together.
    @inline(__always)
    private static func forEachProduct(
        _ operation: Convolution, x: ReferenceTensor, y: ReferenceTensor, _ body: (Int, Int, Int) -> Void
    ) {
        let (stride, dilation, kernel) = (operation.stride, operation.dilation, operation.kernel)
        let groupInputs = x.shape[2] / operation.groups
        let groupOutputs = operation.outputChannels / operation.groups
        let (height, width) = (x.shape[0], x.shape[1])
        for n in 0..<x.batch {
            for oh in 0..<y.shape[0] {
                for ow in 0..<y.shape[1] {
                    for kh in 0..<kernel.height {
                        let ih = oh * stride.height - operation.padding.top + kh * dilation.height
                        guard (0..<height).contains(ih) else { continue }
                        for kw in 0..<kernel.width {
                            let iw = ow * stride.width - operation.padding.left + kw * dilation.width
                            guard (0..<width).contains(iw) else { continue }
                            let input = x.offset(n, ih, iw)
                            let output = y.offset(n, oh, ow)
                            for o in 0..<operation.outputChannels {
                                let firstInput = o / groupOutputs * groupInputs
                                for i in 0..<groupInputs {
                                    let tap = kh * kernel.width + kw
                                    let weight = (o * groupInputs + i) * kernel.height * kernel.width + tap
                                    body(input + firstInput + i, weight, output + o)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
