import CNeuralKernels

/// Sums over the rows of `[rows, channels]`, in parallel and in a fixed order: float sums of blocks of rows, then the
/// blocks in Double.
///
/// Blocks are cut by the size of the matrix alone, so that results do not depend on the number of workers. Their sums lie
/// in scratch memory as `[blocks][quantities][channels]`.
struct BlockedSums: Sendable {
    let rows: Int
    let channels: Int
    /// How many sums each channel has, such as those of a gradient and of its product with an input.
    let quantities: Int
    /// Rows of a block, the last of which may be shorter.
    let blockRows: Int

    /// Cuts the rows into blocks of enough work for a task, short enough that a float sums them accurately.
    init(rows: Int, channels: Int, quantities: Int = 1) {
        self.init(
            rows: rows, channels: channels, quantities: quantities,
            blockRows: max(64, min(512, 32 * 1024 / max(1, channels))))
    }

    init(rows: Int, channels: Int, quantities: Int = 1, blockRows: Int) {
        self.rows = rows
        self.channels = channels
        self.quantities = quantities
        self.blockRows = blockRows
    }

    var blockCount: Int { (rows + blockRows - 1) / blockRows }
    /// Floats of the blocks' sums.
    var scratchCount: Int { blockCount * quantities * channels }

    /// Calls `body` for each block of rows, on all workers, to write its sums `[quantities][channels]`.
    @inline(__always)
    func forEachBlock(
        _ scratch: UnsafeMutablePointer<Float>, _ threads: ThreadTeam,
        _ body: (_ rows: Range<Int>, _ sums: UnsafeMutablePointer<Float>, _ worker: Int) -> Void
    ) {
        threads.forEach(blockCount) { block, worker in
            body(
                block * blockRows..<min(rows, (block + 1) * blockRows), scratch + block * quantities * channels, worker)
        }
    }

    /// Adds up the blocks' sums of one channel.
    @inline(__always)
    func total(_ scratch: UnsafePointer<Float>, channel: Int, quantity: Int = 0) -> Double {
        var total = 0.0
        for block in 0..<blockCount { total += Double(scratch[(block * quantities + quantity) * channels + channel]) }
        return total
    }

    /// Writes the columns' sums of a matrix.
    func sumColumns(
        of matrix: UnsafePointer<Float>, into sums: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, threads: ThreadTeam
    ) {
        forEachBlock(scratch, threads) { rows, partial, _ in
            cnk_column_sums(matrix + rows.lowerBound * channels, rows.count, channels, partial)
        }
        for channel in 0..<channels { sums[channel] = Float(total(scratch, channel: channel)) }
    }
}
