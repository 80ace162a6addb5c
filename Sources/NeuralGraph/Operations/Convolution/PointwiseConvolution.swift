/// A 1x1 convolution with stride 1: one matrix product over all positions of the batch.
///
///     y [positions x outputs] = x [positions x inputs] · w [inputs x outputs]
struct PointwiseConvolution: ConvolutionAlgorithm {
    let geometry: ConvolutionGeometry

    /// Rows or columns that one task multiplies.
    private static let block = 512

    var name: String { "product" }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        0
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        threads.forEachBlock(of: batch * g.outputPositions, size: Self.block) { rows in
            // y [rows x outputs] = x [rows x inputs] · w [inputs x outputs]
            multiply(
                rows: rows.count, columns: g.outputChannels, inner: g.inputChannels,
                Matrix(x + rows.lowerBound * g.inputChannels, rowStride: g.inputChannels),
                Matrix(w, rowStride: g.outputChannels),
                into: y + rows.lowerBound * g.outputChannels, rowStride: g.outputChannels, accumulates: false)
        }
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        threads.forEachBlock(of: batch * g.outputPositions, size: Self.block) { rows in
            // dx [rows x inputs] = dy [rows x outputs] · wᵀ [outputs x inputs]
            multiply(
                rows: rows.count, columns: g.inputChannels, inner: g.outputChannels,
                Matrix(dy + rows.lowerBound * g.outputChannels, rowStride: g.outputChannels),
                Matrix(w, rowStride: g.outputChannels, transposed: true),
                into: dx.pointer + rows.lowerBound * g.inputChannels, rowStride: g.inputChannels,
                accumulates: dx.accumulates)
        }
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        // Blocks of the result rather than of the long inner axis, so that nothing has to be summed up afterwards.
        let size = max(16, (g.inputChannels + 7) / 8)
        threads.forEachBlock(of: g.inputChannels, size: size) { inputs in
            // dw [inputs x outputs] = xᵀ [inputs x positions] · dy [positions x outputs]
            multiply(
                rows: inputs.count, columns: g.outputChannels, inner: batch * g.outputPositions,
                Matrix(x + inputs.lowerBound, rowStride: g.inputChannels, transposed: true),
                Matrix(dy, rowStride: g.outputChannels),
                into: dw + inputs.lowerBound * g.outputChannels, rowStride: g.outputChannels,
                accumulates: false)
        }
    }
}
