import CNeuralKernels

/// The operations that a plan computes together with a convolution.
struct ConvolutionFusion: Sendable {
    /// Whether the convolution has a bias of its own.
    var hasBias: Bool
    /// A batch norm in inference mode, which becomes part of weights and bias.
    var normalization: FoldedNormalization?
    /// The addition and activation that follow.
    var epilogue = Epilogue()
}

/// Batch norm with fixed statistics as part of the convolution before it:
///
///     (w x + b - mean) g / sqrt(var + epsilon) + h  =  (s w) x + (b - mean) s + h,   s = g / sqrt(var + epsilon)
struct FoldedNormalization: Sendable {
    let epsilon: Float

    /// Writes `s w` and the new bias. Parameters are the convolution's, then the norm's weight `g` and bias `h`.
    func fold(
        _ pass: PackingPass, into weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>,
        geometry: ConvolutionGeometry, hasBias: Bool
    ) {
        let first = hasBias ? 2 : 1
        let (gain, shift) = (pass.parameters[first], pass.parameters[first + 1])
        let (mean, variance) = (pass.state[0], pass.state[1])
        let outputs = geometry.groupOutputs
        for channel in 0..<geometry.outputChannels {
            let scale = gain[channel] / (variance[channel] + epsilon).squareRoot()
            let own = hasBias ? pass.parameters[1][channel] : 0
            bias[channel] = shift[channel] + (own - mean[channel]) * scale
            let (group, output) = channel.quotientAndRemainder(dividingBy: outputs)
            let offset = group * geometry.groupWeightCount + output
            for row in 0..<geometry.patch {
                weights[offset + row * outputs] = pass.parameters[0][offset + row * outputs] * scale
            }
        }
    }
}

/// An operation that is a convolution, and of which ``ConvolutionKernel`` does the work.
protocol ConvolutionOperation: GraphOperation {
    var hasBias: Bool { get }
    func geometry(for inputs: [TensorShape], node: String) throws(ShapeError) -> ConvolutionGeometry
}

extension Convolution: ConvolutionOperation {}

/// A convolution with what follows it, in a plan.
struct FusedConvolution: GraphOperation {
    let convolution: any ConvolutionOperation
    let fusion: ConvolutionFusion

    /// What the folded norm's parameters are called, next to the convolution's.
    static let normalizationPrefix = "normalization."

    var kind: String {
        convolution.kind + (fusion.normalization == nil ? "" : " + BatchNormalization") + fusion.epilogue.suffix
    }

    func outputShape(for inputs: [TensorShape], node: String) throws(ShapeError) -> TensorShape {
        try convolution.outputShape(for: [inputs[0]], node: node)
    }

    func parameters(for inputs: [TensorShape]) -> [ParameterSpecification] {
        convolution.parameters(for: inputs)
    }

    func kernel(for request: KernelRequest) -> any Kernel {
        guard let geometry = try? convolution.geometry(for: [request.inputs[0]], node: kind) else {
            preconditionFailure("the graph was built with this shape")
        }
        return ConvolutionKernel(geometry: geometry, fusion: fusion, request: request)
    }
}
