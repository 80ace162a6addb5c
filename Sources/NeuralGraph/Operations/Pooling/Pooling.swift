import CNeuralKernels

/// Max or average pooling, as PyTorch's `MaxPool2d` and `AvgPool2d`.
///
/// The input is `[height, width, channels]`, the output `[output height, output width, channels]` with
///
///     output height = (height + top + bottom - kernel height) / stride + 1
///
/// rounded down, or up with `roundsUp`, and the width likewise.
///
/// ```swift
/// var net = GraphBuilder(inputShape: [112, 112, 64])
/// let x = try net.maxPool(net.input, named: "pool", kernelSize: 3, stride: 2, padding: 1)
/// net.shape(of: x)  // [56, 56, 64]
/// ```
package struct Pooling: GraphOperation {
    /// The number that a window becomes.
    package enum Method: Sendable, Hashable {
        /// Its largest number; padding never wins.
        case maximum
        /// Its mean; padding may count as zeros, which is PyTorch's default.
        case average(countsPadding: Bool)
    }

    /// The number that a window becomes.
    package var method: Method
    /// The window's size.
    package var kernelSize: Size2D
    /// The distance between windows.
    package var stride: Size2D
    /// Rows and columns around the image.
    package var padding: Padding
    /// Whether a last window that extends beyond the edge counts (PyTorch's `ceil_mode`).
    package var roundsUp: Bool

    /// Describes a pooling.
    package init(
        _ method: Method, kernelSize: Size2D, stride: Size2D, padding: Padding = 0, roundsUp: Bool = false
    ) {
        self.method = method
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.roundsUp = roundsUp
    }

    package var kind: String { method == .maximum ? "MaxPooling" : "AveragePooling" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        let (rows, columns) = try windows(for: inputs, node: node)
        return [rows.outputLength, columns.outputLength, inputs[0][2]]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        guard let (rows, columns) = try? windows(for: request.inputs, node: kind) else {
            preconditionFailure("the graph was built with this shape")
        }
        let window = cnk_window(
            height: rows.length, width: columns.length, channels: request.output.channels,
            output_height: rows.outputLength, output_width: columns.outputLength,
            kernel_height: rows.kernelSize, kernel_width: columns.kernelSize,
            stride_height: rows.stride, stride_width: columns.stride,
            padding_top: padding.top, padding_left: padding.left, padding_bottom: padding.bottom,
            padding_right: padding.right)
        switch method {
        case .maximum:
            return MaxPoolingKernel(
                window: window, inputCount: request.inputs[0].count, outputCount: request.output.count,
                capacity: request.batchCapacity)
        case .average(let countsPadding):
            return AveragePoolingKernel(
                window: window, countsPadding: countsPadding ? 1 : 0, inputCount: request.inputs[0].count,
                outputCount: request.output.count)
        }
    }

    private func windows(
        for inputs: [TensorShape], node: String
    ) throws(ShapeError) -> (rows: SlidingWindow, columns: SlidingWindow) {
        guard inputs.count == 1, inputs[0].rank == 3 else {
            throw ShapeError(node, "pooling takes one image [height, width, channels], not \(inputs)")
        }
        // Positions are kept as 32-bit integers.
        guard inputs[0].checkedCount != nil else {
            throw ShapeError(
                node, "pooling takes at most \(TensorShape.largestCount) numbers, and at least one, not \(inputs[0])")
        }
        guard
            max(padding.top, padding.bottom) <= kernelSize.height / 2,
            max(padding.left, padding.right) <= kernelSize.width / 2
        else {
            throw ShapeError(node, "padding \(padding) must be at most half of the window \(kernelSize)")
        }
        return (
            try SlidingWindow(
                length: inputs[0][0], kernelSize: kernelSize.height, stride: stride.height, paddingBefore: padding.top,
                paddingAfter: padding.bottom, roundsUp: roundsUp, node: node),
            try SlidingWindow(
                length: inputs[0][1], kernelSize: kernelSize.width, stride: stride.width, paddingBefore: padding.left,
                paddingAfter: padding.right, roundsUp: roundsUp, node: node)
        )
    }
}

private struct MaxPoolingKernel: Kernel {
    let window: cnk_window
    let inputCount: Int
    let outputCount: Int
    let capacity: Int

