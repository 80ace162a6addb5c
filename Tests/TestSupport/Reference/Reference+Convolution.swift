package import NeuralGraph

extension Reference {
    /// The gradients of a convolution.
    package struct ConvolutionGradients: Sendable {
        /// By the input.
        package var input: ReferenceTensor
        /// By the weights, in PyTorch's layout.
        package var weight: [Double]
        /// By the bias.
        package var bias: [Double]
    }

    /// `y[n, p, o] = bias[o] + sum over taps and the group's inputs of x[n, window, i] weight[o, i, tap]`.
    /// - Parameters:
    ///   - weight: in PyTorch's layout, `[outputs, inputs / groups, kernel height, kernel width]`.
    ///   - bias: `[outputs]`; none if nil.
    package static func convolution(
        _ x: ReferenceTensor, weight: [Double], bias: [Double]?, _ operation: Convolution
    ) -> ReferenceTensor {
        var y = ReferenceTensor(batch: x.batch, shape: outputShape(operation, input: x.shape))
        let layout = TapLayout(operation, inputs: x.shape[2])
        addProducts(
            operation, x.batch, x.shape, y.shape, layout, from: x.elements, layout.inputMajor(weight), to: &y.elements)
        if let bias {
            for index in y.elements.indices { y.elements[index] += bias[index % operation.outputChannels] }
        }
        return y
    }

    /// The gradients of `sum(dy * convolution(x))`; ``convolution(_:weight:bias:_:)``'s products, each read backward.
    package static func convolutionGradients(
        of dy: ReferenceTensor, _ x: ReferenceTensor, weight: [Double], _ operation: Convolution
    ) -> ConvolutionGradients {
        let layout = TapLayout(operation, inputs: x.shape[2])
        var dx = ReferenceTensor(batch: x.batch, shape: x.shape)
        addProducts(
            operation, x.batch, x.shape, dy.shape, layout, from: dy.elements, layout.outputMajor(weight),
            to: &dx.elements,
            backward: true)
        var dw = [Double](repeating: 0, count: weight.count)
        let (groupInputs, groupOutputs) = (layout.groupInputs, layout.groupOutputs)
        forEachTap(operation, x.batch, x.shape, dy.shape) { tap, input, output in
            for g in 0..<layout.groups {
                for i in 0..<groupInputs {
                    let value = x.elements[input + g * groupInputs + i]
                    let row = ((tap * layout.groups + g) * groupInputs + i) * groupOutputs
                    addScaled(dy.elements, output + g * groupOutputs, value, to: &dw, row, count: groupOutputs)
                }
            }
        }
        var bias = [Double](repeating: 0, count: operation.outputChannels)
        for (index, value) in dy.elements.enumerated() { bias[index % operation.outputChannels] += value }
        return ConvolutionGradients(input: dx, weight: layout.fromInputMajor(dw), bias: bias)
    }

    /// Weights with the taps outermost, so that the innermost loops run over neighbors in memory.
    private struct TapLayout {
        let taps: Int
        let groups: Int
        let groupInputs: Int
        let groupOutputs: Int

        init(_ operation: Convolution, inputs: Int) {
            taps = operation.kernelSize.height * operation.kernelSize.width
            groups = operation.groups
            groupInputs = inputs / operation.groups
            groupOutputs = operation.outputChannels / operation.groups
        }

        /// `[taps, groups, group's inputs, group's outputs]` of PyTorch's layout.
        func inputMajor(_ weight: [Double]) -> [Double] {
            var result = weight
            forEach { pytorch, inputMajor, _ in result[inputMajor] = weight[pytorch] }
            return result
        }

        /// `[taps, groups, group's outputs, group's inputs]` of PyTorch's layout.
        func outputMajor(_ weight: [Double]) -> [Double] {
            var result = weight
            forEach { pytorch, _, outputMajor in result[outputMajor] = weight[pytorch] }
            return result
        }

