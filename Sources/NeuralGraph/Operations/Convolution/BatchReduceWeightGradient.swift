import CNeuralKernels

/// The weight gradient as matrix products over positions and images, nothing unrolled:
///
///     dw [taps · inputs x outputs] += xᵀ [taps · inputs x positions] · dy [positions x outputs]
///
/// Inputs under a kernel row's taps lie side by side, so that the rows of the result are whole kernel rows; at the
/// image's edges, where some taps meet padding, only the others.
struct BatchReduceWeightGradient: Sendable {
    private let geometry: ConvolutionGeometry
    /// Parts of a kernel row's `taps · inputs`; with dilation, each belongs to one tap.
    private let blocks: [Range<Int>]

    /// Floats of inputs and gradients that are worked on at a time: they stay in a shared cache.
    private static let chunkFloats = 512 * 1024
    /// Rows of one task's part of the result.
    private static let blockRows = 96
    /// Columns of one task's part of the result.
    private static let blockColumns = 256

    init(geometry: ConvolutionGeometry) {
        self.geometry = geometry
        let all = geometry.columns.kernelSize * geometry.inputChannels
        let together = geometry.columns.dilation == 1 ? all : geometry.inputChannels
        blocks = stride(from: 0, to: all, by: together).flatMap { start in
            stride(from: start, to: start + together, by: Self.blockRows).map {
                $0..<min(start + together, $0 + Self.blockRows)
            }
        }
    }

    func multiply(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, into dw: UnsafeMutablePointer<Float>, batch: Int,
        threads: ThreadTeam
    ) {
        let g = geometry
        let images = min(batch, max(8, Self.chunkFloats / (g.inputCount + g.outputCount)))
        let columnBlocks = (g.outputChannels + Self.blockColumns - 1) / Self.blockColumns
        threads.forEachChunk(of: g.weightCount, floatsEach: 1) { part in
            (dw + part.lowerBound).update(repeating: 0, count: part.count)
        }
        var first = 0
        while first < batch {
            let chunk = first..<min(batch, first + images)
            threads.forEach(g.rows.kernelSize * blocks.count * columnBlocks) { task, _ in
                let (rest, columnBlock) = task.quotientAndRemainder(dividingBy: columnBlocks)
                let (kernelRow, block) = rest.quotientAndRemainder(dividingBy: blocks.count)
                let column = columnBlock * Self.blockColumns
                add(
                    kernelRow: kernelRow, rows: blocks[block],
                    columns: column..<min(g.outputChannels, column + Self.blockColumns), images: chunk, x: x, dy: dy,
                    to: dw)
            }
            first = chunk.upperBound
        }
    }

    private func add(
        kernelRow: Int, rows: Range<Int>, columns: Range<Int>, images: Range<Int>, x: UnsafePointer<Float>,
        dy: UnsafePointer<Float>, to dw: UnsafeMutablePointer<Float>
    ) {
        let g = geometry
        let liveRows = outputRows(seeing: kernelRow)
        guard !liveRows.isEmpty else { return }
        let firstRow = liveRows.lowerBound
        forEachColumnClass { outputs, taps in
            let live = rows.clamped(to: taps.lowerBound * g.inputChannels..<taps.upperBound * g.inputChannels)
            guard !live.isEmpty else { return }
            let (tap, channel) = live.lowerBound.quotientAndRemainder(dividingBy: g.inputChannels)
            let source =
                (g.rows.position(output: firstRow, tap: kernelRow) * g.columns.length
                    + g.columns.position(output: outputs.lowerBound, tap: tap)) * g.inputChannels + channel
            let gradient =
                (firstRow * g.columns.outputLength + outputs.lowerBound) * g.outputChannels + columns.lowerBound
            var product = cnk_brgemm()
            product.a = x + images.lowerBound * g.inputCount + source
            product.a_row = 1
            product.b = dy + images.lowerBound * g.outputCount + gradient
            product.b_panel = Int(CNK_PANEL)
            product.c =
                dw + (kernelRow * g.columns.kernelSize * g.inputChannels + live.lowerBound) * g.outputChannels
                + columns.lowerBound
            product.c_row = g.outputChannels
            product.rows = live.count
            product.columns = columns.count
            product.epilogue.accumulates = 1
            sum(&product, images: images.count, rows: liveRows.count, columns: outputs.count)
        }
    }

    /// Sums over images, output rows and output columns, the longer of images and columns innermost.
    private func sum(_ product: inout cnk_brgemm, images: Int, rows: Int, columns: Int) {
        let g = geometry
        let imageAxis = cnk_axis(count: images, a: g.inputCount, b: g.outputCount)
        let columnAxis = cnk_axis(count: columns, a: g.columns.stride * g.inputChannels, b: g.outputChannels)
        (product.outer, product.inner) = columns >= images ? (imageAxis, columnAxis) : (columnAxis, imageAxis)
        product.middle = cnk_axis(
            count: rows, a: g.rows.stride * g.columns.length * g.inputChannels,
            b: g.columns.outputLength * g.outputChannels)
        cnk_multiply(&product)
    }

    /// The output rows whose windows have a kernel row on the image.
    private func outputRows(seeing kernelRow: Int) -> Range<Int> {
        let window = geometry.rows
        var first = 0
        while first < window.outputLength, !window.liveTaps(at: first).contains(kernelRow) { first += 1 }
        var end = first
        while end < window.outputLength, window.liveTaps(at: end).contains(kernelRow) { end += 1 }
        return first..<end
    }

    /// Calls `body` for each run of neighboring output columns that see the same taps.
    private func forEachColumnClass(_ body: (_ outputs: Range<Int>, _ taps: Range<Int>) -> Void) {
        let window = geometry.columns
        var start = 0
        while start < window.outputLength {
            let taps = window.liveTaps(at: start)
            var end = start + 1
            while end < window.outputLength, window.liveTaps(at: end) == taps { end += 1 }
            if !taps.isEmpty { body(start..<end, taps) }
            start = end
        }
    }
}
