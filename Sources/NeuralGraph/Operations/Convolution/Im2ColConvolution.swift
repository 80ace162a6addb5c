import CNeuralKernels

/// The universal convolution: windows are unrolled into the rows of a matrix, which is multiplied with the weights
/// (Chellapilla et al. 2006). It is done in tiles of a few output rows, so that the unrolled tile stays in cache.
///
/// Forward, for one tile and group:
///
///     y [positions x outputs] = columns [positions x patch] · w [patch x outputs]
///
/// Output rows are numbered through the batch, so that a tile of small images spans several of them.
struct Im2ColConvolution: ConvolutionAlgorithm {
    let geometry: ConvolutionGeometry
    let kernel: MatrixKernel

    /// Floats of an unrolled tile: half of a 1 MiB second-level cache, the rest is for weights and output.
    private static let tileFloats = 96 * 1024
    /// Floats of all weight gradient slots together.
    private static let slotFloats = 4 * 1024 * 1024

    var name: String { "im2col" }

    private var rowsPerTile: Int {
        max(1, Self.tileFloats / (geometry.columns.outputLength * geometry.patch))
    }

    private var tileCount: Int { rowsPerTile * geometry.columns.outputLength * geometry.patch }

    func scratchCount(_ pass: ConvolutionPass, batch: Int, workers: Int) -> Int {
        switch pass {
        case .forward, .inputGradient: return workers * tileCount
        case .weightGradient: return workers * tileCount + slots(batch: batch) * geometry.weightCount
        }
    }

    func forward(
        x: UnsafePointer<Float>, w: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, epilogue: cnk_epilogue,
        batch: Int, scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let allRows = batch * g.rows.outputLength
        let step = rowsPerTile
        threads.forEach((allRows + step - 1) / step) { tile, worker in
            let rows = tile * step..<min(allRows, (tile + 1) * step)
            let positions = rows.count * g.columns.outputLength
            let columns = scratch + worker * tileCount
            for group in 0..<g.groups {
                unroll(x, rows: rows, group: group, into: columns)
                // y [positions x group outputs] = columns [positions x patch] · w [patch x group outputs]
                multiply(
                    rows: positions, columns: g.groupOutputs, inner: g.patch,
                    Matrix(columns, rowStride: g.patch),
                    Matrix(w + group * g.groupWeightCount, rowStride: g.groupOutputs),
                    into: y + rows.lowerBound * g.columns.outputLength * g.outputChannels
                        + group * g.groupOutputs,
                    rowStride: g.outputChannels, accumulates: false, by: kernel)
            }
            guard epilogue.isNeeded else { return }
            let place = rows.lowerBound * g.columns.outputLength * g.outputChannels
            withUnsafePointer(to: epilogue.shifted(by: place)) {
                cnk_finish(y + place, positions, g.outputChannels, $0)
            }
        }
    }

    func inputGradient(
        dy: UnsafePointer<Float>, w: UnsafePointer<Float>, dx: GradientTarget, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let imageRows = g.rows.outputLength
        // Whole images, so that no two tasks add to the same one.
        let images = max(1, rowsPerTile / imageRows)
        threads.forEach((batch + images - 1) / images) { task, worker in
            let mine = task * images..<min(batch, (task + 1) * images)
            if !dx.accumulates {
                (dx.pointer + mine.lowerBound * g.inputCount).update(
                    repeating: 0, count: mine.count * g.inputCount)
            }
            let columns = scratch + worker * tileCount
            var row = mine.lowerBound * imageRows
            while row < mine.upperBound * imageRows {
                let rows = row..<min(mine.upperBound * imageRows, row + rowsPerTile)
                for group in 0..<g.groups {
                    // columns [positions x patch] = dy [positions x group outputs] · wᵀ [group outputs x patch]
                    multiply(
                        rows: rows.count * g.columns.outputLength, columns: g.patch, inner: g.groupOutputs,
                        Matrix(
                            dy + row * g.columns.outputLength * g.outputChannels + group * g.groupOutputs,
                            rowStride: g.outputChannels),
                        Matrix(w + group * g.groupWeightCount, rowStride: g.groupOutputs, transposed: true),
                        into: columns, rowStride: g.patch, accumulates: false, by: kernel)
                    addBack(columns, rows: rows, group: group, to: dx.pointer)
                }
                row = rows.upperBound
            }
        }
    }

