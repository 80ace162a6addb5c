import CNeuralKernels

/// A fully connected layer over the last axis, as PyTorch's `Linear`: `y = x wᵀ + b`.
///
/// Input `[..., inputs]`, output `[..., outputs]`. The parameters are `weight` `[outputs, inputs]` and, with `hasBias`,
/// `bias` `[outputs]`.
package struct Linear: GraphOperation {
    /// The number of output features.
    package var outputs: Int
    /// Whether a bias is added.
    package var hasBias: Bool
    /// The distribution of the first weights; PyTorch's default if nil.
    package var initializer: Initializer?
    /// The distribution of the first bias; PyTorch's default if nil.
    package var biasInitializer: Initializer?

    /// Describes a fully connected layer.
    package init(
        outputs: Int, hasBias: Bool = true, initializer: Initializer? = nil, biasInitializer: Initializer? = nil
    ) {
        self.outputs = outputs
        self.hasBias = hasBias
        self.initializer = initializer
        self.biasInitializer = biasInitializer
    }

    package var kind: String { "Linear" }

    package func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        guard inputs.count == 1, inputs[0].rank >= 1, inputs[0].channels > 0, outputs > 0 else {
            throw ShapeError(node, "a linear layer takes one input with features, not \(inputs) to \(outputs)")
        }
        return TensorShape(inputs[0].dimensions.dropLast() + [outputs])
    }

    package func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        let standard = Initializer.uniform(bound: 1 / Float(inputs[0].channels).squareRoot())
        let shape: TensorShape = [outputs, inputs[0].channels]
        let weight = ParameterSpecification(
            name: "weight", shape: shape,
            layout: inputs[0].rank > 1 ? .permuted(view: shape, order: [1, 0]) : .unchanged,
            initializer: initializer ?? standard)
        guard hasBias else { return [weight] }
        return [
            weight, ParameterSpecification(name: "bias", shape: [outputs], initializer: biasInitializer ?? standard),
        ]
    }

    package func kernel(for request: KernelRequest) -> any Kernel {
        // Over positions it is a 1x1 convolution; of vectors too few are multiplied at a time for packed weights.
        if request.output.rank > 1, let geometry = try? geometry(for: request.inputs, node: kind) {
            return ConvolutionKernel(
                geometry: geometry, fusion: ConvolutionFusion(hasBias: hasBias), request: request)
        }
        return LinearKernel(
            inputs: request.inputs[0].channels, outputs: outputs, hasBias: hasBias, capacity: request.batchCapacity,
            kernel: MatrixKernel(request.algorithms, request.precision))
    }
}

extension Linear: ConvolutionOperation {
    func geometry(for inputs: [TensorShape], node: String) throws(ShapeError) -> ConvolutionGeometry {
        .pointwise(positions: inputs[0].positions, inputs: inputs[0].channels, outputs: outputs)
    }
}

/// The layer over vectors: a product with the weights in PyTorch's layout.
private struct LinearKernel: Kernel {
    let inputs: Int
    let outputs: Int
    let hasBias: Bool
    let capacity: Int
    let kernel: MatrixKernel

    var backwardReads: BackwardReads { .inputs }
    var scratchCount: Int { BlockedSums(rows: capacity, channels: outputs).scratchCount }
    var algorithm: String { "product" }

    func forward(_ pass: ForwardPass) {
        // y [rows x outputs] = x [rows x inputs] · wᵀ [inputs x outputs]
        multiply(
            rows: pass.batch, columns: outputs, inner: inputs, Matrix(pass.inputs[0], rowStride: inputs),
            Matrix(pass.parameters[0], rowStride: inputs, transposed: true), into: pass.output, rowStride: outputs,
            accumulates: false, by: kernel, threads: pass.threads)
        guard hasBias else { return }
        pass.threads.forEachChunk(of: pass.batch, floatsEach: outputs) { rows in
            cnk_add_rows(pass.output + rows.lowerBound * outputs, pass.parameters[1], rows.count, outputs)
        }
    }

    func backward(_ pass: BackwardPass) {
        let dy = pass.outputGradient
        let rows = pass.batch
        if let dx = pass.inputGradients[0] {
            // dx [rows x inputs] = dy [rows x outputs] · w [outputs x inputs]
            multiply(
                rows: rows, columns: inputs, inner: outputs, Matrix(dy, rowStride: outputs),
                Matrix(pass.forward.parameters[0], rowStride: inputs), into: dx.pointer, rowStride: inputs,
                accumulates: dx.accumulates, by: kernel, threads: pass.threads)
        }
        if let dw = pass.parameterGradients[0] {
            // dw [outputs x inputs] = dyᵀ [outputs x rows] · x [rows x inputs]
            multiply(
                rows: outputs, columns: inputs, inner: rows, Matrix(dy, rowStride: outputs, transposed: true),
                Matrix(pass.forward.inputs[0], rowStride: inputs), into: dw, rowStride: inputs, accumulates: false,
                by: kernel, threads: pass.threads)
        }
        if hasBias, let db = pass.parameterGradients[1] {
            BlockedSums(rows: rows, channels: outputs)
                .sumColumns(of: dy, into: db, scratch: pass.scratch, threads: pass.threads)
        }
    }
}

extension GraphBuilder {
    /// Adds a linear layer: `[..., inputs]` to `[..., outputs]`.
    public mutating func linear(
        _ input: Graph.Value, named name: String, outputs: Int, bias: Bool = true
    ) throws(ShapeError) -> Graph.Value {
        try add(Linear(outputs: outputs, hasBias: bias), named: name, input)
    }
}