        /// PyTorch's layout of `[taps, groups, group's inputs, group's outputs]`.
        func fromInputMajor(_ weight: [Double]) -> [Double] {
            var result = weight
            forEach { pytorch, inputMajor, _ in result[pytorch] = weight[inputMajor] }
            return result
        }

        private func forEach(_ body: (_ pytorch: Int, _ inputMajor: Int, _ outputMajor: Int) -> Void) {
            for g in 0..<groups {
                for o in 0..<groupOutputs {
                    for i in 0..<groupInputs {
                        for tap in 0..<taps {
                            let block = tap * groups + g
                            body(
                                ((g * groupOutputs + o) * groupInputs + i) * taps + tap,
                                (block * groupInputs + i) * groupOutputs + o,
                                (block * groupOutputs + o) * groupInputs + i)
                        }
                    }
                }
            }
        }
    }

    /// Adds every product of a number and a weight to where it belongs.
    /// - Parameters:
    ///   - source: the inputs, or going backward the gradients of the outputs.
    ///   - weight: the weights with the source's channels before the target's.
    ///   - target: the outputs, or going backward the gradients of the inputs.
    private static func addProducts(
        _ operation: Convolution, _ batch: Int, _ inputShape: TensorShape, _ outputShape: TensorShape,
        _ layout: TapLayout,
        from source: [Double], _ weight: [Double], to target: inout [Double], backward: Bool = false
    ) {
        let (from, to) =
            backward ? (layout.groupOutputs, layout.groupInputs) : (layout.groupInputs, layout.groupOutputs)
        forEachTap(operation, batch, inputShape, outputShape) { tap, input, output in
            let (first, place) = backward ? (output, input) : (input, output)
            for g in 0..<layout.groups {
                for channel in 0..<from {
                    let row = ((tap * layout.groups + g) * from + channel) * to
                    addScaled(weight, row, source[first + g * from + channel], to: &target, place + g * to, count: to)
                }
            }
        }
    }

    /// `target[j] += scale * source[i]` for `count` neighbors.
    @inline(__always)
    private static func addScaled(
        _ source: [Double], _ i: Int, _ scale: Double, to target: inout [Double], _ j: Int, count: Int
    ) {
        source.withUnsafeBufferPointer { source in
            target.withUnsafeMutableBufferPointer { target in
                for k in 0..<count { target[j + k] += scale * source[i + k] }
            }
        }
    }

    private static func outputShape(_ operation: Convolution, input: TensorShape) -> TensorShape {
        func length(_ length: Int, _ padding: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
            (length + padding - dilation * (kernel - 1) - 1) / stride + 1
        }
        let (padding, kernel) = (operation.padding, operation.kernelSize)
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

    /// Calls `body` for every tap of every window that meets the image, with the positions of the first channels of the
    /// input and output pixels.
    @inline(__always)
    private static func forEachTap(
        _ operation: Convolution, _ batch: Int, _ input: TensorShape, _ output: TensorShape,
        _ body: (Int, Int, Int) -> Void
    ) {
        let (stride, dilation, kernel) = (operation.stride, operation.dilation, operation.kernelSize)
        let (height, width) = (input[0], input[1])
        for n in 0..<batch {
            for oh in 0..<output[0] {
                for ow in 0..<output[1] {
                    for kh in 0..<kernel.height {
                        let ih = oh * stride.height - operation.padding.top + kh * dilation.height
                        guard (0..<height).contains(ih) else { continue }
                        for kw in 0..<kernel.width {
                            let iw = ow * stride.width - operation.padding.left + kw * dilation.width
                            guard (0..<width).contains(iw) else { continue }
                            body(
                                kh * kernel.width + kw, ((n * height + ih) * width + iw) * input[2],
                                ((n * output[0] + oh) * output[1] + ow) * output[2])
                        }
                    }
                }
            }
        }
    }
}
