import CNeuralKernels

/// The weight gradient as matrix products over positions and images, nothing unrolled:
///
///     dw [taps · inputs x outputs] += xᵀ [taps · inputs x positions] · dy [positions x outputs]
///
/// Inputs under a kernel row's taps lie side by side, so that the rows of the result are whole kernel rows; at the
/// image's edges, where some taps meet padding, only the others.
///
/// In bfloat16 a pair of neighboring images takes the place of one image.
struct BatchReduceWeightGradient: Sendable {
    private let geometry: ConvolutionGeometry
    private let precision: Precision
    /// Parts of a kernel row's `taps · inputs`; with dilation, each belongs to one tap.
    private let blocks: [Range<Int>]

    /// Words of inputs and gradients that are worked on at a time: they stay in a shared cache. Pairs are written first, and stay in
    /// second-level caches.
    private static let (chunkWords, chunkPairs) = (512 * 1024, 256 * 1024)
    /// Columns of one task's part of the result: the first number for which every worker has two tasks. The result's bits are the
    /// same for all of them.
    private static let columnChoices = [256, 128, 64, 32]
    /// Where the result has fewer blocks than this, images are cut into parts with a sum of their own.
    private static let leastTasks = 16
    /// The positions that such a part has at least.
    private static let leastPositions = 512
    /// Floats of all parts' sums, which are written and read once more.
    private static let mostSums = 512 * 1024

    init(geometry: ConvolutionGeometry, precision: Precision) {
        self.geometry = geometry
        self.precision = precision
        let all = geometry.columns.kernelSize * geometry.inputChannels
        let together = geometry.columns.dilation == 1 ? all : geometry.inputChannels
        // Products of pairs have a kernel of their own with tiles.
        let rows = precision == .float32 ? Self.evenRows(together) : 96
        blocks = stride(from: 0, to: all, by: together).flatMap { start in
            stride(from: start, to: start + together, by: rows).map { $0..<min(start + together, $0 + rows) }
        }
    }

    /// The rows of the result that one task computes: both factors are copied once for all of them.
    static func evenRows(_ count: Int) -> Int { evenPart(of: count, most: 192, step: 12) }

    /// How a batch is cut, by its size alone. Units are images, or pairs of them.
    private struct Cut {
        let units: Int
        let parts: Int
        let unitsOfPart: Int
        /// Units of each part that are worked on at a time.
        let chunk: Int
    }

    /// Blocks of the result of as many columns.
    private struct Columns {
        let size: Int
        let count: Int

        init(of channels: Int, most: Int) {
            size = evenPart(of: channels, most: most, step: Int(CNK_PANEL))
            count = (channels + size - 1) / size
        }
    }

    private func tasks(_ columns: Columns) -> Int { geometry.rows.kernelSize * blocks.count * columns.count }

    private func columns(parts: Int, workers: Int) -> Columns {
        var chosen = Columns(of: geometry.outputChannels, most: Self.columnChoices[0])
        for most in Self.columnChoices.dropFirst() where parts * tasks(chosen) < 2 * workers {
            let columns = Columns(of: geometry.outputChannels, most: most)
            // A last block of fewer columns than a panel has would be summed in another order.
            let last = geometry.outputChannels - (columns.count - 1) * columns.size
            if last >= Int(CNK_PANEL) { chosen = columns }
        }
        return chosen
    }

    private func cut(batch: Int) -> Cut {
        let units = precision == .float32 ? batch : (batch + 1) / 2
        let tasks = tasks(Columns(of: geometry.outputChannels, most: Self.columnChoices[0]))
        let parts = max(
            1,
            min(
                (Self.leastTasks + tasks - 1) / tasks, units * geometry.outputPositions / Self.leastPositions,
                Self.mostSums / geometry.weightCount))
        let unitsOfPart = (units + parts - 1) / parts
        let words = parts * (geometry.inputCount + geometry.outputCount)
        return Cut(
            units: units, parts: parts, unitsOfPart: unitsOfPart,
            chunk: min(
                unitsOfPart, max(leastUnits, (precision == .float32 ? Self.chunkWords : Self.chunkPairs) / words)))
    }

    /// Units of a chunk at least. Where the output's rows are short, units are the inner axis of the sums; else a few pairs do.
    private var leastUnits: Int { precision == .bfloat16 && geometry.columns.outputLength >= 16 ? 2 : 8 }

    /// Words of the sums of all parts but the first, then of the pairs of a chunk.
    func scratchCount(batch: Int) -> Int {
        let cut = cut(batch: batch)
        let sums = (cut.parts - 1) * geometry.weightCount
        guard precision == .bfloat16 else { return sums }
        return sums + cut.parts * cut.chunk * (geometry.inputCount + geometry.outputCount)
    }