    func weightGradient(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let allRows = batch * g.rows.outputLength
        let slots = slots(batch: batch)
        let perSlot = (allRows + slots - 1) / slots
        let partials = scratch + threads.workers * tileCount
        // Each slot sums its own share of the batch; the slots are added in order at the end.
        threads.forEach(slots) { slot, worker in
            let partial = partials + slot * g.weightCount
            let columns = scratch + worker * tileCount
            var row = min(allRows, slot * perSlot)
            let end = min(allRows, row + perSlot)
            if row == end { partial.update(repeating: 0, count: g.weightCount) }
            let first = row
            while row < end {
                let rows = row..<min(end, row + rowsPerTile)
                for group in 0..<g.groups {
                    unroll(x, rows: rows, group: group, into: columns)
                    // dw [patch x group outputs] += columnsᵀ [patch x positions] · dy [positions x group outputs]
                    multiply(
                        rows: g.patch, columns: g.groupOutputs, inner: rows.count * g.columns.outputLength,
                        Matrix(columns, rowStride: g.patch, transposed: true),
                        Matrix(
                            dy + row * g.columns.outputLength * g.outputChannels + group * g.groupOutputs,
                            rowStride: g.outputChannels),
                        into: partial + group * g.groupWeightCount, rowStride: g.groupOutputs,
                        accumulates: row > first, by: kernel)
                }
                row = rows.upperBound
            }
        }
        threads.forEachChunk(of: g.weightCount, floatsEach: slots) { part in
            (dw + part.lowerBound).update(from: partials + part.lowerBound, count: part.count)
            for slot in 1..<max(1, slots) {
                cnk_add_scaled(
                    partials + slot * g.weightCount + part.lowerBound, dw + part.lowerBound, part.count, 1)
            }
        }
    }

    /// The number of shares of the batch with a weight gradient of their own, by the problem's size only.
    private func slots(batch: Int) -> Int {
        let tiles = (batch * geometry.rows.outputLength + rowsPerTile - 1) / rowsPerTile
        return max(1, min(tiles, 16, max(2, Self.slotFloats / geometry.weightCount)))
    }

    /// Writes the windows of some output rows into `columns` `[positions x patch]`, zeros for padding.
    private func unroll(
        _ x: UnsafePointer<Float>, rows: Range<Int>, group: Int, into columns: UnsafeMutablePointer<Float>
    ) {
        let g = geometry
        let channels = g.groupInputs
        let kernelRow = g.columns.kernelSize * channels
        let contiguous = g.groups == 1 && g.columns.dilation == 1
        var target = columns
        for row in rows {
            let (image, oh) = row.quotientAndRemainder(dividingBy: g.rows.outputLength)
            let source = x + image * g.inputCount + group * channels
            let liveRows = g.rows.liveTaps(at: oh)
            for ow in 0..<g.columns.outputLength {
                let live = g.columns.liveTaps(at: ow)
                for kh in 0..<g.rows.kernelSize {
                    defer { target += kernelRow }
                    guard liveRows.contains(kh), !live.isEmpty else {
                        target.update(repeating: 0, count: kernelRow)
                        continue
                    }
                    let line = source + g.rows.position(output: oh, tap: kh) * g.columns.length * g.inputChannels
                    if live.count < g.columns.kernelSize {
                        target.update(repeating: 0, count: live.lowerBound * channels)
                        (target + live.upperBound * channels).update(
                            repeating: 0, count: (g.columns.kernelSize - live.upperBound) * channels)
                    }
                    let start = line + g.columns.position(output: ow, tap: live.lowerBound) * g.inputChannels
                    if contiguous {
                        (target + live.lowerBound * channels).update(from: start, count: live.count * channels)
                    } else {
                        for tap in 0..<live.count {
                            (target + (live.lowerBound + tap) * channels).update(
                                from: start + tap * g.columns.dilation * g.inputChannels, count: channels)
                        }
                    }
                }
            }
        }
    }

    /// Adds unrolled gradients back to where their inputs came from: the transpose of ``unroll``.
    private func addBack(
        _ columns: UnsafePointer<Float>, rows: Range<Int>, group: Int, to dx: UnsafeMutablePointer<Float>
    ) {
        let g = geometry
        let channels = g.groupInputs
        let kernelRow = g.columns.kernelSize * channels
        let contiguous = g.groups == 1 && g.columns.dilation == 1
        var source = columns
        for row in rows {
            let (image, oh) = row.quotientAndRemainder(dividingBy: g.rows.outputLength)
            let target = dx + image * g.inputCount + group * channels
            let liveRows = g.rows.liveTaps(at: oh)
            for ow in 0..<g.columns.outputLength {
                let live = g.columns.liveTaps(at: ow)
                for kh in 0..<g.rows.kernelSize {
                    defer { source += kernelRow }
                    guard liveRows.contains(kh), !live.isEmpty else { continue }
                    let line = target + g.rows.position(output: oh, tap: kh) * g.columns.length * g.inputChannels
                    let start = line + g.columns.position(output: ow, tap: live.lowerBound) * g.inputChannels
                    if contiguous {
                        cnk_add_scaled(source + live.lowerBound * channels, start, live.count * channels, 1)
                    } else {
                        for tap in 0..<live.count {
                            cnk_add_scaled(
                                source + (live.lowerBound + tap) * channels,
                                start + tap * g.columns.dilation * g.inputChannels, channels, 1)
                        }
                    }
                }
            }
        }
    }
}
