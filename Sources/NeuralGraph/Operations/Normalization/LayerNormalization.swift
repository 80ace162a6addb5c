import CNeuralKernels

/// Layer normalization over the last axis (Ba et al. 2016), as PyTorch's `LayerNorm` of one axis.
///
/// `(x - mean) / sqrt(variance + epsilon) * weight + bias` with each position's mean and biased variance. Input and output
/// `[..., channels]`; optional parameters `weight` and `bias` `[channels]`.
package struct LayerNormalization: GraphOperation {
    /// A small number added to the variance.
    package var epsilon: Float
    /// Whether the result is multiplied by `weight`.
    package var hasScale: Bool
    /// Whether `bias` is added.
    package var hasShift: Bool

    /// Describes a layer normalization.
    package init(epsilon: Float = 1e-5, hasScale: Bool = true, hasShift: Bool = true) {
        self.epsilon = epsilon
        self.hasScale = hasScale
        self.hasShift = hasShift
    }

    package var kind: String { "LayerNormalization" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard epsilon >= 0, epsilon.isFinite else {
            throw ShapeError(node, "\(kind) takes a finite epsilon from 0, not \(epsilon)")
        }
        return try onlyInput(inputs, node: node, minimumRank: 1)
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let shape: TensorShape = [inputs[0].channels]
        let weight = ParameterSpecification(name: "weight", shape: shape, initializer: .constant(1))
        let bias = ParameterSpecification(name: "bias", shape: shape, initializer: .constant(0))
        return (hasScale ? [weight] : []) + (hasShift ? [bias] : [])
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        LayerNormalizationKernel(
            operation: self, positions: request.output.positions, channels: request.output.channels,
            capacity: request.batchCapacity)
    }
}

private struct LayerNormalizationKernel: Kernel {
    let operation: LayerNormalization
    let positions: Int
    let channels: Int
    let capacity: Int

    var backwardReads: BackwardReads { .inputs }
    /// Each row's mean and inverse standard deviation.
    var savedCount: Int { 2 * capacity * positions }
    /// Sums of blocks of rows: of the gradient and of its product with the normalized input.
    var scratchCount: Int { BlockedSums(rows: capacity * positions, channels: channels, quantities: 2).scratchCount }
    var worksInPlace: Bool { true }

    private func weight(_ parameters: [UnsafeMutablePointer<Float>]) -> UnsafeMutablePointer<Float>? {
        operation.hasScale ? parameters[0] : nil
    }

    func forward(_ pass: ForwardPass) {
        let rows = pass.batch * positions
        let weight = weight(pass.parameters)
        let bias = operation.hasShift ? pass.parameters[operation.hasScale ? 1 : 0] : nil
        pass.threads.forEachChunk(of: rows, floatsEach: channels) { part in
            let offset = part.lowerBound * channels
            cnk_layer_norm(
                pass.inputs[0] + offset, pass.output + offset, part.count, channels, weight, bias, operation.epsilon,
                pass.saved + part.lowerBound, pass.saved + rows + part.lowerBound)
        }
    }

    func backward(_ pass: BackwardPass) {
        let forward = pass.forward
        let rows = pass.batch * positions
        // The parameters' first: the input's gradient may be written over the output's.
        if pass.parameterGradients.contains(where: { $0 != nil }) { passParameters(pass, rows: rows) }
        guard let dx = pass.inputGradients[0] else { return }
        let weight = weight(forward.parameters)
        pass.threads.forEachChunk(of: rows, floatsEach: channels) { part in
            let offset = part.lowerBound * channels
            cnk_layer_norm_backward(
                forward.inputs[0] + offset, pass.outputGradient + offset, dx.pointer + offset, part.count, channels,
                weight, forward.saved + part.lowerBound, forward.saved + rows + part.lowerBound,
                dx.accumulates ? 1 : 0)
        }
    }

    private func passParameters(_ pass: BackwardPass, rows: Int) {
        let forward = pass.forward
        let sums = BlockedSums(rows: rows, channels: channels, quantities: 2)
        sums.forEachBlock(pass.scratch, pass.threads) { block, partial, _ in
            cnk_layer_norm_sums(
                forward.inputs[0] + block.lowerBound * channels, pass.outputGradient + block.lowerBound * channels,
                block.count, channels, forward.saved + block.lowerBound, forward.saved + rows + block.lowerBound,
                partial, partial + channels)
        }
        let dw = operation.hasScale ? pass.parameterGradients[0] : nil
        let db = operation.hasShift ? pass.parameterGradients[operation.hasScale ? 1 : 0] : nil
        for channel in 0..<channels {
            dw?[channel] = Float(sums.total(pass.scratch, channel: channel, quantity: 1))
            db?[channel] = Float(sums.total(pass.scratch, channel: channel))
        }
    }
}

extension GraphBuilder {
    /// Adds a layer normalization over the last axis (Ba et al. 2016), as PyTorch's `LayerNorm`; the shape stays.
    /// - Parameters:
    ///   - input: the input.
    ///   - name: the node's name.
    ///   - epsilon: a small number added to the variance.
    ///   - hasScale: whether the result is multiplied by a parameter `weight` `[channels]`.
    ///   - hasShift: whether a parameter `bias` `[channels]` is added.
    public mutating func layerNormalization(
        _ input: Graph.Value, named name: String, epsilon: Float = 1e-5, hasScale: Bool = true, hasShift: Bool = true
    ) throws(ShapeError) -> Graph.Value {
        try add(
            LayerNormalization(epsilon: epsilon, hasScale: hasScale, hasShift: hasShift), named: name, input)
    }
}