    func multiply(
        x: UnsafePointer<Float>, dy: UnsafePointer<Float>, into dw: UnsafeMutablePointer<Float>, batch: Int,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let g = geometry
        let cut = cut(batch: batch)
        let sums = scratch
        let pairs = scratch + (cut.parts - 1) * g.weightCount
        let columns = columns(parts: cut.parts, workers: threads.workers)
        let tasks = tasks(columns)
        threads.forEachChunk(of: g.weightCount, floatsEach: cut.parts) { range in
            (dw + range.lowerBound).update(repeating: 0, count: range.count)
            for part in 1..<max(1, cut.parts) {
                (sums + (part - 1) * g.weightCount + range.lowerBound).update(repeating: 0, count: range.count)
            }
        }
        for first in stride(from: 0, to: cut.unitsOfPart, by: cut.chunk) {
            if precision == .bfloat16 { pair(x, dy, cut, from: first, batch: batch, into: pairs, threads: threads) }
            threads.forEach(cut.parts * tasks) { task, _ in
                let (part, index) = task.quotientAndRemainder(dividingBy: tasks)
                let start = part * cut.unitsOfPart + first
                let count = min(cut.chunk, cut.unitsOfPart - first, cut.units - start)
                guard count > 0 else { return }
                let source: (x: UnsafePointer<Float>, dy: UnsafePointer<Float>)
                if precision == .float32 {
                    source = (x + start * g.inputCount, dy + start * g.outputCount)
                } else {
                    let place = pairs + part * cut.chunk * (g.inputCount + g.outputCount)
                    source = (UnsafePointer(place), UnsafePointer(place + cut.chunk * g.inputCount))
                }
                add(
                    task: index, columns, units: count, x: source.x, dy: source.dy,
                    to: part == 0 ? dw : sums + (part - 1) * g.weightCount)
            }
        }
        guard cut.parts > 1 else { return }
        threads.forEachChunk(of: g.weightCount, floatsEach: cut.parts) { range in
            for part in 1..<cut.parts {
                cnk_add_scaled(
                    sums + (part - 1) * g.weightCount + range.lowerBound, dw + range.lowerBound, range.count, 1)
            }
        }
    }

    /// Rounds a chunk of each part: `[parts]`, inputs `[chunk][input]` and gradients `[chunk][output]` of pairs of images.
    private func pair(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ cut: Cut, from first: Int, batch: Int,
        into pairs: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        let (inputs, outputs) = (geometry.inputCount, geometry.outputCount)
        threads.forEachChunk(of: cut.parts * cut.chunk, floatsEach: inputs + outputs) { range in
            for index in range {
                let (part, offset) = index.quotientAndRemainder(dividingBy: cut.chunk)
                let unit = part * cut.unitsOfPart + first + offset
                guard first + offset < cut.unitsOfPart, unit < cut.units else { continue }
                let place = pairs + part * cut.chunk * (inputs + outputs)
                let hasSecond = 2 * unit + 1 < batch
                cnk_pair_arrays(
                    x + 2 * unit * inputs, hasSecond ? x + (2 * unit + 1) * inputs : nil, inputs,
                    place + offset * inputs)
                cnk_pair_arrays(
                    dy + 2 * unit * outputs, hasSecond ? dy + (2 * unit + 1) * outputs : nil, outputs,
                    place + cut.chunk * inputs + offset * outputs)
            }
        }
    }

    /// Adds the products of some units to one block of the result.
    private func add(
        task: Int, _ columns: Columns, units: Int, x: UnsafePointer<Float>, dy: UnsafePointer<Float>,
        to dw: UnsafeMutablePointer<Float>
    ) {
        let g = geometry
        let (rest, columnBlock) = task.quotientAndRemainder(dividingBy: columns.count)
        let (kernelRow, block) = rest.quotientAndRemainder(dividingBy: blocks.count)
        let rows = blocks[block]
        let column = columnBlock * columns.size
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
            let gradient = (firstRow * g.columns.outputLength + outputs.lowerBound) * g.outputChannels + column
            var product = cnk_brgemm()
            product.a = x + source
            product.a_row = 1
            product.b = dy + gradient
            product.b_panel = Int(CNK_PANEL)
            product.c =
                dw + (kernelRow * g.columns.kernelSize * g.inputChannels + live.lowerBound) * g.outputChannels
                + column
            product.c_row = g.outputChannels
            product.rows = live.count
            product.columns = min(columns.size, g.outputChannels - column)
            product.groups.count = 1
            product.epilogue.accumulates = 1
            sum(&product, units: units, rows: liveRows.count, columns: outputs.count)
        }
    }

    /// Sums over units, output rows and output columns, the longer of units and columns innermost. Of pairs, tiles take many at a
    /// time: where rows are the longest axis, they are.
    private func sum(_ product: inout cnk_brgemm, units: Int, rows: Int, columns: Int) {
        let g = geometry
        let unitAxis = cnk_axis(count: units, a: g.inputCount, b: g.outputCount)
        let columnAxis = cnk_axis(count: columns, a: g.columns.stride * g.inputChannels, b: g.outputChannels)
        (product.outer, product.inner) = columns >= units ? (unitAxis, columnAxis) : (columnAxis, unitAxis)
        product.middle = cnk_axis(
            count: rows, a: g.rows.stride * g.columns.length * g.inputChannels,
            b: g.columns.outputLength * g.outputChannels)
        if precision == .bfloat16, rows > product.inner.count { swap(&product.middle, &product.inner) }
        if precision == .float32 { cnk_multiply(&product) } else { cnk_multiply_pairs(&product) }
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