    /// The chosen positions, as 32-bit integers in the floats' place.
    var savedCount: Int { capacity * outputCount }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch) { image, _ in
            (pass.saved + image * outputCount).withMemoryRebound(to: Int32.self, capacity: outputCount) { choices in
                cnk_max_pool(
                    pass.inputs[0] + image * inputCount, pass.output + image * outputCount, choices, window)
            }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        let saved = pass.forward.saved
        pass.threads.forEach(pass.batch) { image, _ in
            (saved + image * outputCount).withMemoryRebound(to: Int32.self, capacity: outputCount) { choices in
                cnk_max_pool_backward(
                    pass.outputGradient + image * outputCount, choices, dx.pointer + image * inputCount, window,
                    dx.accumulates ? 1 : 0)
            }
        }
    }
}

private struct AveragePoolingKernel: Kernel {
    let window: cnk_window
    let countsPadding: Int32
    let inputCount: Int
    let outputCount: Int

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch) { image, _ in
            cnk_average_pool(
                pass.inputs[0] + image * inputCount, pass.output + image * outputCount, window, countsPadding)
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let dx = pass.inputGradients[0] else { return }
        pass.threads.forEach(pass.batch) { image, _ in
            cnk_average_pool_backward(
                pass.outputGradient + image * outputCount, dx.pointer + image * inputCount, window, countsPadding,
                dx.accumulates ? 1 : 0)
        }
    }
}

/// The mean over all positions: `[height, width, channels]` to `[channels]`.
package struct GlobalAveragePool: GraphOperation {
    /// Describes a global average pooling.
    package init() {}

    package var kind: String { "GlobalAveragePool" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank >= 2, inputs[0].positions > 0 else {
            throw ShapeError(node, "global average pooling takes one image [height, width, channels], not \(inputs)")
        }
        return [inputs[0].channels]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        // A window as large as the image.
        let positions = request.inputs[0].positions
        let window = cnk_window(
            height: positions, width: 1, channels: request.output.channels, output_height: 1, output_width: 1,
            kernel_height: positions, kernel_width: 1, stride_height: 1, stride_width: 1, padding_top: 0,
            padding_left: 0, padding_bottom: 0, padding_right: 0)
        return AveragePoolingKernel(
            window: window, countsPadding: 1, inputCount: request.inputs[0].count,
            outputCount: request.output.count)
    }
}

extension GraphBuilder {
    /// Adds a max pooling, as PyTorch's `MaxPool2d`: `[h, w, c]` to `[h', w', c]`.
    ///
    /// `h' = (h + top + bottom - kernel height) / stride + 1`, rounded down, or up with `roundsUp`; the width likewise. For
    /// example, a 3x3 kernel with stride 2 and padding 1 makes `[56, 56, 64]` of `[112, 112, 64]`.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - kernelSize: height and width of the window.
    ///   - stride: the distance between neighboring windows; the kernel's size if nil.
    ///   - padding: rows and columns around the image, at most half the kernel; they never win.
    ///   - roundsUp: whether a last window that extends beyond the edge counts (PyTorch's `ceil_mode`).
    public mutating func maxPool(
        _ input: Graph.Value, named name: String, kernelSize: Size2D, stride: Size2D? = nil, padding: Padding = 0,
        roundsUp: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        try add(
            Pooling(
                .maximum, kernelSize: kernelSize, stride: stride ?? kernelSize, padding: padding, roundsUp: roundsUp),
            named: name, input)
    }

    /// Adds an average pooling, as PyTorch's `AvgPool2d`: `[h, w, c]` to `[h', w', c]`.
    ///
    /// `h' = (h + top + bottom - kernel height) / stride + 1`, rounded down, or up with `roundsUp`; the width likewise. For
    /// example, a 2x2 kernel makes `[4, 4, 64]` of `[8, 8, 64]`.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - kernelSize: height and width of the window.
    ///   - stride: the distance between neighboring windows; the kernel's size if nil.
    ///   - padding: rows and columns of zeros around the image, at most half the kernel.
    ///   - countsPadding: whether padding counts in the mean, as by default in PyTorch.
    ///   - roundsUp: whether a last window that extends beyond the edge counts (PyTorch's `ceil_mode`).
    public mutating func averagePool(
        _ input: Graph.Value, named name: String, kernelSize: Size2D, stride: Size2D? = nil, padding: Padding = 0,
        countsPadding: Bool = true, roundsUp: Bool = false
    ) throws(ShapeError) -> Graph.Value {
        try add(
            Pooling(
                .average(countsPadding: countsPadding), kernelSize: kernelSize, stride: stride ?? kernelSize,
                padding: padding,
                roundsUp: roundsUp),
            named: name, input)
    }

    /// Adds the mean over all positions: `[h, w, c]` to `[c]`.
    public mutating func globalAveragePool(
        _ input: Graph.Value, named name: String
    ) throws(ShapeError) -> Graph.Value {
        try add(GlobalAveragePool(), named: name, input)
    }
}
