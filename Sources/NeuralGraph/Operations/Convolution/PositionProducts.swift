/// Convolution of maps so small that many windows hang over the edge: one matrix product per output position and
/// kernel row over the batch, from which taps that only meet padding are left out.
///
/// With channels last, the inputs under a kernel row's live taps lie side by side, and so do their weights; nothing
/// is unrolled or copied. For one output position and kernel row:
///
///     y [batch x outputs] += x [batch x live taps · inputs] · w [live taps · inputs x outputs]
///
/// At 1x1 a padded 3x3 convolution does 9 times less work this way, at 2x2 2.25 times, at 4x4 1.44 times.
struct PositionProducts: ConvolutionAlgorithm {
    let geometry: ConvolutionGeometry

    var name: String { "position products" }

    /// Examples that one task works on: enough rows to multiply well, and several tasks for a common batch.
    private static func examples(_ batch: Int) -> Int { min(128, max(32, (batch + 3) / 4)) }
    private static let exampleBlock = 256
    private static let outputBlock = 256
    private static let inputBlock = 128

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int { 0 }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let size = Self.exampleBlock
        let columnBlocks = (g.outputChannels + Self.outputBlock - 1) / Self.outputBlock
        let exampleBlocks = (batch + size - 1) / size
        threads.forEach(g.outputPositions * columnBlocks * exampleBlocks) { task, _ in
            let (rest, exampleBlock) = task.quotientAndRemainder(dividingBy: exampleBlocks)
            let (position, columnBlock) = rest.quotientAndRemainder(dividingBy: columnBlocks)
            let first = exampleBlock * size
            let output = columnBlock * Self.outputBlock
            let outputs = min(Self.outputBlock, g.outputChannels - output)
            let target = y + first * g.outputCount + position * g.outputChannels + output
            var accumulates = false
            forEachKernelRow(at: position) { inputs, weights, count in
                // y [examples x outputs] += x [examples x count] · w [count x outputs]
                multiply(
                    rows: min(size, batch - first), columns: outputs, inner: count,
                    Matrix(x + first * g.inputCount + inputs, rowStride: g.inputCount),
                    Matrix(w + weights + output, rowStride: g.outputChannels),
                    into: target, rowStride: g.outputCount, accumulates: accumulates)
                accumulates = true
            }
            if !accumulates {  // a window wholly in the padding
                for example in 0..<min(size, batch - first) {
                    (target + example * g.outputCount).update(repeating: 0, count: outputs)
                }
            }
        }
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        // Windows overlap, so a task takes all positions of its examples.
        threads.forEachBlock(of: batch, size: Self.examples(batch)) { examples in
            let gradient = dx.pointer + examples.lowerBound * g.inputCount
            if !dx.accumulates { gradient.update(repeating: 0, count: examples.count * g.inputCount) }
            for position in 0..<g.outputPositions {
                let source = dy + examples.lowerBound * g.outputCount + position * g.outputChannels
                forEachKernelRow(at: position) { inputs, weights, count in
                    // dx [examples x count] += dy [examples x outputs] · wᵀ [outputs x count]
                    multiply(
                        rows: examples.count, columns: count, inner: g.outputChannels,
                        Matrix(source, rowStride: g.outputCount),
                        Matrix(w + weights, rowStride: g.outputChannels, transposed: true),
                        into: gradient + inputs, rowStride: g.inputCount, accumulates: true)
                }
            }
        }
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let blocks = (g.inputChannels + Self.inputBlock - 1) / Self.inputBlock
        let taps = g.rows.kernel * g.columns.kernel
        threads.forEach(taps * blocks) { task, _ in
            let (tap, block) = task.quotientAndRemainder(dividingBy: blocks)
            let (kh, kw) = tap.quotientAndRemainder(dividingBy: g.columns.kernel)
            let channel = block * Self.inputBlock
            let channels = min(Self.inputBlock, g.inputChannels - channel)
            let target = dw + (tap * g.inputChannels + channel) * g.outputChannels
            var accumulates = false
            for oh in 0..<g.rows.outputLength where g.rows.liveTaps(at: oh).contains(kh) {
                for ow in 0..<g.columns.outputLength where g.columns.liveTaps(at: ow).contains(kw) {
                    let input =
                        g.rows.position(output: oh, tap: kh) * g.columns.length
                        + g.columns.position(output: ow, tap: kw)
                    // dw [channels x outputs] += xᵀ [channels x batch] · dy [batch x outputs]
                    multiply(
                        rows: channels, columns: g.outputChannels, inner: batch,
                        Matrix(
                            x + input * g.inputChannels + channel, rowStride: g.inputCount, transposed: true),
                        Matrix(
                            dy + (oh * g.columns.outputLength + ow) * g.outputChannels,
                            rowStride: g.outputCount),
                        into: target, rowStride: g.outputChannels, accumulates: accumulates)
                    accumulates = true
                }
            }
            if !accumulates { target.update(repeating: 0, count: channels * g.outputChannels) }
        }
    }

    /// Calls `body` for each kernel row of an output position that touches the input, with the offset of the inputs
    /// under its live taps, the offset of their weights, and how many there are.
    @inline(__always)
    private func forEachKernelRow(at position: Int, _ body: (_ inputs: Int, _ weights: Int, _ count: Int) -> Void) {
        let g = geometry
        let (oh, ow) = position.quotientAndRemainder(dividingBy: g.columns.outputLength)
        let live = g.columns.liveTaps(at: ow)
        guard !live.isEmpty else { return }
        let column = g.columns.position(output: ow, tap: live.lowerBound)
        for kh in g.rows.liveTaps(at: oh) {
            let row = g.rows.position(output: oh, tap: kh)
            body(
                (row * g.columns.length + column) * g.inputChannels,
                kh * g.kernelRowCount + live.lowerBound * g.inputChannels * g.outputChannels,
                live.count * g.inputChannels)
        }
    }
}
