import CNeuralKernels

/// Convolution as matrix products over the batch, one for each position of the result; nothing is unrolled or copied,
/// and taps that only meet padding cost nothing. At 1x1 a padded 3x3 convolution does 9 times less work this way, at
/// 2x2 2.25 times, at 4x4 1.44 times. It works for every stride, dilation and number of channels, and is fast for a dozen images or more.
///
/// With channels last, the inputs under a kernel row's live taps lie side by side, and so do their weights. For one
/// output position, summed over the live taps:
///
///     y [batch x outputs]  = x [batch x inputs] · w [inputs x outputs]           forward
///     dx [batch x inputs]  = dy [batch x outputs] · wᵀ [outputs x inputs]        input gradient, one input position
///
/// Weights are packed in panels of 32 columns. The micro-kernel sums over all taps before it writes a result.
///
/// In bfloat16 the inputs and the weights of two neighboring channels are a pair, in place of one float.
struct BatchReduceConvolution: ConvolutionAlgorithm {
    let geometry: ConvolutionGeometry
    private let precision: Precision
    private let outputs: GatheredProducts
    private let inputs: GatheredProducts
    private let weights: BatchReduceWeightGradient
    /// The number of images of `geometry` that one image of the batch consists of.
    private let imagesEach: Int

    init(geometry: ConvolutionGeometry, imagesEach: Int = 1, precision: Precision) {
        self.geometry = geometry
        self.precision = precision
        self.imagesEach = imagesEach
        weights = BatchReduceWeightGradient(geometry: geometry, precision: precision)
        outputs = GatheredProducts(outputsOf: geometry, precision: precision)
        inputs = GatheredProducts(inputsOf: geometry, precision: precision)
    }

    /// Whether the algorithm computes this pass at all: the weight gradient reads whole vectors of output channels.
    static func supports(_ geometry: ConvolutionGeometry, _ pass: ConvolutionPass) -> Bool {
        geometry.groups == 1 && (pass != .weightGradient || geometry.outputChannels % 16 == 0)
    }

    var name: String { geometry.isPointwise ? "product" : "batch-reduce GEMM" }

    func packedCount(_ pass: ConvolutionPass) -> Int {
        switch pass {
        case .forward: outputs.packedCount
        case .inputGradient: inputs.packedCount
        case .weightGradient: 0
        }
    }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        switch pass {
        case .forward: outputs.scratchCount(batch: batch * imagesEach, workers: workers)
        case .inputGradient: inputs.scratchCount(batch: batch * imagesEach, workers: workers)
        case .weightGradient: weights.scratchCount(batch: batch * imagesEach)
        }
    }

    func packWeights(
        _ pass: ConvolutionPass, w: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>,
        threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputChannels, geometry.outputChannels)
        let pack = precision == .float32 ? cnk_pack : cnk_pack_pairs
        let packTransposed = precision == .float32 ? cnk_pack_transposed : cnk_pack_pairs_transposed
        switch pass {
        case .forward:
            self.outputs.pack(threads: threads) { panel, columns, tap, slot, stride in
                pack(
                    w + tap * inputs * outputs + panel, outputs, inputs, columns,
                    packed + panel / Int(CNK_PANEL) * stride + slot, stride)
            }
        case .inputGradient:
            self.inputs.pack(threads: threads) { panel, columns, tap, slot, stride in
                packTransposed(
                    w + (tap * inputs + panel) * outputs, outputs, columns, outputs,
                    packed + panel / Int(CNK_PANEL) * stride + slot, stride)
            }
        case .weightGradient: break
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        outputs.multiply(
            x, packed: w, into: y, epilogue: epilogue, batch: batch * imagesEach, scratch: scratch, threads: threads)
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        inputs.multiply(
            dy, packed: w, into: dx.pointer, epilogue: .adding(to: dx), batch: batch * imagesEach, scratch: scratch,
            threads: threads)
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        weights.multiply(x: x, dy: dy, into: dw, batch: batch * imagesEach, scratch: scratch, threads: threads)
    }
}
