import CNeuralKernels

/// Average pooling to a fixed output size, as PyTorch's `AdaptiveAvgPool2d`.
///
/// Row `i` of `n` is the mean of rows `floor(i H / n)` up to `ceil((i + 1) H / n)` of `H`: windows overlap where `n` does
/// not divide `H`, and rows repeat where it is larger. Input `[height, width, channels]`, output
/// `[output height, output width, channels]`.
package struct AdaptiveAveragePool: GraphOperation {
    /// The output's size.
    package var output: Size2D

    /// Describes an adaptive average pooling.
    package init(output: Size2D) {
        self.output = output
    }

    package var kind: String { "AdaptiveAveragePool" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank == 3, inputs[0].count > 0 else {
            throw ShapeError(node, "adaptive pooling takes one image [height, width, channels], not \(inputs)")
        }
        guard output.height > 0, output.width > 0 else {
            throw ShapeError(node, "adaptive pooling to \(output) must have an output of 1x1 at least")
        }
        return [output.height, output.width, inputs[0][2]]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        let shape = request.inputs[0]
        return AdaptiveAveragePoolingKernel(
            rows: Windows(length: shape[0], count: output.height),
            columns: Windows(length: shape[1], count: output.width), channels: shape.channels)
    }
}

/// The windows along one axis.
private struct Windows {
    let length: Int
    let count: Int

    func range(_ index: Int) -> Range<Int> {
        index * length / count..<((index + 1) * length + count - 1) / count
    }
}

private struct AdaptiveAveragePoolingKernel: Kernel {
    let rows: Windows
    let columns: Windows
    let channels: Int

    private var inputCount: Int { rows.length * columns.length * channels }
    private var outputCount: Int { rows.count * columns.count * channels }

    func forward(_ pass: ForwardPass) {
        pass.threads.forEach(pass.batch) { image, _ in
            let x = pass.inputs[0] + image * inputCount
            let y = pass.output + image * outputCount
            y.update(repeating: 0, count: outputCount)
            forEachPair { output, input, share in cnk_add_scaled(x + input, y + output, channels, share) }
        }
    }

    func backward(_ pass: BackwardPass) {
        guard let target = pass.inputGradients[0] else { return }
        pass.threads.forEach(pass.batch) { image, _ in
            let dx = target.pointer + image * inputCount
            let dy = pass.outputGradient + image * outputCount
            if !target.accumulates { dx.update(repeating: 0, count: inputCount) }
            forEachPair { output, input, share in cnk_add_scaled(dy + output, dx + input, channels, share) }
        }
    }

    /// Calls `body` with where the channels of an output position and of an input position in its window start, and
    /// with the input's share in the mean.
    @inline(__always)
    private func forEachPair(_ body: (_ output: Int, _ input: Int, _ share: Float) -> Void) {
        for row in 0..<rows.count {
            let above = rows.range(row)
            for column in 0..<columns.count {
                let beside = columns.range(column)
                let share = 1 / Float(above.count * beside.count)
                for inputRow in above {
                    for inputColumn in beside {
                        body(
                            (row * columns.count + column) * channels,
                            (inputRow * columns.length + inputColumn) * channels, share)
                    }
                }
            }
        }
    }
}

extension GraphBuilder {
    /// Adds an average pooling to a fixed output size, as PyTorch's `AdaptiveAvgPool2d`.
    ///
    /// `[h, w, c]` becomes `[output height, output width, c]`. Row `i` of `n` is the mean of rows `floor(i h / n)` up to
    /// `ceil((i + 1) h / n)`.
    public mutating func adaptiveAveragePool(
        _ input: Graph.Value, named name: String, output: Size2D
    ) throws(ShapeError) -> Graph.Value {
        try add(AdaptiveAveragePool(output: output), named: name, input)
    }
}
